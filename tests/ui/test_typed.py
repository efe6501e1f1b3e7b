"""A key waits for what the one before it set off, however slow the machine is."""

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from textual.events import Key

from cqltui.ui.typed import Typed

TURN_S = 0.01


class SlowPump:
    """A widget whose every message takes long to be handled: the process is given little of the CPU."""

    def call_later(self, callback: Callable[[], object]) -> bool:
        """Call it in the next turn."""

        def turn() -> None:
            time.sleep(TURN_S)
            callback()

        asyncio.get_running_loop().call_soon(turn)
        return True


@pytest.mark.parametrize(("pumps", "comes_to_rest"), [([SlowPump() for _ in range(8)], True), ([], False)])
async def test_the_next_key_is_held_back_while_there_is_progress_and_not_for_ever(
    pumps: list[SlowPump], comes_to_rest: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqltui.ui.typed.PATIENCE_S", TURN_S)
    posted: list[object] = []
    screen = SimpleNamespace(ancestors_with_self=pumps or [SimpleNamespace(call_later=lambda _: True)])
    app: Any = SimpleNamespace(screen=screen, focused=None, post_message=posted.append)
    typed = Typed(app)
    rounds = 0
    next_round = typed._round

    def counted() -> None:
        nonlocal rounds
        rounds += 1
        next_round()

    monkeypatch.setattr(typed, "_round", counted)
    typed.add(Key("a", "a"))
    typed.add(Key("b", "b"))
    assert typed.next() is not None
    posted.clear()
    typed.follow()
    deadline = time.monotonic() + 60
    while not posted:
        assert typed.next() is None, "the one before has not come to rest"
        assert time.monotonic() < deadline
        await asyncio.sleep(0)
    assert (rounds == 3) == comes_to_rest
