"""An app in the middle of a night, whose keys are pressed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from cqltui.state.events import Event, Kind
from cqltui.ui.panels.tasks import TaskTable
from cqltui.ui.ports import LeaveChoice
from tests.ui.conftest import Bench
from tests.ui.night import Night, tasks

RUNNING_S = 4_200.0
ALL = tasks()
DONE, RUNNING, QUEUED = ALL[0].id, ALL[17].id, ALL[19].id


@asynccontextmanager
async def started(
    until_s: float = RUNNING_S, size: tuple[int, int] = (80, 24), *, late: bool = True, **ports: Any
) -> AsyncIterator[tuple[Bench, Pilot[LeaveChoice]]]:
    """An app at a moment of the night, its cursor on the first running task. `ports`: more than those of a bench.
    `late`: it is drawn when it is at rest, and not on the way to there."""
    night = Night(until_s)
    bench = Bench(night.events(), night.now, **ports)
    async with bench.open(size) if late else bench.app.run_test(size=size) as pilot:
        await bench.settle(pilot)
        yield bench, pilot


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
