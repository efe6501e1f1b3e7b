"""A text stream that may go away: the run goes on when whoever reads its output has left."""

from typing import TextIO


class Stream:
    """Writes whole lines; falls silent for good when it cannot be written to, since no training may end for that."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.closed = False

    def line(self, text: str) -> None:
        """Write one line and flush it. Characters that the stream's encoding lacks are written escaped."""
        if self.closed:
            return
        encoding = self._out.encoding or "utf-8"
        try:
            self._out.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
            self._out.flush()
        except (OSError, ValueError):  # ValueError: the stream was closed on our side
            self.closed = True
