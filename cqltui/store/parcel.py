"""A parcel: some files as one, under a name that holds its size and digest. Pure.

What is in it is checked before it is used, by the digest here and by whoever reads the files; nothing is unpickled, and
no name in it leads anywhere.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from cqltui.results.rundir import SAFE_NAME

MAGIC = b"cqltui.parcel/1\n"
HEADER_BYTES = 1 << 20
LARGEST_BYTES = 1 << 30
"""Of a parcel."""
_NAME = re.compile(
    r"(?P<place>[so]):(?P<folder>[A-Za-z0-9][A-Za-z0-9._-]{0,63}(?:/run-[1-9][0-9]{0,8})?)"
    r"/(?P<what>checkpoint|result|data)-(?P<epoch>[0-9]{6,12})-(?P<token>[A-Za-z0-9][A-Za-z0-9._-]{0,63})"
    r"-(?P<size>[1-9][0-9]{0,11})-(?P<sha256>[0-9a-f]{64})"
)


class ParcelError(Exception):
    """What a store gave is not what it was asked for. The message says what is wrong."""


class Key(Struct, frozen=True):
    """By which a parcel is found, as text: place and name."""

    folder: str
    """`<task>/run-<n>`, or of data the beginning of its digest."""
    what: str
    """"checkpoint", "result" or "data"."""
    epoch: int
    token: str
    """Of the attempt that has sent it."""
    size: int
    sha256: str
    place: str = "s"
    """ "s": through the server, "o": objects."""

    def __str__(self) -> str:
        """Return the text, which `read` reads."""
        return f"{self.place}:{self.name}"

    @property
    def name(self) -> str:
        """The parcel's name in its place."""
        return f"{self.folder}/{self.what}-{self.epoch:06d}-{self.token}-{self.size}-{self.sha256}"

    @classmethod
    def read(cls, text: object) -> "Key | None":
        """Return the key in a text from outside; None if there is none, or one of a parcel that is too large."""
        found = _NAME.fullmatch(text) if isinstance(text, str) else None
        if found is None or int(found["size"]) > LARGEST_BYTES:
            return None
        size, epoch = int(found["size"]), int(found["epoch"])
        return cls(found["folder"], found["what"], epoch, found["token"], size, found["sha256"], found["place"])

    def is_of(self, what: str, task_id: str, run: int) -> bool:
        """Return whether it is such a parcel of this run of the task."""
        return self.what == what and self.folder == run_folder(task_id, run)


def run_folder(task_id: str, run: int) -> str:
    """Return the folder of what belongs to a run of a task."""
    return f"{task_id}/run-{run}"


def pack(files: Mapping[str, bytes], about: Mapping[str, Any]) -> bytes:
    """Return the files, by name, as one, with what is to be known about them. Raises ValueError for a name that is
    none."""
    if wrong := [name for name in files if not SAFE_NAME.fullmatch(name)]:
        raise ValueError(f"{wrong[0]!r} cannot name a file")
    header = {"about": dict(about), "files": [[name, len(content)] for name, content in files.items()]}
    return b"".join((MAGIC, json.dumps(header).encode(), b"\n", *files.values()))


def key_of(content: bytes, folder: str, what: str, token: str, epoch: int = 0) -> Key:
    """Return the key of a packed parcel."""
    return Key(folder, what, epoch, token, len(content), hashlib.sha256(content).hexdigest())


def checked(content: bytes | None, key: Key) -> bytes:
    """Return what a store gave, once it is known to be what the key says. Raises ParcelError."""
    if content is None:
        raise ParcelError("it is gone from the store")
    if len(content) != key.size or hashlib.sha256(content).hexdigest() != key.sha256:
        raise ParcelError("it is not what was put there: its digest differs")
    return content


def unpack(content: bytes, is_allowed: Callable[[str], bool]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the files of a parcel, each of a name that is allowed, and what is told about them. Raises ParcelError."""
    end = content.find(b"\n", len(MAGIC), len(MAGIC) + HEADER_BYTES)
    if not content.startswith(MAGIC) or end < 0:
        raise ParcelError("it is no parcel")
    try:
        header = json.loads(content[len(MAGIC) : end])
        about, listed = dict(header["about"]), [(str(name), int(size)) for name, size in header["files"]]
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise ParcelError(f"its list of files cannot be read ({type(error).__name__})") from None
    names = [name for name, _ in listed]
    if len(set(names)) != len(names) or not all(map(is_allowed, names)):
        raise ParcelError("it holds other files than it is to hold")
    files, at = {}, end + 1
    for name, size in listed:
        if not 0 <= size <= len(content) - at:
            raise ParcelError("it is cut off")
        files[name] = content[at : at + size]
        at += size
    if at != len(content):
        raise ParcelError("there is more in it than it lists")
    return files, about
