"""File locks of processes (flock): the kernel frees them when their holder is killed."""

import errno
import fcntl
import os
import time
from pathlib import Path

from cqltui.errors import InputError, ServerError

NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""What a file system answers that has no such locks: some of NFS, FUSE and clusters."""
_STEP_S = 0.02


class FileLock:
    """One open lock file. Not inherited by child processes unless passed to them on purpose."""

    def __init__(self, path: Path) -> None:
        self.path = path
        """Raises OSError; a link in the place of the file is not followed."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)

    def fileno(self) -> int:
        """Return the descriptor; whoever inherits it holds the lock too."""
        return self._fd

    def try_exclusive(self) -> bool:
        """Take the lock for this holder alone, if nobody else has it. A shared lock held before is lost either way."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock together with others, unless somebody has it alone."""
        return self._try(fcntl.LOCK_SH)

    def wait(self, deadline: float, *, shared: bool = False) -> None:
        """Take the lock by the deadline (monotonic seconds), or raise ServerError."""
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
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            raise InputError(
                f"{self.path.parent}: its file system has no file locks ({error.strerror}), which keep two processes "
                "from working on one run: choose a run directory on a local disk, --run-dir DIR; workers on other "
                "machines need none, they reach the run by --redis-url"
            ) from error
        return True


def is_held(path: Path) -> bool:
    """Return whether a process has the lock alone, as far as it can be told. Makes no file and needs no right to write.

    Of another user's file, or one that cannot be written to, no lock is taken even for a moment, where the system lists
    them (Linux).
    """
    try:
        is_ours = path.stat().st_uid == os.geteuid() and os.access(path, os.W_OK)
        if not is_ours and (listed := _listed(path)) is not None:
            return listed
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # two who look at once do not take each other for one
    except BlockingIOError:
        return True
    except OSError:  # where there are no locks nobody has one
        return False
    finally:
        os.close(descriptor)
    return False


def is_alive(folder: Path) -> bool:
    """Return whether the server of that folder lives, answering or not: it holds `alive.lock` as long as it does."""
    return is_held(folder / "alive.lock")


def _listed(path: Path, table: Path = Path("/proc/locks")) -> bool | None:
    """Return whether the system's list of locks has it; None if there is no such list. Raises OSError."""
    if not table.exists():
        return None
    file = path.stat()
    place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    locks = (line.split() for line in table.read_text(encoding="utf-8", errors="replace").splitlines())
    return any(lock[1:2] == ["FLOCK"] and lock[3] == "WRITE" and lock[5] == place for lock in locks)
