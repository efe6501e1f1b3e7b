"""metrics.csv of an attempt, as it grows."""

from collections.abc import Iterable
from pathlib import Path

from cqltui.results.rundir import METRICS_HEADER, metrics_lines
from trainer.files import plain_file, sync, write_bytes
from trainer.progress import EpochMetrics


class MetricsFile:
    """Every row gets to the disk once and in order, also when the disk was full for a while: rows wait in memory.

    Not a text file of Python's: one whose flush fails may lose rows or write them twice.
    """

    def __init__(self, path: Path, rows: Iterable[EpochMetrics]) -> None:
        """Begins with these rows, and replaces what is there. Raises OSError."""
        write_bytes(path, METRICS_HEADER + metrics_lines(rows))
        self._path = path
        self._file = open(path, "ab", buffering=0, opener=plain_file)  # noqa: SIM115
        self._unwritten = b""

    def add(self, row: EpochMetrics) -> None:
        """Take an epoch's row; it is written with the next `flush`."""
        self._unwritten += metrics_lines([row])

    def flush(self) -> None:
        """Let a reader see every row so far. Raises OSError; what could not be written is written the next time."""
        while self._unwritten:
            try:
                size = self._file.write(self._unwritten)
            except OSError as error:
                error.filename = str(self._path)
                raise
            self._unwritten = self._unwritten[size or 0 :]

    def sync(self) -> None:
        """Put every row so far on the disk. Raises OSError."""
        self.flush()
        sync(self._file.fileno())

    def close(self) -> None:
        """Close the file; rows that were not flushed are dropped."""
        self._file.close()
