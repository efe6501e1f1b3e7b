"""journal.jsonl as it grows, read on from where it was read to."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from cqltui.broker.protocol import codec
from cqltui.state.events import Event
from trainer.files import open_regular

LONGEST_LINE = 1 << 23
"""Nothing is read of a longer one, which is none of ours."""


class JournalFile:
    """For one thread of the screen's."""

    def __init__(self, path: Path, tail_bytes: int | None = None) -> None:
        """`tail_bytes`: of what there is at first, so much of its end is read at most."""
        self._path, self._tail_bytes = path, tail_bytes
        self._read_to: int | None = None

    def news(self, skipped: bytes | None = None) -> tuple[bool, Iterator[Event]]:
        """Return whether it begins anew, as that of another run does, and the events since the last call, a line after
        the other as they are wanted; none where it cannot be read. Lines that hold `skipped` are not decoded."""
        try:
            file = open_regular(self._path)
        except OSError:
            return False, iter(())
        size = os.fstat(file.fileno()).st_size
        anew = self._read_to is None or size < self._read_to
        start = 0 if self._read_to is None or anew else self._read_to
        cut = anew and self._tail_bytes is not None and size > self._tail_bytes
        if cut and self._tail_bytes is not None:
            start = size - self._tail_bytes
        self._read_to = start
        return anew, self._read(file, size, skipped, begins=not cut)

    def _read(self, file: IO[bytes], size: int, skipped: bytes | None, *, begins: bool) -> Iterator[Event]:
        """Yield the events of the lines up to that size. `begins`: the first line does; else it is the rest of one."""
        assert self._read_to is not None, "set before"
        with file, suppress(OSError):
            file.seek(self._read_to)
            while self._read_to < size:
                line = file.readline(LONGEST_LINE)
                ends = line.endswith(b"\n")
                if not ends and len(line) < LONGEST_LINE:  # it is still being written
                    return
                self._read_to += len(line)
                event = codec.decode_event(line) if begins and ends and not (skipped and skipped in line) else None
                begins = ends
                if event is not None:
                    yield event
