"""The workers' log files, read from their end."""

import os
import re
from pathlib import Path

from trainer.files import open_regular

_READ_BYTES = 256 * 1024
_LINE_CHARS = 2_000
_SAFE_NAME = re.compile(r"[\w.\-]+")


class FileLogs:
    """Logs in `<run_dir>/logs/<worker-id>.log`."""

    def __init__(self, run_dir: Path) -> None:
        self._dir = run_dir / "logs"

    def tail(self, worker_id: str, lines: int, task_id: str = "") -> list[str]:
        """The last lines, oldest first; with a task, those that mention its id. Empty where there is no such log.

        Only the last 256 KiB are read, bytes that are no UTF-8 become U+FFFD, and a long line is cut: what a log holds
        cannot slow the screen down.
        """
        # A worker's id comes from the server: it must not lead out of the folder.
        if not _SAFE_NAME.fullmatch(worker_id) or worker_id in {".", ".."}:
            return []
        try:
            data, whole = self._end(self._dir / f"{worker_id}.log")
        except (OSError, ValueError):  # ValueError: a null byte in the folder's name, which the server told
            return []
        found = data.decode("utf-8", errors="replace").split("\n")
        if not whole and len(found) > 1:
            found = found[1:]
        kept = [line[:_LINE_CHARS].rstrip("\r") for line in found if line and (not task_id or task_id in line)]
        return kept[-lines:] if lines > 0 else []

    def _end(self, path: Path) -> tuple[bytes, bool]:
        """The last bytes of a file, and whether they are all of it."""
        with open_regular(path) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _READ_BYTES))
            return file.read(_READ_BYTES), size <= _READ_BYTES
