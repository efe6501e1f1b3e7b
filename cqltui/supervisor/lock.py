"""One supervisor a run directory."""

import shlex
import time

import psutil

from cqltui.broker.locks import FileLock
from cqltui.errors import InputError, ServerError
from cqltui.results.rundir import RunDir, read_json, write_json

GLANCE_S = 0.5
"""Who only looks whether there is a supervisor holds the lock for a moment."""


class RunLock:
    """One supervisor a run directory. Its file says who."""

    def __init__(self, run_dir: RunDir) -> None:
        """Raises InputError if another supervisor has the run."""
        self._file = run_dir.path / "supervisor.json"
        try:
            run_dir.path.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(run_dir.path / "supervisor.lock")
        except OSError as error:
            raise unusable(run_dir, error) from error
        try:
            self._lock.wait(time.monotonic() + GLANCE_S)
        except ServerError:
            pid = (read_json(self._file) or {}).get("pid", "?")
            self._lock.close()
            raise InputError(
                f"{run_dir.path}: this run has a supervisor already (process {pid}): "
                f"see it with `cqltui attach {place(run_dir)}`, or end it with `cqltui stop {place(run_dir)}`"
            ) from None
        self.say(ready=False)

    def say(self, *, ready: bool) -> None:
        """Tell who has the lock, and whether the run can be attached to."""
        process = psutil.Process()
        write_json(self._file, {"pid": process.pid, "create_time": process.create_time(), "ready": ready})

    def free(self) -> None:
        """Let the next one have it."""
        self._file.unlink(missing_ok=True)
        self._lock.close()


def place(run_dir: RunDir) -> str:
    """The option that names the run directory, as typed into a shell."""
    return f"--run-dir {shlex.quote(str(run_dir.path))}"


def unusable(run_dir: RunDir, error: OSError) -> InputError:
    """What is wrong with a run directory that cannot be made or written to."""
    return InputError(f"{run_dir.path}: cannot be used as a run directory: {error.strerror}; choose another: --run-dir")


def is_supervised(run_dir: RunDir) -> bool:
    """Whether a supervisor has the run."""
    if not run_dir.path.is_dir():
        return False
    lock = FileLock(run_dir.path / "supervisor.lock")
    try:
        return not lock.try_shared()  # two who look at once do not take each other for one
    finally:
        lock.close()
