"""A worker that dies is started again, later each time; one that left by itself at once."""

from types import SimpleNamespace
from typing import cast

import pytest

from cqltui.placement.process import Launcher
from cqltui.placement.protocol import End, Why
from cqltui.supervisor import fleet as module
from cqltui.supervisor.fleet import Fleet


class Worker:
    """A process that ends when it is told to."""

    pid, log_start = 7, 0

    def __init__(self, worker_id: str) -> None:
        self.id = worker_id
        self.code: int | None = None
        self.asked = False

    def terminate(self) -> None:
        """Remember that it was asked to leave."""
        self.asked = True

    def exit_code(self) -> int | None:
        """None while it lives."""
        return self.code


class Workers:
    """In place of the launcher: what it has started, the latest of each id."""

    def __init__(self) -> None:
        self.started: dict[str, Worker] = {}

    def start(self, worker_id: str, extra: object = None) -> Worker:
        """Another one."""
        self.started[worker_id] = Worker(worker_id)
        return self.started[worker_id]


def test_no_worker_is_restarted_before_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    workers = Workers()
    fleet, died = Fleet(cast("Launcher", workers), 2), list[tuple[str, End]]()

    def tend() -> list[str]:
        return fleet.tend(2, lambda worker, end: died.append((worker, end)))

    assert tend() == ["w1", "w2"]
    for pause_s in (1.0, 2.0, 4.0):
        workers.started["w1"].code = 1
        assert tend() == []
        now += pause_s - 0.01
        assert tend() == []
        now += 0.02
        assert tend() == ["w1"]
    assert died == [("w1", End(Why.EXIT, 1))] * 3
    workers.started["w2"].code = 0
    assert tend() == ["w2"], "it left by itself"


def test_workers_too_many_are_asked_to_leave_and_those_that_are_missing_are_started() -> None:
    before, after = Workers(), Workers()
    fleet, died = Fleet(cast("Launcher", before), 3), list[str]()

    def tend() -> list[str]:
        return fleet.tend(10, lambda worker, end: died.append(worker))

    assert tend() == ["w1", "w2", "w3"]
    fleet.resize(1, cast("Launcher", after))
    assert [before.started[slot].asked for slot in ("w1", "w2", "w3")] == [False, True, True]
    assert tend() == []
    fleet.resize(4, cast("Launcher", after))
    assert tend() == ["w4"], "the others have yet to leave"
    for slot in ("w2", "w3"):
        before.started[slot].code = 0
    assert tend() == ["w2", "w3"]
    assert died == ["w2", "w3"]
    assert set(after.started) == {"w2", "w3", "w4"}, "as workers are started now"
