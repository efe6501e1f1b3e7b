"""Whose a run directory is. In what another user can write to nothing is started, changed, deleted or signalled: its
files say what we would do."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cqltui.errors import InputError

_LOOK = "it can be looked at (status, attach, logs), and is neither started nor changed"


def expect_ours(run_dir: Path) -> None:
    """Raise InputError unless the run directory, which may be missing, and all that its server reads and writes belong
    to this user, or root."""
    if found := foreign(run_dir):
        raise InputError(found)


def foreign(run_dir: Path) -> str:
    """What is not ours of a run directory and the server's folder in it, and what to do; nothing if all is."""
    with suppress(FileNotFoundError):
        uid = run_dir.stat().st_uid
        if uid not in _trusted() or not (uid == os.geteuid() or os.access(run_dir, os.W_OK)):
            return (
                f"{run_dir}: the run is another user's (uid {uid}): {_LOOK}; to go on with it, copy it, or have root "
                "make you its owner"
            )
    try:
        return next(_foreign_of_server(run_dir / "server"), "")
    except OSError as error:
        return f"{run_dir / 'server'}: cannot be read: {error.strerror}; the run can be looked at: status, attach, logs"


def _foreign_of_server(folder: Path) -> Iterator[str]:
    data = folder / "appendonlydir"
    for path in (folder, *_entries(folder), *_entries(data)):
        try:
            found = path.lstat()
        except FileNotFoundError:  # a file of the moment
            continue
        if found.st_uid not in _trusted():
            yield (
                f"{path}: belongs to another user (uid {found.st_uid}), in a run of yours: {_LOOK}; without the "
                "server's folder the queue is made again from the run directory"
            )
        is_folder = stat.S_ISDIR(found.st_mode)
        if not is_folder and (path in (folder, data) or not stat.S_ISREG(found.st_mode)):
            kind = "folder" if path in (folder, data) else "plain file"
            yield f"{path}: is a link or something else, expected a {kind} of the run's own: remove it; {_LOOK}"


def _entries(folder: Path) -> list[Path]:
    """Those of a folder of its own; none of a link to another."""
    try:
        return list(folder.iterdir()) if stat.S_ISDIR(folder.lstat().st_mode) else []
    except FileNotFoundError:
        return []


def _trusted() -> tuple[int, int]:
    return os.geteuid(), 0
