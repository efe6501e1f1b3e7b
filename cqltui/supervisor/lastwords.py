"""What a process wrote into its log before its end."""

from collections.abc import Sequence
from pathlib import Path

from cqltui.logfile import last_lines
from cqltui.results.rundir import STAYS
from cqltui.state.plain import plain

LINES = 30
LINE_CHARS = 160
LOOK_BYTES = 1 << 16


def reason(lines: Sequence[str], code: int) -> str:
    """Return why the process ended, as its error's last line says; empty if nothing does. `code`: of its exit, negative
    for a signal, before which the last line says nothing of it."""
    return lines[-1].removeprefix("cqltui: ") if lines and code > 0 else ""


def last_words(log: Path, start: int = 0) -> list[str]:
    """Return the last lines after byte `start`, plain and bounded, without empty ones and those that stay here; none if
    there is no such file."""
    try:
        if log.is_symlink():  # what it leads to would go to the server
            return []
        lines = last_lines(log, LOOK_BYTES, start)
    except OSError:
        return []
    return [plain(line, LINE_CHARS) for line in lines if line.strip() and STAYS not in line][-LINES:]
