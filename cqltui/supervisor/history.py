"""history.jsonl: how the run stood every ten seconds, for the report, for looking back, and to judge the ETA by."""

import errno
import json
import logging
import os
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from cqltui.state.events import Event
from cqltui.state.model import RunState
from cqltui.state.sample import sample
from trainer.files import is_private, plain_file, replaced

log = logging.getLogger(__name__)

EVERY_S = 10.0
SHARE = 100
"""What the end of very many tasks is expected from takes a while: the next line comes after so many times as long."""
MOST_LINES = 20_000
"""Two days and more; then every other line goes, and from there on half as many are written."""
MOST_BYTES = 1 << 28
LONGEST_LINE = 1 << 20
"""With thousands of workers."""
_READ_BYTES = 1 << 20


class History:
    """Writes a line now and then. A disk that refuses costs lines and stops nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._every_s = EVERY_S
        self._wait_s = EVERY_S
        self._next_ts = 0.0
        self._lines = self._count()
        self._failed = False
        self.expected_ts: float | None = None
        """When the run is going to end, as the latest line says."""

    def handle(self, before: RunState, event: Event, after: RunState) -> None:
        """Nothing: the journal has the events."""

    def tick(self, state: RunState, now: float) -> None:
        """Write a line if it is time."""
        if abs(now - self._next_ts) < self._wait_s and now < self._next_ts:  # else the clock was set back
            return
        self._next_ts, self._wait_s = now + self._every_s, self._every_s
        try:
            began = time.monotonic()
            said = sample(state, now)
            self.expected_ts = said["finish_ts"]
            line = json.dumps(said, separators=(",", ":")).encode() + b"\n"
            self._wait_s = max(self._every_s, SHARE * (time.monotonic() - began))
            self._next_ts = now + self._wait_s
            self._append(line)
            self._failed = False
        except (OSError, ValueError) as error:
            if not self._failed:
                log.warning("%s cannot be written: %s", self._path.name, error)
            self._failed = True

    def _append(self, line: bytes) -> None:
        if self._lines >= MOST_LINES:
            self._thin_out()
        with open(self._path, "ab", opener=plain_file) as file:
            file.write(line)
        self._lines += 1

    def _thin_out(self) -> None:
        """Keep every other line, or as many fewer as leave half of what there may be."""
        step = max(2, -(-2 * self._lines // MOST_LINES))
        kept = 0
        with self._open("rb") as file, replaced(self._path, private=is_private(file.fileno())) as new:
            for line in islice(_whole_lines(file), None, None, step):
                new.write(line)
                kept += 1
        self._lines, self._every_s = kept, 2 * self._every_s

    def _count(self) -> int:
        """Return the lines that there are; a last one that a killed writer left unfinished is cut off."""
        try:
            if not self._path.exists():
                return 0
            with self._open("rb+") as file:
                count = whole = 0
                while content := file.read(_READ_BYTES):
                    count += content.count(b"\n")
                    if (end := content.rfind(b"\n")) >= 0:
                        whole = file.tell() - len(content) + end + 1
                file.truncate(whole)
        except OSError:
            return 0
        return count

    def _open(self, mode: str) -> IO[bytes]:
        """Return the file, which is no link. Raises OSError."""
        file = open(self._path, mode, opener=plain_file)  # noqa: SIM115
        if (size := os.fstat(file.fileno()).st_size) > MOST_BYTES:
            file.close()
            raise OSError(errno.EFBIG, f"it has {size:,} bytes; expected at most {MOST_BYTES:,}", str(self._path))
        return file


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield those that are whole and no longer than ours are."""
    is_begin = True
    while line := file.readline(LONGEST_LINE):
        is_end = line.endswith(b"\n")
        if is_begin and is_end:
            yield line
        is_begin = is_end
