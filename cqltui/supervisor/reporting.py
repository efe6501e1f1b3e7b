"""The report at a run's end, made by a process of its own: whatever becomes of it, the run ends as it would."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

from cqltui.child import PYTHON, clean_environment
from cqltui.results.rundir import RunDir
from cqltui.supervisor.hooks import Notice
from cqltui.supervisor.lastwords import last_words, reason
from cqltui.supervisor.lock import place
from trainer.files import make_folder, plain_file

LIMIT_S = 600.0
"""A report that takes longer hangs."""
GRACE_S = 5.0
"""What a process that is to end has for removing what it has begun."""


def report(run_dir: RunDir, notice: Notice, is_stopped: Callable[[], bool]) -> None:
    """Have the report written; a run of which there can be none has ended all the same.

    `is_stopped` waits a moment, and says whether the run was stopped meanwhile, which the report does not outlive.
    """
    if is_stopped():
        return
    notice("info", "writing the report")
    try:
        level, text = _follow(run_dir, is_stopped)
    except OSError as error:
        level, text = "warning", f"the report was not written: {error}"
    notice(level, text)


def _follow(run_dir: RunDir, is_stopped: Callable[[], bool]) -> tuple[str, str]:
    """Write the report in a child process, unless the run is stopped; a level, and what became of it. Raises
    OSError."""
    make_folder(run_dir.logs)
    written = run_dir.logs / "report.log"
    with open(written, "wb", opener=plain_file) as said:
        child = subprocess.Popen(
            [*PYTHON, "-m", "cqltui", "report", "--run-dir", str(run_dir.path), "--background"],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
            env=clean_environment(),
        )
    deadline = time.monotonic() + LIMIT_S
    try:
        while child.poll() is None:
            if is_stopped():
                return "info", f"the report was left out: the run was stopped; {_again(run_dir)}"
            if time.monotonic() > deadline:
                return "warning", f"the report was given up after {LIMIT_S:.0f} s; {_again(run_dir)}"
    finally:
        _end(child)
    if child.returncode == 0:
        return "info", f"report: {run_dir.report_html}"
    why = reason(last_words(written), child.returncode) or f"exit code {child.returncode}, see {written}"
    return "warning", f"the report was not written: {why}"


def _again(run_dir: RunDir) -> str:
    """Return how it is written by hand."""
    return f"cqltui report {place(run_dir)} writes it"


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End it, with the processes that it has started, if it has not ended."""
    if child.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_S)
            return
