"""Where compiled code is kept for the next process: a folder for each state of what the code is made of.

Numba notices changes of a function's own file. What that file imports is compiled in as well, so a constant that has
changed elsewhere would leave the old code in use: here it leads to another folder. What Numba keeps are pickles and
machine code, which run when they are read: a folder that another user can write to is not used.
"""

import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from trainer.files import user_cache
from trainer.jit import numba
from trainer.private import open_to_others

log = logging.getLogger(__name__)

PREFIX = "compiled-"
KEPT = 3
"""Folders of other states that are always left alone: their programs may be at work."""
UNUSED_S = 86400.0
"""Those beyond are removed when they were not used for so long."""


def code_key(sources: Iterable[Path], constants: Mapping[str, object]) -> str:
    """Return what tells one state of the code from another: package version, source files and the values compiled in.

    Raises OSError if a source cannot be read.
    """
    found = hashlib.sha256(f"{_version()}\0{sorted(constants.items())!r}\0".encode())
    for path in sources:
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


def code_folder(sources: Iterable[Path], constants: Mapping[str, object]) -> Path | None:
    """Return the folder of this state, made and known to be writable, by this user alone; None if there is no place for
    one.

    NUMBA_CACHE_DIR if it is set, else beside the code, else (a read-only installation) the user's cache.
    """
    try:
        name = PREFIX + code_key(sources, constants)
    except OSError:
        return None
    unsafe: list[Path] = []
    for base in _bases():
        folder = base / name
        try:
            base.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            folder = folder.resolve()  # what is checked is what is used: a link above it may be another's
            if (shared := open_to_others(folder)) is not None:
                unsafe.append(shared)
                continue
            tempfile.TemporaryFile(dir=folder).close()
            os.utime(folder)  # in use, for `tidy`
        except OSError:
            continue
        with suppress(OSError):  # another process may tidy up too
            tidy(base, folder)
        return folder
    if unsafe:
        places = ", ".join(map(str, unsafe))
        log.warning("compiled code is not kept, which takes time at each start: another user can write to %s", places)
    return None


@contextmanager
def kept_in(folder: Path | None) -> Iterator[bool]:
    """Have Numba keep in `folder` what is decorated within; whether there is one."""
    settings: Any = numba.config  # has no types
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(folder or before)
    try:
        yield folder is not None
    finally:
        settings.CACHE_DIR = before


def tidy(base: Path, current: Path) -> None:
    """Remove what earlier states of the code have left, but for the latest few and those in recent use."""
    for stale in base.glob("kernels.*.nb[ic]"):  # from before there was a folder for each state
        stale.unlink(missing_ok=True)
    others = [(path.stat().st_mtime, path) for path in base.glob(f"{PREFIX}*") if path != current]
    for used, path in sorted(others, reverse=True)[KEPT:]:
        if time.time() - used > UNUSED_S:
            shutil.rmtree(path, ignore_errors=True)


def _bases() -> Iterator[Path]:
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(chosen)
        return
    yield Path(__file__).with_name("__pycache__")
    if (user := user_cache()) is not None:
        yield user


def _version() -> str:
    try:
        return metadata.version("cqltui")
    except metadata.PackageNotFoundError:  # run from its sources
        return ""
