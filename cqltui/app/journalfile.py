"""journal.jsonl as it grows, read on from where it was read to."""

import os
from pathlib import Path

from cqltui.broker.protocol import codec
from cqltui.state.events import Event
from trainer.files import open_regular

MOST_BYTES = 1 << 25
"""Read at once; what comes after is read the next time."""


class JournalFile:
    """For one thread of the screen's."""

    def __init__(self, path: Path, tail_bytes: int | None = None) -> None:
        """`tail_bytes`: of what there is at first, so much of its end is read at most."""
        self._path, self._tail_bytes = path, tail_bytes
        self._read_to: int | None = None

    def news(self, skipped: bytes | None = None) -> tuple[bool, list[Event]]:
        """Return whether it begins anew, as that of another run does, and the events since the last call; none where it
        cannot be read. Lines that hold `skipped` are not decoded."""
        try:
            with open_regular(self._path) as file:
                size = file.seek(0, os.SEEK_END)
                anew = self._read_to is None or size < self._read_to
                start = 0 if self._read_to is None or anew else self._read_to
                cut = anew and self._tail_bytes is not None and size > self._tail_bytes
                if cut and self._tail_bytes is not None:
                    start = size - self._tail_bytes
                file.seek(start)
                content = file.read(MOST_BYTES)
        except OSError:
            return False, []
        whole = content.rfind(b"\n") + 1
        # A line that is longer than what is read at once is none of ours.
        self._read_to = start + (whole or (len(content) if len(content) == MOST_BYTES else 0))
        first = content.find(b"\n") + 1 if cut else 0  # the line that the cut went through
        lines = (line for line in content[first:whole].splitlines() if skipped is None or skipped not in line)
        return anew, [event for line in lines if (event := codec.decode_event(line)) is not None]
