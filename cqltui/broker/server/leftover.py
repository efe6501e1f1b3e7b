"""Servers of run directories that nobody uses and nothing ends: an earlier version's, or one whose keeper died."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from cqltui.broker.server.checkup import Finding, Level
from cqltui.broker.server.keeper import BINARIES
from cqltui.broker.server.locks import FileLock
from cqltui.errors import CqltuiError
from cqltui.machine import is_neighbour

GONE = " (deleted)"
"""What Linux adds to the path of a folder that was removed."""


def servers() -> Iterator[Finding]:
    """Yield those of this user on this machine."""
    for process in psutil.process_iter():
        try:
            folder = Path(process.cwd().removesuffix(GONE))
            found = process.name() in BINARIES and is_neighbour(process) and _is_left(process, folder)
        except (psutil.Error, OSError, CqltuiError):  # ended meanwhile, or somebody else's
            continue
        if found:
            what = f"nobody uses the server of {folder.parent} (process {process.pid}), but it keeps running"
            yield Finding(Level.WARNING, "left behind", what, f"kill {process.pid}  (it keeps its data)")


def _is_left(process: psutil.Process, folder: Path) -> bool:
    """Return whether it is a run directory's server, in which nobody holds a share and which has no keeper. Raises
    OSError and CqltuiError."""
    if not folder.exists():  # removed under it: nobody finds it any more
        held = Path(f"/proc/{process.pid}/fd").glob("*")
        return any(str(file.readlink()) == f"{folder / 'alive.lock'}{GONE}" for file in held)
    is_ours = (folder / "alive.lock").exists()
    return is_ours and all(_is_free(folder / name) for name in ("users.lock", "keeper.lock"))


def _is_free(path: Path) -> bool:
    if not path.exists():
        return True
    lock = FileLock(path)
    try:
        return lock.try_exclusive()
    finally:
        lock.close()
