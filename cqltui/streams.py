"""Standard input, output and error as a shell hands them over: closed, gone, full, blocked, or of another encoding.

Telling the user must never prevent the doing, nor change an exit code. So the command line puts streams of its own in
place of Python's. Their text and buffers are the standard library's; what writes to the descriptor loses what it cannot
write, and can leave the writing to a thread.
"""

import errno
import io
import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

WAITING_BYTES = 64 << 20
"""What may wait for a reader that does not read, such as a terminal after Ctrl-S; more is lost."""
PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EINTR})
"""Errors after which a later write may do: the stream is a file, and there may be room again."""


class Outlet(io.RawIOBase):
    """A descriptor that is written to as long as it can be. Never raises for what became of the other end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: SimpleQueue[bytes | None] | None = None
        self._thread: threading.Thread | None = None
        self._taken = self._written = 0
        self.gone = False
        """Whether the other end has left for good."""

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write all of it or lose it; the number of bytes given. From a signal's handler too while a thread writes."""
        given = bytes(data)
        if self._queue is None:
            self._write(given)
        elif self._taken - self._written + len(given) <= WAITING_BYTES:
            self._taken += len(given)
            self._queue.put(given)
        return len(given)

    def begin_thread(self) -> None:
        """Leave the writing to a thread: a terminal or a pipe that takes nothing holds nobody up."""
        self._queue = SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(self._queue,), name="output", daemon=True)
        self._thread.start()

    def end_thread(self) -> None:
        """Wait until all is written, and write without a thread again."""
        if self._queue is not None and self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._queue = self._thread = None

    def _run(self, queue: "SimpleQueue[bytes | None]") -> None:
        while (data := queue.get()) is not None:
            self._write(data)
            self._written += len(data)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left and not self.gone:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # a program that shares the terminal has made it non-blocking
                poll = select.poll()
                poll.register(self._descriptor, select.POLLOUT)
                poll.poll()
            except OSError as error:
                self.gone = error.errno not in PASSING
                return


def protect() -> None:
    """Put streams that cannot fail in the place of this process's. For the command line, once, before anything else."""
    for descriptor in range(3):  # else the next file or socket is opened there, and written to by mistake
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest that is free: this one
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
    sys.stdout = protected(sys.stdout)
    sys.stderr = protected(sys.stderr, line_buffering=True)


def protected(stream: TextIO | None, *, line_buffering: bool = False) -> TextIO:
    """Return a stream like the given one that cannot fail. `stream`: as Python made it, None where there is no
    descriptor."""
    outlet = Outlet(os.open(os.devnull, os.O_WRONLY) if stream is None else stream.fileno())
    encoding = "utf-8" if stream is None else stream.encoding
    return io.TextIOWrapper(
        io.BufferedWriter(outlet),
        encoding=encoding,
        errors="backslashreplace",
        newline="\n",
        line_buffering=line_buffering or outlet.isatty(),
    )


def is_gone(stream: TextIO) -> bool:
    """Return whether whoever read the stream has left, as `head` does."""
    outlet = _outlet(stream)
    return outlet is not None and outlet.gone


@contextmanager
def never_waiting() -> Iterator[None]:
    """Make standard output and error ones that nobody waits for; at the end, all that was told is waited for."""
    outlets = [outlet for stream in (sys.stdout, sys.stderr) if (outlet := _outlet(stream)) is not None]
    for outlet in outlets:
        outlet.begin_thread()
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for outlet in outlets:
            outlet.end_thread()


def tell_from_handler(text: str) -> None:
    """Write to standard error from a signal's handler, which may have interrupted a write to it."""
    outlet = _outlet(sys.stderr) or Outlet(2)
    outlet.write(text.encode("ascii", "backslashreplace"))


def _outlet(stream: TextIO) -> Outlet | None:
    """Return what writes for a protected stream; None for another, such as a test's."""
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, Outlet) else None
