"""Files that are whole or not there, whatever happens while they are written. Free of torch."""

import errno
import fcntl
import io
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHECKPOINT = re.compile(r"checkpoint-(\d+)\.safetensors")
NOT_REGULAR = "it is a device or a pipe; expected a regular file"
FILE_MODE, FOLDER_MODE = 0o644, 0o755
"""Of what is made, less the umask. That others cannot write is said here too: where a folder has a default access
control list, this takes the umask's place, and is cut to the mode."""
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)
"""macOS alone has it."""


def make_folder(path: Path) -> None:
    """Make a folder unless it is there, and those above it that are missing, in which others can write nothing. Raises
    OSError."""
    try:
        path.mkdir(FOLDER_MODE)
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_folder(path.parent)
        path.mkdir(FOLDER_MODE, exist_ok=True)
    except OSError:  # as pathlib has it, since a system may say something else of one that is there
        if not path.is_dir():
            raise


def _new_file(path: str, flags: int) -> int:
    """Return an `opener` of `open` for a file that nobody else can write to."""
    return os.open(path, flags | os.O_CLOEXEC, FILE_MODE)


def plain_file(path: str, flags: int) -> int:
    """Return an `opener` of `open` for what is written where others may have been: a link in the file's place is not
    followed, nothing but a file is opened, one that has other names is first replaced by a copy, and others lose the
    right to write to it. Raises OSError that says so."""
    descriptor = _open_plain(path, flags & ~os.O_TRUNC)
    try:
        if flags & (os.O_WRONLY | os.O_RDWR):
            if os.fstat(descriptor).st_nlink > 1:
                os.close(descriptor)
                descriptor = -1
                unshare(Path(path))
                descriptor = _open_plain(path, flags & ~os.O_TRUNC)
            found = os.fstat(descriptor)
            if found.st_mode & OTHERS_WRITE and found.st_uid == os.geteuid():
                os.fchmod(descriptor, stat.S_IMODE(found.st_mode) & ~OTHERS_WRITE)
        if flags & os.O_TRUNC:
            os.ftruncate(descriptor, 0)
    except BaseException:
        if descriptor >= 0:
            os.close(descriptor)
        raise
    return descriptor


def _open_plain(path: str, flags: int) -> int:
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        # FreeBSD says EMLINK; ENXIO is of a FIFO that nobody reads, and of a socket.
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise not_plain(Path(path)) from None
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise not_plain(Path(path))


def unshare(path: Path) -> None:
    """Put a copy in the place of a file that has other names (hard links), so that writing to it changes none of them;
    any other file stays. Raises OSError."""
    found = path.lstat()
    if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
        replace_file(path, path)


def not_plain(path: Path) -> OSError:
    """Return the error of a link, or of something else that is neither file nor folder, in a place that is written
    to."""
    return OSError(errno.ELOOP, f"{path} is a link or no file, which is not written to; remove it", str(path))


@contextmanager
def replaced(path: Path, *, durable: bool = True, private: bool = False) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` once it is whole and on disk; an error leaves `path` as it was.

    `durable` False: a loss of power may leave it torn, for what can be told to be so and done without. `private`: for
    its owner alone, whatever the umask.
    """
    make_folder(path.parent)
    # Not tempfile's: its files are readable by their owner alone, and results are for others too.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb", opener=_new_file) as file:
            if private:
                os.fchmod(file.fileno(), 0o600)
            yield file
            file.flush()
            if durable:
                sync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename, error.filename2 = str(path), None  # the one that the caller knows
        raise
    if durable:
        sync_folder(path.parent)


def write_bytes(path: Path, content: bytes, *, durable: bool = True, private: bool = False) -> None:
    """Write a whole file atomically; `durable` and `private` as of `replaced`."""
    with replaced(path, durable=durable, private=private) as file:
        file.write(content)


def replace_file(source: Path, target: Path) -> None:
    """Copy `source`, which is no link, over `target`, atomically; of a file for its owner alone the copy is so too.
    FileNotFoundError if there is no source."""
    with (
        open(source, "rb", opener=plain_file) as content,
        replaced(target, private=is_private(content.fileno())) as file,
    ):
        shutil.copyfileobj(content, file)


def is_private(descriptor: int) -> bool:
    """Return whether a file is for its owner alone."""
    return not os.fstat(descriptor).st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def sync(descriptor: int) -> None:
    """Put a file's content on disk. Raises OSError.

    macOS's fsync leaves it in the drive's memory, and has another call for the rest (`man 2 fsync`).
    """
    if FULL_SYNC is not None:
        with suppress(OSError):  # a file system that does not know it
            fcntl.fcntl(descriptor, FULL_SYNC)
            return
    os.fsync(descriptor)


def open_regular(path: Path, largest: int | None = None) -> BinaryIO:
    """Return a file to read that is known to end: no device and no pipe, at most `largest` bytes.

    Opening does not wait for a pipe's other end. Raises OSError, its `strerror` made for a message.
    """
    mode = path.stat().st_mode  # first: that a pipe is opened and closed is felt by who writes to it
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, NOT_REGULAR, str(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, NOT_REGULAR, str(path))
        if largest is not None and found.st_size > largest:
            said = f"it has {found.st_size:,} bytes; expected at most {largest:,}"
            raise OSError(errno.EFBIG, said, str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


class Beginning(io.RawIOBase):
    """The first `size` bytes of a file: one that grows, or is longer than it says, ends all the same."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """As of io.RawIOBase."""
        found = self._file.read(min(self._left, len(target := memoryview(buffer))))
        target[: len(found)] = found
        self._left -= len(found)
        return len(found)


def read_regular(path: Path, largest: int) -> bytes:
    """Return the content of a file, bounded as `open_regular` has it. Raises OSError."""
    with open_regular(path, largest) as file:
        return file.read(os.fstat(file.fileno()).st_size)  # makes room for as much at once


def user_cache() -> Path | None:
    """Return the user's folder for what can be made again; None without a home. It may be missing, or not writable."""
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    with suppress(RuntimeError):  # no home
        return (Path(chosen) if chosen.startswith("/") else Path.home() / ".cache") / "cqltui"
    return None


def sync_folder(path: Path) -> None:
    """Put a folder's entries on disk, so that a rename survives a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def checkpoint_name(epoch: int) -> str:
    """Return the file name of the checkpoint after this epoch; `checkpoints` goes by it."""
    return f"checkpoint-{epoch:06d}.safetensors"


def checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """Return (epoch, path) of everything in a folder that is named like a checkpoint, the newest first. It may be
    missing."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return sorted(((int(m[1]), path) for path in paths if (m := _CHECKPOINT.fullmatch(path.name))), reverse=True)
