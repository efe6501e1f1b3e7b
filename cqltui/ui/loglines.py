"""A log as lines of a view: errors and warnings signed, what is searched for marked, long lines broken. Pure."""

import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct
from rich.cells import chop_cells

from cqltui.state.model import Status, TaskState
from cqltui.state.plain import plain
from cqltui.ui.line import Line, Span
from cqltui.ui.ports import LogSubject

SIGNS = {"dead": "✗ ", "warning": "! ", "dim": "  "}
SIGN = 2
"""Cells before the text."""
LINE_CHARS = 1_000
_ERROR = re.compile(r"\b(ERROR|CRITICAL|Traceback)\b")
_WARNING = re.compile(r"\bWARN(ING)?\b")
_TIME = re.compile(r"(?:\d{4}-\d\d-\d\d[ T])?(\d\d:\d\d:\d\d)(?:[.,]\d{1,6})?\s+")
_ID = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{8}\b")
WIDE = 110
"""From so many cells on a time has its date and milliseconds, and an id of 16 digits all of them; below they would push
the losses out of the panel."""


class LogLook(Struct, frozen=True):
    """How a log is looked at."""

    wrap: bool = False
    times: bool = True
    search: str = ""
    """What is marked; capital letters count where there are any."""


class LogLines(Struct, frozen=True):
    """A log in rows."""

    lines: tuple[Line, ...] = ()
    starts: tuple[int, ...] = ()
    """The first row of each line of the log."""
    matches: tuple[int, ...] = ()
    """The lines of the log that hold what is searched for, by index."""


@lru_cache(maxsize=2_048)
def _read(text: str, short: bool) -> tuple[str, int, str]:
    """Return the line as it may be shown, where what follows the time begins, and its own role; remembered, since a log
    that grows is read again and again. `short`: the time without date and milliseconds, an id by its
    first digits."""
    shown = plain(text, LINE_CHARS)
    role = "dead" if _ERROR.search(shown) else "warning" if _WARNING.search(shown) else "dim"
    found = _TIME.match(shown)
    if found is None:
        return shown, 0, role
    time, said = found[0], shown[found.end() :]
    if short:
        time, said = f"{found[1]} ", _ID.sub(r"\1", said)
    return time + said, len(time), role


def log_lines(texts: Sequence[str], cells: int, look: LogLook, current: int = -1) -> LogLines:
    """Return the log in rows of `cells` cells. `current`: the index of the line whose matches stand out."""
    lines: list[Line] = []
    starts: list[int] = []
    matches: list[int] = []
    room = max(1, cells - SIGN)
    role = "dim"
    for i, text in enumerate(texts):
        shown, begin, own = _read(text, cells < WIDE)
        sign = SIGNS[own]
        # What has no time goes on with the entry before it: a traceback with the error that it is of.
        role = own if begin or own != "dim" or role == "dim" else role
        if not look.times:
            shown = shown[begin:]
        starts.append(len(lines))
        if not look.search and (not look.wrap or len(shown) <= room // 2):
            lines.append(((sign, role), (shown, role)))
            continue
        marked = _marks(shown, look.search)
        if marked:
            matches.append(i)
        pieces = chop_cells(shown, room) if look.wrap and len(shown) > room // 2 else [shown]
        at = 0
        for piece in pieces or [""]:
            spans = _spans(shown, at, at + len(piece), marked, role, "found" if i == current else "match")
            lines.append(((sign if not at else "  ", role), *spans))
            at += len(piece)
    return LogLines(tuple(lines), tuple(starts), tuple(matches))


def _marks(text: str, search: str) -> list[tuple[int, int]]:
    """Return (begin, end) of each place where the text holds what is searched for."""
    if not search:
        return []
    flags = 0 if search != search.lower() else re.IGNORECASE
    return [found.span() for found in re.finditer(re.escape(search), text, flags)]


def _spans(
    text: str, begin: int, end: int, marked: Sequence[tuple[int, int]], role: str, mark: str
) -> tuple[Span, ...]:
    """Return a piece of the text, what is marked in a role of its own."""
    spans: list[Span] = []
    for first, last in marked:
        first, last = max(first, begin), min(last, end)
        if first < last:
            if first > begin:
                spans.append((text[begin:first], role))
            spans.append((text[first:last], mark))
            begin = last
    return (*spans, (text[begin:end], role)) if begin < end or not spans else tuple(spans)


def dropped(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many lines of the beginning have gone from a log of which only the end is kept."""
    if not old or not new:
        return 0
    for i, text in enumerate(old):
        if text == new[0] and old[i : i + len(new)] == new[: len(old) - i]:
            return i
    return 0


def nothing_logged(subject: LogSubject, task: TaskState | None) -> str:
    """Return why there is nothing to show: of a task, or of a worker."""
    if task is not None and not subject.worker_id:
        return "No worker has had this task yet."
    if task is not None and task.status is not Status.RUNNING:
        of = f"at the end of the log of {subject.worker_id}"
        return f"Nothing about this task {of}. To look into all logs: cqltui logs {subject.task_id}"
    return "Nothing logged yet." if subject.worker_id else ""
