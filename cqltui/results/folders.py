"""A folder that is whole or not there: it is filled beside its place under a name of its own, and takes the place at
once. Whoever is killed meanwhile leaves the one before as it was."""

import ctypes
import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trainer.files import FOLDER_MODE, make_folder, not_plain, sync, sync_folder

NEW, OLD = ".new", ".old"
TRIES = 5
"""Of two that take the same place at once one has to look again."""
AT_FDCWD, EXCHANGE = -100, 2
"""Of `man 2 renameat2`; macOS has the same number for RENAME_SWAP (`man 2 renamex_np`)."""
CANNOT = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What a file system answers that cannot exchange two folders."""


@contextmanager
def replaced_folder(target: Path, expect_replaceable: Callable[[Path], object] = lambda _: None) -> Iterator[Path]:
    """Yield a new folder for its owner alone, which takes the place of `target` once it is on disk; an error leaves
    `target` as it was. What somebody who was killed has left beside it is removed.

    `expect_replaceable` raises for a folder that must stay. Raises OSError too: for a link, another user's folder, or
    something else in the place, and for what cannot be written.
    """
    make_folder(target.parent)
    _clear(target)
    _expect_folder(target, expect_replaceable)
    draft, lock = _draft(target)
    try:
        mode = stat.S_IMODE(draft.stat().st_mode)
        draft.chmod(0o700)
        yield draft
        _put_on_disk(draft)
        draft.chmod(mode)
        _take_place(draft, target, expect_replaceable)
        sync_folder(target.parent)
    finally:
        os.close(lock)
        for path in (draft, draft.with_suffix(OLD)):  # what was replaced, or has not come to its end
            shutil.rmtree(path, ignore_errors=True)


def _draft(target: Path) -> tuple[Path, int]:
    """Make a folder beside `target` and return it with the descriptor that locks it. Raises OSError.

    Until it is locked it looks like one that somebody has left, and another's `_clear` may remove it: then the next is
    made.
    """
    for _ in range(TRIES):
        draft = target.with_name(f".{target.name}-{secrets.token_hex(4)}{NEW}")
        draft.mkdir(FOLDER_MODE)
        with suppress(FileNotFoundError, BlockingIOError):
            lock = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                _lock(lock)
                if os.path.samestat(draft.stat(), os.fstat(lock)):
                    return draft, lock
            except BaseException:
                os.close(lock)
                raise
            os.close(lock)
    raise BlockingIOError(errno.EAGAIN, f"{target.parent}: what is begun there is removed at once by another process")


def _expect_folder(target: Path, expect_replaceable: Callable[[Path], object]) -> None:
    try:
        found = target.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        raise not_plain(target)
    if found.st_uid not in (os.geteuid(), 0):
        raise PermissionError(errno.EPERM, f"{target} belongs to another user (uid {found.st_uid}); remove it")
    expect_replaceable(target)


def _clear(target: Path) -> None:
    """Remove what was begun and left, and put back what was to be replaced and has not been."""
    name = re.compile(rf"\.{re.escape(target.name)}-[0-9a-f]{{8}}(\{NEW}|\{OLD})")
    for path in sorted(target.parent.iterdir()):
        if name.fullmatch(path.name) is None:
            continue
        with suppress(OSError):  # gone meanwhile, a link or a file, another user's, or somebody fills it just now
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(descriptor).st_uid != os.geteuid():
                    continue
                _lock(descriptor)
                if path.suffix == OLD and not os.path.lexists(target):
                    path.rename(target)
                else:
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Have a folder for ourselves until the descriptor is closed. Raises BlockingIOError if somebody else has it."""
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _put_on_disk(folder: Path) -> None:
    for place, _, names in os.walk(folder):
        for name in names:
            with Path(place, name).open("rb") as file:
                sync(file.fileno())
        sync_folder(Path(place))


def _take_place(draft: Path, target: Path, expect_replaceable: Callable[[Path], object]) -> None:
    """Put the folder in the target's place; the one that was there is then where the draft was, or removed."""
    aside = draft.with_suffix(OLD)
    for _ in range(TRIES):
        _expect_folder(target, expect_replaceable)
        try:
            if not os.path.lexists(target):
                draft.rename(target)
                return
            if exchange(draft, target):
                return
            target.rename(aside)
            draft.rename(target)
            return
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
                raise
            last = error  # another has taken the place, or given it up, at this very moment
            if os.path.lexists(aside) and not os.path.lexists(target):
                aside.rename(target)
            shutil.rmtree(aside, ignore_errors=True)
    raise last


def exchange(one: Path, other: Path) -> bool:
    """Let two folders change places at once; False where system or file system cannot. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if hasattr(libc, "renameat2"):
        code = libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], EXCHANGE)
    elif hasattr(libc, "renamex_np"):
        code = libc.renamex_np(*names, EXCHANGE)
    else:
        return False
    if code == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(other))
