"""What has happened as lines of a list. Pure, but for the time zone."""

from collections.abc import Mapping

from msgspec.structs import replace

from cqltui.state.happened import Happening
from cqltui.state.model import TaskState
from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.line import Line, Span, clip, left, right, wrapped

STAMPED = 60
"""From so many cells on seconds are told."""
TITLE, LONGEST_TITLE = 18, 40
"""Cells of a task's title, at least and at most, where there is room for it."""
ROOMY = 80
FEW = 3
"""Beside so many others the first task is named."""
STRONG = frozenset({"!", "X", "✗", "✓", "■"})
"""Signs of what is told in full colour: it does not happen all the time."""


def start_cells(cells: int, days: bool) -> int:
    """Return how many cells stand before the text."""
    clock = 8 if cells >= STAMPED else 5
    return clock + (4 if days else 0) + 4


def texts_of(happening: Happening, tasks: Mapping[str, TaskState], cells: int, days: bool) -> list[str]:
    """Return the text in lines that fit behind the start; nothing is left out."""
    room = max(cells - start_cells(cells, days) - title_cells(cells), 10)
    text = happening.text
    if cells < ROOMY and happening.tasks:
        text = f"{subject(happening, tasks)} {text}"
    if happening.by:
        text = f"{text} by {happening.by}"
    elif happening.worker:
        text = f"{text} · {happening.worker}" if happening.tasks else f"{happening.worker}: {text}"
    return [text] if len(text) <= room and text.isascii() else wrapped(text, room)


def title_cells(cells: int) -> int:
    """Return how many cells the task's title has: none where the text has it."""
    return min(max(TITLE, cells // 4), LONGEST_TITLE) + 1 if cells >= ROOMY else 0


def subject(happening: Happening, tasks: Mapping[str, TaskState]) -> str:
    """Return which task it is about, or how many."""
    if not happening.tasks:
        return ""
    if (more := len(happening.tasks) - 1) > FEW:
        return f"{more + 1:,} tasks"
    if more:
        return f"{subject(replace(happening, tasks=happening.tasks[:1]), tasks)} +{more}"
    known = tasks.get(happening.tasks[0])
    return plain(known.info.title, 100) if known is not None and known.info.title else plain(happening.tasks[0], 64)


def happened_line(
    happening: Happening, text: str, first: bool, tasks: Mapping[str, TaskState], now: float, cells: int, days: bool
) -> Line:
    """Return one line: the time, the sign, the task, and a line of its text."""
    start, role = start_cells(cells, days), happening.role if happening.sign in STRONG else "text"
    if not first:
        return ((" " * (start + title_cells(cells)), "text"), (text, role))
    moment = fmt.stamp(happening.ts) if cells >= STAMPED else fmt.clock(happening.ts, happening.ts)
    day = fmt.clock(happening.ts, now).rpartition(" ")[0][:3] if days else ""
    clock = f"{left(day, 4)}{moment}" if days else moment
    spans: list[Span] = [(f" {left(clock, start - 4)} ", "dim"), (f"{happening.sign} ", happening.role)]
    if room := title_cells(cells):
        spans.append((left(subject(happening, tasks), room - 1) + " ", "strong" if happening.tasks else "text"))
    return (*spans, (text, role))


def foot_text(happening: Happening, shown: int, total: int, filtered: bool, cells: int) -> str:
    """Return the ids of the event under the cursor, and how many events are listed."""
    ids = ", ".join(happening.tasks[:3]) + ("…" if len(happening.tasks) > 3 else "")
    count = f"{shown:,} of {total:,}" if filtered else f"{total:,}"
    return clip(" · ".join(filter(None, (ids, count))), max(cells - 4, 0))


def heading(cells: int, days: bool) -> Line:
    """Return the titles of the columns."""
    start = start_cells(cells, days)
    text = left(" when", start) + (left("task", title_cells(cells)) if title_cells(cells) else "")
    return ((text + right("", 0) + "what", "dim"),)
