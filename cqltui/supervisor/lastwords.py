"""What a process wrote into its log before its end."""

from collections.abc import Sequence
from pathlib import Path

from cqltui.results.rundir import STAYS
from cqltui.state.plain import plain
from trainer.files import plain_file

LINES = 30
LINE_CHARS = 160
LOOK_BYTES = 1 << 16


def reason(lines: Sequence[str], code: int) -> str:
    """Why the process ended, as its error's last line says; empty if nothing does. `code`: of its exit, negative for a
    signal, before which the last line says nothing of it."""
    return lines[-1].removeprefix("cqltui: ") if lines and code > 0 else ""


def last_lines(log: Path, start: int = 0) -> list[str]:
    """The last lines after byte `start`, plain and bounded, without empty ones and those that stay here; none if there
    is no such file."""
    try:
        with open(log, "rb", opener=plain_file) as file:
            size = file.seek(0, 2)
            begin = max(start, size - LOOK_BYTES)
            file.seek(begin)
            content = file.read(LOOK_BYTES)
    except OSError:
        return []
    lines = content.decode("utf-8", "replace").splitlines()
    if begin > start:
        lines = lines[1:]  # its beginning is cut off
    return [plain(line, LINE_CHARS) for line in lines if line.strip() and STAYS not in line][-LINES:]
