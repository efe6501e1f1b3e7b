"""What files tell of a run, as it was at a moment that is replayed."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from msgspec.structs import replace

from cqltui.logfile import last_lines
from cqltui.results.rundir import RunDir
from cqltui.state.record import TaskRecord
from cqltui.ui.logs import LINE_CHARS, READ_BYTES, about
from trainer.files import open_regular

_TIME = re.compile(rb"^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)", re.MULTILINE)
_BLOCK = 1 << 16
UNTIMED = "This log has no times: what it said at this moment is not known."


class LogsAsOf:
    """The workers' logs up to a moment, which their times tell: those of the clock of where they were written."""

    def __init__(self, run_dir: Path, now: Callable[[], float]) -> None:
        self._run_dir, self._now = RunDir(run_dir), now

    def tail(self, worker_id: str, lines: int, task_id: str = "") -> list[str]:
        """Return the last lines by then, oldest first; with a task, the entries that mention its id."""
        try:
            path = self._run_dir.log(worker_id)
            with open_regular(path) as file:
                end = log_end(file, self._now())
            if end is None:
                return [UNTIMED]
            found = last_lines(path, READ_BYTES, end=end)
        except (OSError, ValueError):  # the latter for an id that would lead out of the folder
            return []
        kept = [line[:LINE_CHARS] for line in about(found, task_id) if line]
        return kept[-lines:] if lines > 0 else []


def log_end(file: IO[bytes], ts: float) -> int | None:
    """Return how many bytes of a log were written by a moment: found by halving it. None: no line has a time."""
    low, high = 0, file.seek(0, os.SEEK_END)
    if not high:
        return 0
    if _timed(file, 0, high) is None:
        return None
    while low < high:
        middle = (low + high) // 2
        found = _timed(file, middle, high)
        if found is None or found[1] > ts:
            high = middle
        else:
            low = found[0] + 1
    # All entries from `low` on are later: the first of them is where to stop.
    size = file.seek(0, os.SEEK_END)
    after = _timed(file, low, size)
    return after[0] if after is not None else size if size - low < _BLOCK else low


def _timed(file: IO[bytes], begin: int, end: int) -> tuple[int, float] | None:
    """Return where the first entry from a place on begins, and its time; None where there is none in reach."""
    file.seek(max(0, begin - 1))
    content = file.read(min(end - begin, _BLOCK) + 32)
    for match in _TIME.finditer(content):
        at = max(0, begin - 1) + match.start()
        is_line = match.start() > 0 or at == 0  # of a cut off beginning nothing is known
        if is_line and begin <= at < end:
            year, month, day, hour, minute, second = map(int, match.groups())
            try:
                return at, time.mktime((year, month, day, hour, minute, second, 0, 0, -1))
            except (OverflowError, ValueError):
                return None
    return None


def record_as_of(record: TaskRecord, ts: float) -> TaskRecord:
    """Return what was known of a task by then: attempts that had begun, and files that are since then as they were."""
    attempts = tuple(
        one if one.ended_ts <= ts else replace(one, ended_ts=0.0, end="", why="")
        for one in record.attempts
        if one.claimed_ts <= ts
    )
    return replace(record, attempts=attempts, files=tuple(one for one in record.files if one.ts <= ts), more_files=0)
