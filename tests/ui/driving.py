"""An app in the middle of a night, whose keys are pressed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual._compositor import Compositor
from textual.pilot import Pilot

from cqltui.state.events import Event, Kind
from cqltui.ui.app import CqltuiApp
from cqltui.ui.panels.tasks import TaskTable
from cqltui.ui.ports import LeaveChoice
from tests.ui.conftest import Bench
from tests.ui.night import Night, tasks

RUNNING_S = 4_200.0
ALL = tasks()
DONE, RUNNING, QUEUED = ALL[0].id, ALL[17].id, ALL[19].id


@asynccontextmanager
async def started(
    until_s: float = RUNNING_S, size: tuple[int, int] = (80, 24), **ports: Any
) -> AsyncIterator[tuple[Bench, Pilot[LeaveChoice]]]:
    """An app at a moment of the night, its cursor on the first running task. `ports`: more than those of a bench."""
    night = Night(until_s)
    bench = Bench(night.events(), night.now, **ports)
    async with bench.app.run_test(size=size) as pilot:
        await bench.settle(pilot)
        yield bench, pilot


class LateDraws:
    """What is to be drawn is, when it is asked for: half of the time went into draws on the way to there."""

    def __init__(self, app: CqltuiApp, monkeypatch: pytest.MonkeyPatch) -> None:
        """From now on, for as long as the patch lasts."""
        self._app, self._draw, self._undrawn = app, Compositor.render_update, False
        monkeypatch.setattr(Compositor, "render_update", lambda compositor, **_: self._put_off(compositor))

    @staticmethod
    def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
        """Draw nothing at all."""
        monkeypatch.setattr(Compositor, "render_update", lambda compositor, **_: compositor._dirty_regions.clear())

    def _put_off(self, compositor: Compositor) -> None:
        compositor._dirty_regions.clear()
        self._undrawn = True

    def draw(self) -> None:
        """The whole screen, if anything of it has changed."""
        if self._undrawn and self._app.is_running:
            self._draw(self._app.screen._compositor, full=True, screen_stack=self._app._background_screens)
            self._undrawn = False


def table(bench: Bench) -> TaskTable:
    """The task list."""
    return bench.app.screen.query_one(TaskTable)


async def sent(bench: Bench, pilot: Pilot[LeaveChoice], *calls: tuple[object, ...]) -> None:
    """Expect exactly these commands, once all keys have acted."""
    assert await bench.commands(pilot) == list(calls)


def changed(bench: Bench, kind: Kind, task_id: str, status: str, **life: object) -> Event:
    """The event that follows a command."""
    seq = max(event.seq for event in bench.given) + 1
    data = {"status": status, "priority": 7, "run": 1, **life}
    return Event(kind, bench.now, 1, seq, task_id, data=data)
