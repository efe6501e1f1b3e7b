"""The workers' log files, read from their end."""

from pathlib import Path

from cqltui.logfile import last_lines
from cqltui.results.rundir import RunDir

_READ_BYTES = 256 * 1024
_LINE_CHARS = 2_000


class FileLogs:
    """Logs in `<run_dir>/logs/<worker-id>.log`."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = RunDir(run_dir)

    def tail(self, worker_id: str, lines: int, task_id: str = "") -> list[str]:
        """Return the last lines, oldest first; with a task, those that mention its id. Empty where there is no log.

        Only the last 256 KiB are read, and a long line is cut: what a log holds cannot slow the screen down.
        """
        try:
            found = last_lines(self._run_dir.log(worker_id), _READ_BYTES)
        except (OSError, ValueError):  # the latter for an id, which the server tells, that would lead out of the folder
            return []
        kept = [line[:_LINE_CHARS] for line in found if line and (not task_id or task_id in line)]
        return kept[-lines:] if lines > 0 else []
