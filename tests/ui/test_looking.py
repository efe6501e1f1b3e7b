"""Of many workers each is told which of its tasks are seen, and brings the curves of these."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, cast

from msgspec.structs import replace

from cqltui.errors import ServerError
from cqltui.state.events import Event, Kind
from cqltui.state.live import MANY_WORKERS
from cqltui.state.model import Lifecycle, RunState, Status, TaskInfo, TaskState, WorkerState
from cqltui.ui.background import Background
from cqltui.ui.looking import AGAIN_S, Looking
from tests.ui.conftest import Bench
from tests.ui.driving import RUNNING_S
from tests.ui.fakes import FakeRequests
from tests.ui.night import Night


class Inline:
    """Calls at once; an answer is put off while `waits`."""

    def __init__(self) -> None:
        self.waits = False

    def call(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Any], None]) -> None:
        """Call, and tell."""
        try:
            found = work()
        except ServerError as error:
            failed(error)
        else:
            if not self.waits:
                done(found)


def state_of(workers: int, **statuses: Status) -> RunState:
    """A run of these tasks, with so many workers."""
    tasks = {i: TaskState(TaskInfo(i, "p"), Lifecycle(status=status)) for i, status in statuses.items()}
    known = {f"n{n}": WorkerState(f"n{n}") for n in range(workers)}
    return RunState(tasks=MappingProxyType(tasks), workers=MappingProxyType(known), online=True)


def test_those_that_run_and_are_seen_are_told_once_and_again_in_time() -> None:
    requests, background = FakeRequests(), Inline()
    looking = Looking(requests, cast("Background", background))
    many = state_of(MANY_WORKERS + 1, a=Status.RUNNING, b=Status.RUNNING, c=Status.QUEUED)
    seen = ["b", "c", "gone", "a"]
    looking.look(state_of(MANY_WORKERS, a=Status.RUNNING), ["a"], 0.0)
    looking.look(replace(many, online=False), seen, 0.0)
    looking.look(many, ["c"], 0.0)
    assert requests.calls == [], "few workers tell everything, and of what does not run nothing comes"
    looking.look(many, seen, 0.0)
    looking.look(many, ["a"], AGAIN_S - 1)
    assert requests.calls == [("look_at", "a", "b")]
    looking.look(many, ["a"], AGAIN_S)
    looking.look(many, seen, AGAIN_S + 1)
    assert requests.calls[1:] == [("look_at", "a"), ("look_at", "a", "b")], "in time, and others at once"
    requests.refuse = "away"
    looking.look(many, seen, 3 * AGAIN_S)
    requests.refuse, background.waits = "", True
    looking.look(many, seen, 4 * AGAIN_S)
    looking.look(many, seen, 9 * AGAIN_S)
    assert len(requests.calls) == 5, "a refusal is no end, and one call waits for the one before"


async def test_the_screen_tells_its_rows_and_the_task_under_the_cursor(ticking: None) -> None:
    night = Night(RUNNING_S)
    events = night.events()
    seq = max(event.seq for event in events)
    more = [Event(Kind.WORKER_STARTED, night.now, 1, seq + n, worker=f"n{n}") for n in range(1, MANY_WORKERS + 2)]
    bench = Bench([*events, *more], night.now)
    running = sorted(task.id for task in night.state().tasks.values() if task.status is Status.RUNNING)
    async with bench.open() as pilot:
        await bench.until(pilot, lambda: ("look_at", *running) in bench.requests.calls)
