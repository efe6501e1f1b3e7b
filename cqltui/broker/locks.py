"""File locks of processes (flock): the kernel frees them when their holder is killed."""

import fcntl
import os
import time
from pathlib import Path

from cqltui.errors import ServerError

_STEP_S = 0.02


class FileLock:
    """One open lock file. Not inherited by child processes unless passed to them on purpose."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def fileno(self) -> int:
        """The descriptor; whoever inherits it holds the lock too."""
        return self._fd

    def try_exclusive(self) -> bool:
        """Takes the lock for this holder alone, if nobody else has it. A shared lock held before is lost either way."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Takes the lock together with others, unless somebody has it alone."""
        return self._try(fcntl.LOCK_SH)

    def wait(self, deadline: float, *, shared: bool = False) -> None:
        """Takes the lock by the deadline (monotonic seconds), or raises ServerError."""
        take = self.try_shared if shared else self.try_exclusive
        while not take():
            if time.monotonic() >= deadline:
                raise ServerError(f"{self.path}: another process has held this lock for too long")
            time.sleep(_STEP_S)

    def close(self) -> None:
        """Frees the lock; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
