"""The campaign's data on its way to a worker that has no copy of it."""

import re
import zlib
from collections.abc import Mapping
from pathlib import Path

from cqltui.store.parcel import ParcelError, unpack

WHAT, FILE = "data", "data"
DATA_BYTES = 1 << 28
"""Of a file that is sent, before it is compressed."""
_DIGEST = re.compile(r"[0-9a-f]{16,64}")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")


def data_folder(digest: str) -> str:
    """Return the folder of the data of that digest in a store. Raises ValueError for what is no digest."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{digest[:80]!r} is no digest")
    return f"data-{digest[:16]}"


def kept_at(folder: Path, digest: str, name: str) -> Path:
    """Return where a worker keeps what it was sent; `name`: what the server calls the file, whose suffix alone
    counts."""
    suffix = Path(name).suffix
    return folder / f"{data_folder(digest)}{suffix if _SUFFIX.fullmatch(suffix) else ''}"


def unpack_data(content: bytes) -> bytes:
    """Return the file in a parcel, which is bounded. Raises ParcelError."""
    files: Mapping[str, bytes]
    files, _ = unpack(content, {FILE}.__contains__)
    if FILE not in files:
        raise ParcelError("it holds no data")
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(files[FILE], DATA_BYTES)
    except zlib.error as error:
        raise ParcelError(f"it is damaged ({error})") from None
    if not inflate.eof:
        raise ParcelError(f"it is cut off, or larger than {DATA_BYTES:,} bytes")
    return plain
