"""The workers' log files, read from their end."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from cqltui.logfile import last_lines
from cqltui.results.rundir import RunDir

READ_BYTES = 256 * 1024
LINE_CHARS = 2_000
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
"""An entry begins with it; what follows without one, as a traceback does, belongs to that entry."""


class FileLogs:
    """Logs in `<run_dir>/logs/<worker-id>.log`."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = RunDir(run_dir)

    def tail(self, worker_id: str, lines: int, task_id: str = "") -> list[str]:
        """Return the last lines, oldest first; with a task, the entries that mention its id. Empty where there is no
        log.

        Only the last 256 KiB are read, and a long line is cut: what a log holds cannot slow the screen down.
        """
        try:
            found = last_lines(self._run_dir.log(worker_id), READ_BYTES)
        except (OSError, ValueError):  # the latter for an id, which the server tells, that would lead out of the folder
            return []
        kept = [line[:LINE_CHARS] for line in about(found, task_id) if line]
        return kept[-lines:] if lines > 0 else []


def about(lines: Sequence[str], task_id: str) -> Iterator[str]:
    """Yield the lines of the entries that mention the id."""
    goes_on = False
    for line in lines:
        begins = _TIME.match(line) is not None
        named = task_id in line
        if named or (goes_on and not begins):
            yield line
        goes_on = named if begins else goes_on
