"""One supervisor a run directory."""

import socket
import time
from collections.abc import Mapping
from typing import Any

from msgspec import to_builtins

from cqltui.broker.server.locks import FileLock, is_held
from cqltui.broker.server.ownership import expect_ours, take
from cqltui.errors import InputError, ServerError
from cqltui.machine import here, machine_id
from cqltui.results.rundir import RunDir, read_json, write_json
from cqltui.state import decode
from cqltui.state.plain import plain, word
from trainer.files import make_folder

GLANCE_S = 0.5
"""Who only looks whether there is a supervisor holds the lock for a moment."""


class RunLock:
    """One supervisor a run directory. Its file says who."""

    def __init__(self, run_dir: RunDir) -> None:
        """Take the lock. Raises InputError if another supervisor has the run, or it is another user's."""
        self._file = run_dir.path / "supervisor.json"
        expect_ours(run_dir.path)
        try:
            make_folder(run_dir.path)
            take(run_dir.path)
            self._lock = FileLock(run_dir.path / "supervisor.lock")
        except OSError as error:
            raise unusable(run_dir, error) from error
        try:
            self._lock.wait(time.monotonic() + GLANCE_S)
        except ServerError:
            said = read_json(self._file) or {}
            where = "" if is_local(said) else f" on {plain(str(said.get('host')), 60)}"
            pid = decode.whole(said, "pid") or "?"
            self._lock.close()
            raise InputError(
                f"{run_dir.path}: this run has a supervisor already (process {pid}{where}): "
                f"see it with `cqltui attach {place(run_dir)}`, or end it with `cqltui stop {place(run_dir)}`"
            ) from None
        except InputError:
            self._lock.close()
            raise
        self.say(ready=False)

    def say(self, *, ready: bool, hindered: str = "") -> None:
        """Tell who has the lock, whether the run can be attached to, and what keeps the supervisor from its work."""
        process = here()
        said = {"pid": process.pid, "host": socket.gethostname(), "process": to_builtins(process), "ready": ready}
        write_json(self._file, said | {"hindered": hindered})

    def free(self) -> None:
        """Let the next one have it."""
        self._file.unlink(missing_ok=True)
        self._lock.close()


def is_local(said: Mapping[str, Any]) -> bool:
    """Return whether who said so is on this machine, or did not tell, as earlier versions."""
    return decode.process(said.get("process")).machine in ("", machine_id())


def place(run_dir: RunDir) -> str:
    """Return the option that names the run directory, as typed into a shell."""
    return f"--run-dir {word(str(run_dir.path))}"


def unusable(run_dir: RunDir, error: OSError) -> InputError:
    """Return what is wrong with a run directory that cannot be made or written to."""
    return InputError(f"{run_dir.path}: cannot be used as a run directory: {error.strerror}; choose another: --run-dir")


def hindered(run_dir: RunDir) -> str:
    """Return what keeps the supervisor from its work, in its words: a server may refuse it what others do not ask
    for."""
    return str((read_json(run_dir.path / "supervisor.json") or {}).get("hindered", ""))


def is_supervised(run_dir: RunDir) -> bool:
    """Return whether a supervisor has the run."""
    return is_held(run_dir.path / "supervisor.lock")
