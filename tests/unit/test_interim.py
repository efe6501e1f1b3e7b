"""The results while a campaign runs are written anew when a task is done, and not more often than they cost."""

import pytest

from cqltui.state.model import Lifecycle, RunState, Status, TaskInfo, TaskState
from cqltui.supervisor.interim import Interim


def run(*done: str, token: str = "1-1", online: bool = True) -> RunState:
    """Three tasks of which these are done."""
    tasks = {
        name: TaskState(
            TaskInfo(name, "p"), Lifecycle(status=Status.DONE if name in done else Status.QUEUED, token=token)
        )
        for name in "abc"
    }
    return RunState(tasks=tasks, online=online)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, as its one entry."""
    now = [1000.0]
    monkeypatch.setattr("cqltui.supervisor.interim.time.monotonic", lambda: now[0])
    return now


def test_only_what_is_new_is_written(clock: list[float]) -> None:
    written: list[RunState] = []
    watch = Interim(written.append)
    for state, expected in ((run(), 0), (run("a"), 1), (run("a"), 1), (run("a", "b"), 2), (run("a", token="1-2"), 3)):
        watch.tick(state, 0.0)
        assert len(written) == expected
        clock[0] += 60


def test_what_costs_much_is_written_seldom(clock: list[float]) -> None:
    written: list[RunState] = []

    def slow(state: RunState) -> None:
        written.append(state)
        clock[0] += 2.0

    watch = Interim(slow)
    watch.tick(run("a"), 0.0)
    clock[0] += 99.0
    watch.tick(run("a", "b"), 0.0)
    assert len(written) == 1
    clock[0] += 2.0
    watch.tick(run("a", "b"), 0.0)
    assert len(written) == 2


def test_nothing_is_written_while_the_server_is_away(clock: list[float]) -> None:
    written: list[RunState] = []
    Interim(written.append).tick(run("a", online=False), 0.0)
    assert not written


def test_a_disk_that_refuses_is_tried_again(clock: list[float]) -> None:
    tries = []

    def full(state: RunState) -> None:
        tries.append(state)
        raise OSError(28, "No space left on device")

    watch = Interim(full)
    watch.tick(run("a"), 0.0)
    watch.tick(run("a"), 0.0)
    clock[0] += 11.0
    watch.tick(run("a"), 0.0)
    assert len(tries) == 2
