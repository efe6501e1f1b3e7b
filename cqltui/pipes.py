"""What another program prints: read to its end, so that it never waits for us, and kept within bounds, since it may
print for ever."""

from contextlib import suppress
from threading import Thread
from typing import IO

CHUNK = 1 << 16


class Heard:
    """Reads a pipe on a thread of its own."""

    def __init__(self, pipe: IO[bytes], most: int, *, last: bool = False) -> None:
        """Begin. `most`: bytes that are kept, the first of all or the `last`; the rest goes by."""
        self._pipe, self._most, self._last = pipe, most, last
        self._kept = b""
        self._thread = Thread(target=self._read, name="pipe", daemon=True)
        self._thread.start()

    def said(self, limit_s: float) -> bytes:
        """Return what was kept, once the pipe has ended or after `limit_s` seconds: a process that the program has left
        behind may hold it open."""
        self._thread.join(limit_s)
        return self._kept

    def _read(self) -> None:
        with suppress(OSError), self._pipe as pipe:
            while more := pipe.read(CHUNK):
                if self._last:
                    self._kept = (self._kept + more)[-self._most :]
                elif len(self._kept) < self._most:
                    self._kept += more[: self._most - len(self._kept)]
