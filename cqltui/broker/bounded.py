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

from cqltui.broker.records import RefusedError

ANSWER_BYTES = 128 << 20
"""A thousand tasks with all that is kept of them, which is the largest step of a reading, take a fifth."""
VALUE_BYTES = 640 << 20
"""Of a single value, such as a file that is handed over: servers hold 512 MB by default (proto-max-bulk-len)."""
ANSWER_S, SLOWEST_BYTES_S = 10.0, 64 << 10
"""An answer that has begun may take so long, and longer as far as it comes at such a speed."""


MOST_PARTS = 10_000
"""Of what is read or done a part at a time. A million tasks have a thousand."""


def parts(of: str) -> Iterator[int]:
    """Count the parts of something that the server says the end of. Raises RefusedError for one without an end."""
    yield from range(MOST_PARTS)
    raise RefusedError(f"the server comes to no end of {of}: it is not one that cqltui has filled")


class _Reader:
    """The library's reader of answers, which counts what it is given for one of them."""

    __slots__ = ("_begun", "_most", "_nothing", "_reader", "_taken", "has_data")

    def __init__(self, reader: Any, nothing: object) -> None:
        """`nothing`: what the reader gives for an answer that is not whole yet."""
        self._reader, self._nothing = reader, nothing
        self._taken, self._most, self._begun = 0, 0, 0.0
        self.has_data = reader.has_data

    def feed(self, buffer: Any, start: int, length: int) -> None:
        """Take another piece. Raises ConnectionError and TimeoutError."""
        if not self._taken:
            self._begun = time.monotonic()
            self._most = VALUE_BYTES if buffer[start] == ord("$") else ANSWER_BYTES
        elif time.monotonic() - self._begun > ANSWER_S + self._taken / SLOWEST_BYTES_S:
            raise TimeoutError("its answer comes too slowly")
        self._taken += length
        if self._taken > self._most:
            raise ConnectionError(f"its answer is larger than {self._most >> 20} MiB")
        self._reader.feed(buffer, start, length)

    def gets(self, *decode: bool) -> Any:
        """The answer, as the library's reader gives it. Raises ConnectionError for one that memory has no room for."""
        try:
            answer = self._reader.gets(*decode)
        except MemoryError:
            raise ConnectionError("its answer is larger than the memory") from None
        if answer is not self._nothing:
            self._taken = 0
        return answer


class BoundedParser(_HiredisParser):
    """The library's parser, with a bound on what it takes for one answer."""

    def on_connect(self, connection: AbstractConnection, **options: Any) -> None:
        """Begin with a new connection."""
        super().on_connect(connection, **options)  # type: ignore[no-untyped-call]  # the library's
        bounded: Any = _Reader(self._reader, NOT_ENOUGH_DATA)  # as much of a reader as the parser uses
        self._reader = bounded
