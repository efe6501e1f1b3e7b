"""The fleet with real processes: taken over by their command lines, and no more than wanted."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cqltui.child import PYTHON
from cqltui.machine import start_time
from cqltui.placement.process import WORKER, Launcher, left_behind
from cqltui.placement.protocol import UNSEEN, End, Why
from cqltui.supervisor.fleet import Fleet

LIMIT_S = 60.0

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts processes that do nothing, with the command line of a worker."""
    package = tmp_path / "stand-in" / "cqltui"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text("import time; time.sleep(600)\n")
    made: list[subprocess.Popen[bytes]] = []

    def start(
        worker_id: str,
        run_dir: str | Path,
        *,
        by_hand: bool = False,
        earlier: bool = False,
        within: tuple[str, ...] = (),
    ) -> subprocess.Popen[bytes]:
        """`earlier`: as the version before started its workers. `within`: the command that starts it."""
        words = ["--run-dir", str(run_dir), "--worker-id", worker_id] if by_hand else [worker_id, "--run-dir", run_dir]
        python = [sys.executable] if by_hand or earlier else PYTHON
        argv = [*within, *python, *(("-m", "cqltui", "worker") if by_hand else WORKER), *words]
        process = subprocess.Popen(argv, cwd=package.parent, env={**os.environ, "PYTHONPATH": str(package.parent)})
        made.append(process)
        end = time.monotonic() + LIMIT_S
        while "cqltui" not in psutil.Process(process.pid).cmdline():  # still the copy of this process
            assert time.monotonic() < end
        return process

    yield start
    for process in made:
        process.kill()
        process.wait(LIMIT_S)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """An empty one, beside another."""
    (tmp_path / "other").mkdir()
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def _fleet(folder: Path, count: int) -> Fleet:
    return Fleet(Launcher([], {}, folder), count)


def test_workers_of_before_are_taken_over_and_those_too_many_are_ended(start: Start, run_dir: Path) -> None:
    first, second, by_hand = (
        start("w1", run_dir),
        start("w2", run_dir, earlier=True),
        start("w3", run_dir, by_hand=True),
    )
    other, named = start("w1", run_dir.parent / "other"), start("lap", run_dir)
    fleet = _fleet(run_dir, 1)
    assert sorted(fleet.adopt(left_behind(run_dir))) == ["w1", "w2"]
    second.wait(LIMIT_S)
    died: list[tuple[str, End]] = []
    assert fleet.tend(1, lambda worker, end: died.append((worker, end))) == []
    assert died == [("w2", End(Why.EXIT, UNSEEN))]
    assert fleet.pid("w1") == first.pid
    assert all(start_time(process.pid) for process in (first, by_hand, other, named))


def test_a_relative_path_is_that_of_the_worker(start: Start, run_dir: Path) -> None:
    start("w1", "../run")
    start("w2", "run")
    assert [worker.id for worker in left_behind(run_dir)] == ["w1"]


def test_of_two_workers_with_one_id_the_older_is_asked_to_leave(start: Start, run_dir: Path) -> None:
    older, newer = start("w1", run_dir), start("w1", run_dir)
    fleet = _fleet(run_dir, 1)
    assert fleet.adopt(left_behind(run_dir)) == ["w1"]
    older.wait(LIMIT_S)
    assert fleet.pid("w1") == newer.pid


def test_a_containers_worker_is_left_alone(start: Start, run_dir: Path) -> None:
    """It is seen from here, and its run directory, of the same path, may be another."""
    if subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no right to a pid namespace of one's own (unshare --pid)")
    outside = start("w1", run_dir, within=("unshare", "--pid", "--fork", "--kill-child"))
    end = time.monotonic() + LIMIT_S
    while not (inside := [child for child in psutil.Process(outside.pid).children() if "cqltui" in child.cmdline()]):
        assert time.monotonic() < end
    mine = start("w2", run_dir)
    assert [worker.pid for worker in left_behind(run_dir)] == [mine.pid]
    assert inside[0].is_running()


def test_an_id_under_which_another_process_works_is_left_to_it(start: Start, run_dir: Path) -> None:
    first = start("w1", run_dir)
    fleet = _fleet(run_dir, 2)
    fleet.adopt(left_behind(run_dir))
    assert fleet.pid("w1") == first.pid
    first.kill()
    first.wait(LIMIT_S)
    assert fleet.tend(1, lambda worker, end: None, taken={"w1"}) == ["w2"]
    assert fleet.pid("w1") == 0
    fleet.kill_all()
    end = time.monotonic() + LIMIT_S
    while fleet.alive:
        assert time.monotonic() < end
        fleet.tend(0, lambda worker, end: None)


def test_a_worker_that_cannot_be_started_is_tried_again_later(run_dir: Path) -> None:
    (run_dir / "logs").touch()
    fleet = _fleet(run_dir / "logs", 1)
    with pytest.raises(OSError, match="logs"):
        fleet.tend(1, lambda worker, end: None)
    assert fleet.tend(1, lambda worker, end: None) == [], "not at once"
    assert fleet.alive == 0
