"""metrics.csv on a disk that takes a part, nothing, and all again: every row once, in order."""

import errno
import os
from pathlib import Path

import pytest

from cqltui.results.rundir import read_metrics
from cqltui.worker.metrics import MetricsFile
from trainer.progress import EpochMetrics


def row(epoch: int) -> EpochMetrics:
    return EpochMetrics(epoch, 1.0 / epoch, 0.1, 0.2, 0.3, 0.4, 1000.0, 0.5 if epoch % 2 else None)


class Disk:
    """Takes `room` bytes, then says that it is full. In place of the raw file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self.room = 0

    def write(self, content: bytes) -> int:
        part = content[: self.room]
        if not part:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(part)
        return self._file.write(part)

    def close(self) -> None:
        self._file.close()


def test_a_disk_that_fills_up_neither_loses_nor_doubles_a_row(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    metrics = MetricsFile(path, [row(1), row(2)])
    metrics.close()
    disk = Disk(path)
    metrics._file = disk  # type: ignore[assignment]
    for epoch in range(3, 40):
        metrics.add(row(epoch))
        disk.room += 17  # less than a row
        with pytest.raises(OSError, match="No space left") as full:
            metrics.flush()
        assert full.value.filename == str(path)
    assert [entry.epoch for entry in read_metrics(path)] == list(range(1, len(read_metrics(path)) + 1))
    disk.room = 1_000_000
    metrics.flush()
    metrics.close()
    assert read_metrics(path) == tuple(map(row, range(1, 40)))


def test_it_begins_with_the_rows_of_before(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("torn", encoding="utf-8")
    metrics = MetricsFile(path, [row(1)])
    metrics.add(row(2))
    assert read_metrics(path) == (row(1),)
    metrics.sync()
    metrics.close()
    assert read_metrics(path) == (row(1), row(2))
