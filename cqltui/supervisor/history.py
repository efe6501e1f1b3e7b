"""history.jsonl: how the run stood every ten seconds, for the report, for looking back, and to judge the ETA by."""

import json
import logging
from pathlib import Path

from cqltui.state.events import Event
from cqltui.state.model import RunState
from cqltui.state.sample import sample
from trainer.files import plain_file, read_regular, write_bytes

log = logging.getLogger(__name__)

EVERY_S = 10.0
MOST_LINES = 20_000
"""Two days and more; then every other line goes, and from there on half as many are written."""
MOST_BYTES = 1 << 28


class History:
    """Writes a line now and then. A disk that refuses costs lines and stops nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._every_s = EVERY_S
        self._next_ts = 0.0
        self._lines = self._whole_lines()
        self._failed = False

    def handle(self, before: RunState, event: Event, after: RunState) -> None:
        """Nothing: the journal has the events."""

    def tick(self, state: RunState, now: float) -> None:
        """Write a line if it is time."""
        if abs(now - self._next_ts) < self._every_s and now < self._next_ts:  # else the clock was set back
            return
        self._next_ts = now + self._every_s
        try:
            self._append(json.dumps(sample(state, now), separators=(",", ":")).encode() + b"\n")
            self._failed = False
        except (OSError, ValueError) as error:
            if not self._failed:
                log.warning("%s cannot be written: %s", self._path.name, error)
            self._failed = True

    def _append(self, line: bytes) -> None:
        if self._lines >= MOST_LINES:
            kept = self._read()[::2]
            write_bytes(self._path, b"".join(kept))
            self._lines, self._every_s = len(kept), 2 * self._every_s
        with open(self._path, "ab", opener=plain_file) as file:
            file.write(line)
        self._lines += 1

    def _whole_lines(self) -> int:
        """The lines that there are; a last one that a killed writer left unfinished is cut off."""
        try:
            lines = self._read()
            if lines and not lines[-1].endswith(b"\n"):
                write_bytes(self._path, b"".join(lines[:-1]))
                lines.pop()
        except (OSError, ValueError):
            return 0
        return len(lines)

    def _read(self) -> list[bytes]:
        return read_regular(self._path, MOST_BYTES).splitlines(keepends=True)
