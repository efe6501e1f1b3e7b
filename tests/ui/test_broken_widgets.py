"""A bug anywhere on the screen ends it: the error is told once, the return code says so, and nothing is asked."""

import asyncio
import time
from typing import Any

import pytest

from cqltui.ui.panels.curves import CurvesPanel
from cqltui.ui.panels.header import Header
from cqltui.ui.panels.log import LogPanel
from cqltui.ui.panels.panel import Panel
from cqltui.ui.panels.tasks import TaskTable
from cqltui.ui.panels.view import LineView
from cqltui.ui.screens.details import DetailsScreen
from cqltui.ui.screens.dialog import Dialog
from tests.ui.conftest import DEADLINE_S, Bench
from tests.ui.night import Night

BUGS: tuple[tuple[type, str, str], ...] = (
    (Panel, "follow", ""),
    (Header, "show", ""),
    (TaskTable, "show", ""),
    (TaskTable, "render_line", ""),
    (LineView, "render_line", ""),
    (TaskTable, "action_fold", "z"),
    (CurvesPanel, "action_grid", "2 g"),
    (LogPanel, "action_wrap", "4 w"),
    (DetailsScreen, "compose", "enter"),
    (Dialog, "on_mount", "x"),
)
"""Class, method, and the keys that lead to it, if it takes any."""


@pytest.mark.parametrize(("owner", "method", "keys"), BUGS, ids=lambda value: getattr(value, "__name__", value))
async def test_a_bug_ends_the_screen_and_is_told_once(
    owner: type, method: str, keys: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, here = getattr(owner, method, None), asyncio.current_task()

    def broken(self: Any, *arguments: Any, **named: Any) -> Any:
        if (
            whole is not None and asyncio.current_task() is here
        ):  # a pause of the pilot's may draw: that is not the screen
            return whole(self, *arguments, **named)
        raise RuntimeError("a bug of the test")

    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    if not keys:
        monkeypatch.setattr(owner, method, broken)
    with pytest.raises(RuntimeError, match="a bug of the test"):  # noqa: PT012
        async with bench.app.run_test(size=(160, 48)) as pilot:
            if keys:
                await bench.settle(pilot)
                monkeypatch.setattr(owner, method, broken, raising=False)
                await pilot.press(*keys.split())
            deadline = time.monotonic() + DEADLINE_S
            while bench.app.is_running:
                assert time.monotonic() < deadline, "nobody heard of it"
                bench.app.screen.refresh()
                await asyncio.sleep(0.02)  # the screen draws by itself
    told = capsys.readouterr().err
    assert (told.count("Traceback"), told.count("NOTE")) == (1, 0)
    assert bench.app.return_code == 1
    assert bench.requests.calls == []
    assert bench.source.closed
