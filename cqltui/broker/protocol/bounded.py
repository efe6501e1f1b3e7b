"""What a server may answer: no more than memory has room for, and not for ever.

The library bounds only the time between two pieces of an answer, so one that never ends would be read on and on; and
nothing bounds how many answers there are to a question that is asked part by part.
"""

import time
from collections.abc import Iterator
from typing import Any

from redis._parsers.hiredis import NOT_ENOUGH_DATA, _HiredisParser
from redis.connection import AbstractConnection
from redis.exceptions import ConnectionError, TimeoutError

from cqltui.broker.protocol.records import RefusedError

ANSWER_BYTES = 128 << 20
"""A thousand tasks with all that is kept of them, which is the largest step of a reading, take a fifth."""
VALUE_BYTES = 640 << 20
"""Of a single value, such as a file that is handed over: servers hold 512 MB by default (proto-max-bulk-len)."""
LISTS, LINES = 250_000, 3_000_000
"""Of an answer that is no single value. An empty list takes four bytes on the way, and twenty times that in memory. A
step of a reading has a list a task, and two lines a value; a million ids have two million lines."""
ANSWER_S, SLOWEST_BYTES_S = 10.0, 64 << 10
"""An answer that has begun may take so long, and longer as far as it comes at such a speed."""
LONGEST_S, LONGEST_VALUE_S = 60.0, 600.0
"""But no longer than that; the latter is for a single value."""
_LISTS = tuple(b"\n%c" % sign for sign in b"*%~>|")
"""How lists, maps and their like begin within an answer."""

MOST_PARTS = 10_000
"""Of what is read or done a part at a time. A million tasks have a thousand."""


def parts(of: str) -> Iterator[int]:
    """Count the parts of something that the server says the end of. Raises RefusedError for one without an end."""
    yield from range(MOST_PARTS)
    raise RefusedError(f"the server comes to no end of {of}: it is not one that cqltui has filled")


class _Reader:
    """The library's reader of answers, which counts what it is given for one of them."""

    __slots__ = (
        "_begun",
        "_is_start",
        "_is_value",
        "_lines",
        "_lists",
        "_nothing",
        "_pushed",
        "_reader",
        "_tail",
        "_taken",
        "has_data",
    )

    def __init__(self, reader: Any, nothing: object, pushed: type) -> None:
        """`nothing`: what the reader gives for an answer that is not whole yet. `pushed`: for what answers nothing."""
        self._reader, self._nothing, self._pushed = reader, nothing, pushed
        self._taken, self._lists, self._lines, self._begun = 0, 0, 0, 0.0
        self._is_value, self._is_start, self._tail = False, True, b""
        self.has_data = reader.has_data

    def feed(self, buffer: Any, start: int, length: int) -> None:
        """Take another piece. Raises ConnectionError and TimeoutError."""
        if not self._taken:
            self._begun = time.monotonic()
            self._lists = self._lines = 0
            self._is_value, self._tail = self._is_start and buffer[start] == ord("$"), b""
        elif time.monotonic() - self._begun > self._allowed_s():
            raise TimeoutError("its answer comes too slowly")
        self._taken += length
        most = VALUE_BYTES if self._is_value else ANSWER_BYTES
        if self._taken > most:
            raise ConnectionError(f"its answer is larger than {most >> 20} MiB")
        if not self._is_value:
            self._count(bytes(buffer[start : start + length]))
        self._reader.feed(buffer, start, length)

    def _allowed_s(self) -> float:
        longest = LONGEST_VALUE_S if self._is_value else LONGEST_S
        return min(longest, ANSWER_S + self._taken / SLOWEST_BYTES_S)

    def _count(self, piece: bytes) -> None:
        """Count what the piece may make of objects, at most. Raises ConnectionError for too many."""
        self._lines += piece.count(b"\n")
        piece, self._tail = self._tail + piece, piece[-1:]  # a sign may be cut in two
        self._lists += sum(map(piece.count, _LISTS))
        if self._lists > LISTS or self._lines > LINES:
            raise ConnectionError(f"its answer has more than {LISTS:,} lists or {LINES:,} lines")

    def gets(self, *decode: bool) -> Any:
        """Return the answer, as the library's reader gives it. Raises ConnectionError for one that memory has no room
        for."""
        try:
            answer = self._reader.gets(*decode)
        except MemoryError:
            raise ConnectionError("its answer is larger than the memory") from None
        if answer is not self._nothing:
            self._taken, self._is_start = 0, not self.has_data()  # else what comes is the rest of one that has begun
        if isinstance(answer, self._pushed):
            raise ConnectionError("it sends what nobody has asked for")
        return answer


class _Nothing:
    """What no answer is."""


class BoundedParser(_HiredisParser):
    """The library's parser, with a bound on what it takes for one answer."""

    def on_connect(self, connection: AbstractConnection, **options: Any) -> None:
        """Begin with a new connection."""
        super().on_connect(connection, **options)  # type: ignore[no-untyped-call]  # the library's
        pushed = self._hiredis_PushNotificationType or _Nothing  # servers push with protocol 3, which is not asked for
        bounded: Any = _Reader(self._reader, NOT_ENOUGH_DATA, pushed)  # as much of a reader as the parser uses
        self._reader = bounded
