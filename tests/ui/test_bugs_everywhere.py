"""A bug in any part of any screen is heard of: wherever it lies, it comes to what ends the screen with an error.

What that does, `test_broken_widgets.py` says. Here nothing ends, so that one app has all the bugs in turn. Panels and
widgets are those that the screens have, so that a new one is covered.
"""

import asyncio
import inspect
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event as Flag
from typing import Any

import pytest
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.widget import Widget

from cqltui.ui.background import Background
from cqltui.ui.internals import owners
from cqltui.ui.layout import PANELS
from cqltui.ui.messages import StateChanged
from cqltui.ui.panels.panel import Panel
from tests.ui.conftest import DEADLINE_S, Bench
from tests.ui.driving import started

SCREENS: tuple[tuple[str, ...], ...] = (
    (), ("1", "enter"), *(("escape", key) for key in ("question_mark", "colon", "C", "w", "x", "y", "slash", "q")),
)  # fmt: skip
"""The keys that lead from one screen to the next."""


class BugError(Exception):
    """Of the test."""


def bug(*arguments: Any, **named: Any) -> Any:
    """Whatever is asked of it."""
    raise BugError


class Heard:
    """Counts the bugs that would have ended the app, which goes on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        dispatch = MessagePump._dispatch_message

        async def survive(pump: MessagePump, message: Message) -> None:
            try:
                await dispatch(pump, message)
            except BugError:
                self.count += 1  # the pump's loop gives every exception to the app, and would end

        def hear(app: App[Any], error: Exception) -> None:
            assert isinstance(error, BugError), error
            self.count += 1

        monkeypatch.setattr(MessagePump, "_dispatch_message", survive)
        monkeypatch.setattr(App, "_handle_exception", hear)


@contextmanager
def broken(owner: object, name: str) -> Iterator[None]:
    """With a bug in place of a method."""
    own = vars(owner).get(name)
    setattr(owner, name, bug)
    owners.cache_clear()
    yield
    if own is None:
        delattr(owner, name)
    else:
        setattr(owner, name, own)
    owners.cache_clear()


async def expect(heard: Heard, act: Callable[[], object]) -> None:
    """A bug is heard of after this. The pilot's own pauses would draw, and run into it themselves."""
    before, deadline = heard.count, time.monotonic() + DEADLINE_S
    found = act()
    if inspect.isawaitable(found):
        await found
    while heard.count == before:
        assert time.monotonic() < deadline, "nobody heard of it"
        await asyncio.sleep(0.005)


def leaves(bench: Bench) -> list[Widget]:
    """The widgets of the screen that are seen and draw something themselves."""
    return [widget for widget in bench.app.screen.query("*") if widget.size and widget.display and not widget.children]


async def test_a_bug_anywhere_is_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(size=(160, 48), late=False) as (bench, pilot):
        heard = Heard(monkeypatch)
        panels = [panel for panel in bench.app.screen.query(Panel) if panel.id in PANELS]
        assert {panel.id for panel in panels} == set(PANELS)
        for panel in panels:
            with broken(panel, "show"):
                panel._made_for = None
                await expect(heard, lambda: bench.app.post_message(StateChanged()))
            panel.focus()
            await pilot.pause()
            keys = panel._bindings.key_to_bindings
            key, binding = next((key, its[0]) for key, its in keys.items() if len(key) == 1 and key.isalpha())
            with broken(panel, f"action_{binding.action.partition('(')[0]}"):
                await expect(heard, partial(pilot.press, key))
            with broken(type(panel), "on_click"):
                await expect(heard, partial(pilot.click, panel, offset=(5, 2)))
            with broken(type(panel), "on_mouse_move"):
                await expect(heard, partial(pilot.hover, panel, offset=(6, 2)))
        with broken(bench.app, "moment"):  # a draw, which a timer may have begun
            await expect(heard, bench.app._tick)
        await expect(heard, lambda: bench.app.post(bug))  # showing what was read
        await expect(heard, lambda: bench.app.died(BugError()))
        seen: Counter[str] = Counter()
        for led in SCREENS:
            await pilot.press(*led)
            await bench.rest(pilot)
            for widget in leaves(bench):
                seen[type(bench.app.screen).__name__] += 1
                with broken(widget, "render_lines"):
                    await expect(heard, widget.refresh)
                widget.refresh()
        assert len(seen) >= 7, seen
        assert min(seen["MainScreen"], seen["DetailsScreen"]) >= 7


def test_a_bug_in_what_is_read_is_told_to_the_screen() -> None:
    told: list[Exception] = []
    over = Flag()

    def died(error: Exception) -> None:
        told.append(error)
        over.set()

    thread = Background("of a test", lambda then: then(), died)
    thread.start()
    thread.call(bug, bug, bug)
    assert over.wait(10)
    assert [type(error) for error in told] == [BugError]
