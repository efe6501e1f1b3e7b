"""Whose a run directory is. Where another user can write nothing is started, changed, deleted or signalled: what its
files say would be done in our name. A link in it leads to files that are none of the run's."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from cqltui.broker.server.locks import is_held
from cqltui.errors import InputError, ServerError
from cqltui.state.plain import word
from trainer.files import OTHERS_WRITE, unshare

SERVER = ("server", "server/appendonlydir")
FOLDERS = ("logs", "tasks")
"""What lies in them is opened for writing; a link elsewhere, as in results, is replaced."""
TEMPORARY = ("temp-", "temp_")
"""How the server's own unfinished files begin."""
KNOWN = (
    "server",
    "logs",
    "tasks",
    "results",
    "results/earlier",
    "campaign.json",
    "journal.jsonl",
    "history.jsonl",
    "supervisor.json",
    "supervisor.lock",
)
"""What the program itself opens; whatever else lies there is nobody's business."""
_LOOK = "it can be looked at (status, attach, logs), and is neither started nor changed"


def expect_ours(run_dir: Path) -> None:
    """Raise InputError unless the run directory, which may be missing, and what we read and write in it belong to this
    user, or root, and are no links."""
    if found := foreign(run_dir):
        raise InputError(found)


def shut_out_others(folder: Path) -> None:
    """Remove locks and connections that others may open from a server's folder: those of a server of ours are private
    from the first moment, and whoever has a prepared lock would have a server of their own taken for the run's. Raises
    OSError."""
    names = ("connection.json", "lock", "users.lock", "alive.lock", "keeper.lock")
    for path in (folder / name for name in names):
        with suppress(FileNotFoundError):
            if path.is_file() and _is_open(path):
                if not _has_other_names(path):  # whose rights are those of a file elsewhere
                    path.chmod(0o600)
                    if _is_open(path):  # a file system that has no such rights
                        continue
                path.unlink()


def unshare_written(folder: Path) -> None:
    """Part the files of a server's folder, to which the server writes, from their other names (hard links): of a backup
    (`cp -al`), or a file of the user's that an archive was unpacked beside. Remove what a killed server has not
    finished: the next one writes to files of those names. For while no server runs there. Raises ServerError."""
    for path in (*_entries(folder), *_entries(folder / "appendonlydir")):
        if path.suffix == ".lock" or path.name == "lock":  # nothing is written to them, and others may hold them
            continue
        try:
            if path.name.startswith(TEMPORARY) and not path.is_dir():
                path.unlink()
            unshare(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ServerError(
                f"{path}: has other names (hard links), which the server must not write to, and cannot be copied: "
                f"{error.strerror}; copy it yourself, or remove the others"
            ) from error


def take(run_dir: Path) -> None:
    """Have a run directory for ourselves: as `expect_ours`, and once others have lost the right to write in it once
    more, since until then they could put theirs in the place of what was looked at. Raises InputError and OSError."""
    expect_ours(run_dir)
    keep_to_ourselves(run_dir)
    expect_ours(run_dir)


def keep_to_ourselves(run_dir: Path) -> None:
    """Take away what a copy may have brought along: others' right to write in a run directory, and to hold the lock of
    its supervisor. Raises OSError."""
    # From above: in a folder that is closed nobody puts a link in the place of one below.
    for path in chain([run_dir.resolve()], map(run_dir.joinpath, KNOWN), (run_dir / "tasks").glob("*")):
        with suppress(FileNotFoundError):
            close_to_others(path)
    with suppress(FileNotFoundError):
        lock = run_dir / "supervisor.lock"
        if lock.lstat().st_uid == os.geteuid() and _is_open(lock):
            if not _has_other_names(lock):
                lock.chmod(0o600)  # not removed: a supervisor of ours may hold it
            elif not is_held(lock):
                lock.unlink()


def close_to_others(path: Path) -> None:
    """Take away others' right to write in a folder of ours, or to a file that has no other names; a link stays, and
    what it leads to. Raises OSError."""
    found = path.lstat()
    is_either = stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink == 1)
    if is_either and found.st_mode & OTHERS_WRITE and found.st_uid == os.geteuid():
        path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS_WRITE)


def foreign(run_dir: Path) -> str:
    """Return what is not ours in a run directory, and what to do; nothing if all is."""
    try:
        if stat.S_ISLNK((link := run_dir.lstat()).st_mode) and _is_foreign(link.st_uid):
            return (
                f"{run_dir}: is another user's link (uid {link.st_uid}), who can have it lead elsewhere: name the "
                f"directory itself, --run-dir {word(str(run_dir.resolve()))}"
            )
        uid = run_dir.stat().st_uid
        if _is_foreign(uid) or not (uid == os.geteuid() or os.access(run_dir, os.W_OK)):
            return (
                f"{run_dir}: the run is another user's (uid {uid}): {_LOOK}; to go on with it, make a copy of your own"
            )
        return next(_wrong(run_dir), "")
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{error.filename or run_dir}: cannot be read: {error.strerror}; the run can be looked at"


def _wrong(run_dir: Path) -> Iterator[str]:
    of_server = [path for name in SERVER for path in _entries(run_dir / name)]
    for path in (*(run_dir / name for name in KNOWN), *of_server):
        try:
            found = path.lstat()
        except FileNotFoundError:  # not yet, or no longer
            continue
        if _is_foreign(found.st_uid):
            yield f"{path}: belongs to another user (uid {found.st_uid}), in a run of yours: {_LOOK}; remove it"
        if stat.S_ISLNK(found.st_mode):
            yield _link(path)
        elif not stat.S_ISREG(found.st_mode) and (_is_file(path) or not stat.S_ISDIR(found.st_mode)):
            yield f"{path}: is a pipe, a device or a folder, expected a file: remove it; {_LOOK}"
    for folder in (run_dir / name for name in FOLDERS):
        if folder.is_dir():
            with os.scandir(folder) as found_there:
                yield from (_link(Path(entry)) for entry in found_there if entry.is_symlink())


def _is_file(path: Path) -> bool:
    """Return whether it has the name of a file."""
    return path.suffix in (".json", ".jsonl", ".lock", ".log") or path.name in ("lock", "epoch")


def _link(path: Path) -> str:
    return f"{path}: is a link, and a run keeps to its own directory: put what it leads to in its place; {_LOOK}"


def _entries(folder: Path) -> list[Path]:
    """Return those of a folder; none of a link to one."""
    try:
        return list(folder.iterdir()) if stat.S_ISDIR(folder.lstat().st_mode) else []
    except FileNotFoundError:
        return []


def _has_other_names(path: Path) -> bool:
    return path.lstat().st_nlink > 1


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _is_foreign(uid: int) -> bool:
    return uid not in (os.geteuid(), 0)
