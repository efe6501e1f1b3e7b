"""The supervisor's pure parts: backoff, the clock that runs only while the server answers, what has not changed."""

import sys
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path

import psutil
import pytest

from cqltui.backoff import pause_s
from cqltui.errors import CqltuiError
from cqltui.placement.restart import FIRST_S, HEALTHY_S, LONGEST_S, Restart
from cqltui.results.rundir import RunDir
from cqltui.state.model import RunState
from cqltui.supervisor import reporting
from cqltui.supervisor.finishing import evaluate
from cqltui.supervisor.hooks import Hooks
from cqltui.supervisor.reaper import MAX_TICK_S, AnsweringClock, Unchanged


def test_pauses_double_up_to_the_longest() -> None:
    assert [pause_s(failures, 0.5, 3.0) for failures in (1, 2, 3, 4, 10**9)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_a_worker_that_keeps_dying_is_started_ever_more_slowly() -> None:
    backoff, now, pauses = Restart(), 100.0, []
    for _ in range(8):
        backoff.started(now)
        pauses.append(backoff.died(now + 0.1))
        assert not backoff.ready(now + 0.1)
        now += 0.1 + pauses[-1]
        assert backoff.ready(now)
    assert pauses == [FIRST_S, 2, 4, 8, 16, 32, LONGEST_S, LONGEST_S]


def test_a_worker_that_lived_for_a_while_starts_over() -> None:
    backoff = Restart()
    for _ in range(3):
        backoff.died(0.0)
    backoff.started(10.0)
    assert backoff.died(10.0 + HEALTHY_S) == FIRST_S


def test_the_clock_stands_while_the_server_is_away() -> None:
    clock = AnsweringClock()
    clock.answered(100.0)
    clock.answered(100.5)
    clock.silent()
    clock.answered(160.0)
    clock.answered(160.5)
    assert clock.now == 1.0


def test_a_sleeping_machine_is_one_short_tick() -> None:
    clock = AnsweringClock()
    clock.answered(0.0)
    clock.answered(3600.0)
    assert clock.now == MAX_TICK_S
    careful = AnsweringClock(0.5)
    careful.answered(0.0)
    careful.answered(3600.0)
    assert careful.now == 0.5


def test_only_what_stays_the_same_grows_old() -> None:
    watch = Unchanged()
    watch.watch({"a": ("t1", 1), "b": ("t1", 1)}, 0.0)
    assert watch.watch({"a": ("t1", 1), "b": ("t1", 2)}, 20.0) == {"a": 20.0, "b": 0.0}
    assert watch.longer_than({"a": ("t1", 1), "b": ("t1", 2)}, 31.0, 30.0) == ["a"]
    assert watch.longer_than({"a": ("t2", 1)}, 40.0, 30.0) == []  # the next holder has its own time


def test_what_is_gone_is_forgotten() -> None:
    watch = Unchanged()
    watch.watch({"a": 1}, 0.0)
    watch.watch({}, 10.0)
    assert watch.watch({"a": 1}, 20.0) == {"a": 0.0}


@pytest.mark.parametrize("error", [CqltuiError("no data"), OSError("no data"), ValueError("no data")])
def test_an_evaluation_is_told_and_one_that_fails_ends_nothing(error: Exception) -> None:
    told: list[tuple[str, str]] = []

    def nothing(*_: object) -> None:
        """Do nothing."""

    def fails(state: RunState, tell: Callable[[str], None]) -> None:
        tell("evaluating: leak audit")
        raise error

    hooks = Hooks(nothing, nothing, nothing, nothing, lambda _: 0.0, lambda _: True, fails, nothing)
    evaluate(hooks, RunState(), lambda level, text: told.append((level, text)))
    assert told == [
        ("info", "evaluating what was trained"),
        ("info", "evaluating: leak audit"),
        ("warning", "the run was not evaluated: no data"),
    ]


def child(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Have this code run in place of `cqltui report`."""
    monkeypatch.setattr(reporting, "PYTHON", (sys.executable, "-c", code))


def reported(run_dir: RunDir, stopped: Iterator[bool]) -> list[tuple[str, str]]:
    """What is told while the report is written."""
    told: list[tuple[str, str]] = []

    def is_stopped() -> bool:
        time.sleep(0.02)
        return next(stopped)

    reporting.report(run_dir, lambda level, text: told.append((level, text)), is_stopped)
    return told


def test_a_report_is_told_of_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child(monkeypatch, f"import sys; open({str(tmp_path / 'given')!r}, 'w').write(repr(sys.argv[1:]))")
    assert reported(RunDir(tmp_path), repeat(False)) == [
        ("info", "writing the report"),
        ("info", f"report: {tmp_path / 'report' / 'report.html'}"),
    ]
    given = ["-m", "cqltui", "report", "--run-dir", str(tmp_path), "--background"]
    assert (tmp_path / "given").read_text() == repr(given)


def test_a_report_that_fails_is_a_warning_with_its_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child(monkeypatch, "import sys; print('some', file=sys.stderr); sys.exit('cqltui: there is no room')")
    assert reported(RunDir(tmp_path), repeat(False))[1:] == [
        ("warning", "the report was not written: there is no room")
    ]


def test_a_report_does_not_outlive_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = tmp_path / "pid"
    child(
        monkeypatch,
        "import os, pathlib, time\n"
        f"file = pathlib.Path({str(pid)!r}); file.with_suffix('.tmp').write_text(str(os.getpid()))\n"
        "file.with_suffix('.tmp').rename(file); time.sleep(60)",
    )

    def stopped() -> Iterator[bool]:
        while not pid.exists():
            yield False
        yield True

    assert reported(RunDir(tmp_path), stopped())[1:] == [
        ("info", f"the report was left out: the run was stopped; cqltui report --run-dir {tmp_path} writes it")
    ]
    assert not psutil.pid_exists(int(pid.read_text()))


def test_a_report_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child(monkeypatch, "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)")
    monkeypatch.setattr(reporting, "LIMIT_S", 0.3)
    monkeypatch.setattr(reporting, "GRACE_S", 0.1)
    (level, text) = reported(RunDir(tmp_path), repeat(False))[-1]
    assert (level, text[:29]) == ("warning", "the report was given up after")


def test_no_report_is_begun_for_a_run_that_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child(monkeypatch, "raise SystemExit(1)")
    assert reported(RunDir(tmp_path), repeat(True)) == []
    assert not (tmp_path / "logs").exists()
