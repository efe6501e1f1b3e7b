"""Log files, read by whoever shows them: bounded, whatever they hold, and never a pipe or a device."""

import os
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from trainer.files import open_regular

LINE_CHARS = 64_000
"""Of a line that are looked at."""


def last_lines(path: Path, most_bytes: int, start: int = 0, end: int | None = None) -> list[str]:
    """Return the lines in the last bytes of a log, of what comes after byte `start` and before `end`. Raise
    OSError.

    One whose beginning is cut off is left out: it may say that the line is not to be shown. Bytes that are no UTF-8
    become U+FFFD.
    """
    with open_regular(path) as file:
        size = file.seek(0, os.SEEK_END) if end is None else end
        begin = max(start, size - most_bytes)
        file.seek(begin)
        content = file.read(most_bytes if end is None else max(0, end - begin))
    lines = content.decode("utf-8", "replace").splitlines()
    return lines[1:] if begin > start else lines


def open_log(path: Path) -> TextIO:
    """Open a log to be read from its beginning, by `bounded`. Raise OSError."""
    return TextIOWrapper(open_regular(path), encoding="utf-8", errors="replace")


def bounded(file: TextIO) -> Iterator[str]:
    """Yield the lines without their ends, each as far as it is looked at: the rest of a long one is passed over."""
    while line := file.readline(LINE_CHARS):
        yield line.rstrip("\n")
        while not line.endswith("\n") and (line := file.readline(LINE_CHARS)):
            pass
