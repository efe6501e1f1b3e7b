"""Files that are whole or not there, whatever happens while they are written. Free of torch."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_CHECKPOINT = re.compile(r"checkpoint-(\d+)\.safetensors")


@contextmanager
def replaced(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of `path` once it is whole and on disk; an error leaves `path` as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile's: its files are readable by their owner alone, and results are for others too.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename, error.filename2 = str(path), None  # the one that the caller knows
        raise
    _sync_folder(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically."""
    with replaced(path) as file:
        file.write(content)


def _sync_folder(path: Path) -> None:
    """Put a folder's entries on disk, so that a rename survives a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def checkpoint_name(epoch: int) -> str:
    """The file name of the checkpoint after this epoch; `checkpoints` goes by it."""
    return f"checkpoint-{epoch:06d}.safetensors"


def checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """(epoch, path) of everything in a folder that is named like a checkpoint, the newest first. It may be missing."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return sorted(((int(m[1]), path) for path in paths if (m := _CHECKPOINT.fullmatch(path.name))), reverse=True)
