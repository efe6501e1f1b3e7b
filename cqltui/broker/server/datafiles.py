"""What a server's data files may be. An append-only file is a list of commands, of which the server has none that harms
(`launch.DISABLED`, `keeper.HIDDEN`); but it may begin with a dump in binary form, whose functions are run as they are
read. Our servers write no dumps but empty ones, of earlier versions."""

import re
from pathlib import Path

_HEAD_BYTES = 1024
_DUMP = re.compile(rb"(REDIS|VALKEY)[0-9]{3,4}")
_FIELD, _END = b"\xfa", b"\xff"
_NAMES = (b"redis-ver", b"valkey-ver", b"redis-bits", b"ctime", b"used-mem", b"aof-base", b"aof-preamble")
"""Of fields that tell of the dump; others may hold a script."""
_NUMBERS = {0xC0: 1, 0xC1: 2, 0xC2: 4}
"""Bytes of a number, by what stands before it."""


def are_ours(folder: Path) -> bool:
    """Return whether our server may read the data in its folder. Raises OSError."""
    found = [folder / "appendonly.aof", *(folder / "appendonlydir").glob("*")]
    return all(_is_harmless(path) for path in found if path.is_file() and path.suffix != ".manifest")


def _is_harmless(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    try:
        return head[:1] in (b"", b"*", b"#") or _is_empty_dump(head)  # a command, or the time of one
    except LookupError:
        return False


def _is_empty_dump(head: bytes) -> bool:
    """Return whether a dump that begins so holds nothing. Raises LookupError for what is cut off, or has values of
    another kind."""
    begin = _DUMP.match(head)
    if begin is None:
        return False
    at = begin.end()
    while head[at : at + 1] == _FIELD:
        value = at + 2 + head[at + 1]
        if head[at + 2 : value] not in _NAMES:
            return False
        kind = head[value]
        at = value + 1 + (kind if kind < 0x40 else _NUMBERS[kind])  # 0x40: of a longer text
    return head[at : at + 1] == _END
