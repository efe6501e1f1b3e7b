"""The fleet with real processes: taken over by pid and start time, and no more than wanted."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.process import Launcher, is_alive

LIMIT_S = 20.0


@pytest.fixture
def sleepers() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Three processes that do nothing."""
    made = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) for _ in range(3)]
    yield made
    for process in made:
        process.kill()
        process.wait(LIMIT_S)


def _said(process: subprocess.Popen[bytes], **other: object) -> Mapping[str, object]:
    return {"pid": process.pid, "create_time": psutil.Process(process.pid).create_time(), "host": "here", **other}


def _fleet(folder: Path, count: int) -> Fleet:
    return Fleet(Launcher([], {}, folder), count)


def test_workers_of_before_are_taken_over_and_those_too_many_are_ended(
    sleepers: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    first, second, third = sleepers
    fleet = _fleet(tmp_path, 1)
    adopted = fleet.adopt("here", {"w1": _said(first), "w2": _said(second), "lap": _said(third)})
    assert adopted == ["w1", "w2"]
    assert "lap" not in fleet, "it was started by hand"
    second.wait(LIMIT_S)
    died: list[tuple[str, int]] = []
    assert fleet.tend(1, lambda worker, code: died.append((worker, code))) == []
    assert died == [("w2", -1)]
    assert is_alive(first.pid)
    assert is_alive(third.pid)


def test_another_process_with_the_same_pid_is_not_taken_for_the_worker(
    sleepers: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    first, second, third = sleepers
    fleet = _fleet(tmp_path, 3)
    registered = {
        "w1": _said(first, create_time=time.time() - 3600.0),
        "w2": _said(second, host="elsewhere"),
        "w3": {"pid": "nonsense", "host": "here"},
    }
    assert fleet.adopt("here", registered) == []
    assert all(is_alive(process.pid) for process in (first, second, third))


def test_an_id_under_which_another_process_works_is_left_to_it(
    sleepers: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    first, *_ = sleepers
    fleet = _fleet(tmp_path, 2)
    fleet.adopt("here", {"w1": _said(first)})
    assert fleet.pid("w1") == first.pid
    first.kill()
    first.wait(LIMIT_S)
    assert fleet.tend(1, lambda worker, code: None, taken={"w1"}) == ["w2"]
    assert fleet.pid("w1") == 0
    fleet.kill_all()
    end = time.monotonic() + LIMIT_S
    while fleet.alive:
        assert time.monotonic() < end
        fleet.tend(0, lambda worker, code: None)


def test_a_process_that_waits_to_be_collected_lives_no_more(sleepers: list[subprocess.Popen[bytes]]) -> None:
    first = sleepers[0]
    assert is_alive(first.pid)
    assert not is_alive(0)
    assert not is_alive(-first.pid), "a worker's pid is foreign"
    first.kill()
    end = time.monotonic() + LIMIT_S
    while is_alive(first.pid):
        assert time.monotonic() < end
        time.sleep(0.01)
