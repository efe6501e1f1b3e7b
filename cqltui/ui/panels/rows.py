"""The lines of the task list: its heading, a task, a folded row. Pure."""

from collections.abc import Sequence

from cqltui.state.model import TaskState
from cqltui.ui.figures import Figures
from cqltui.ui.folding import Group
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, Span, left, right
from cqltui.ui.panels.columns import Column

MARGIN = 3
"""Cells before the first column: the cursor, the mark, and what is pending."""
INDENT = "  "
"""Before the title of a task below its open group."""

Fitting = Sequence[tuple[Column, int]]


def margin(mark: str, pending: bool) -> Line:
    """Return the cells before the columns; the first is the cursor's, which `LineView` draws.

    `mark`: + for a marked row, ~ for one of which a part is marked.
    """
    return (" ", "text"), (mark or " ", "accent"), ("…" if pending else " ", "warning")


def heading_line(columns: Fitting, sort_name: str, inverted: bool) -> Line:
    """Return the titles, with a sign at the one that sorts."""
    spans: list[Span] = [(" " * MARGIN, "faint")]
    for column, cells in columns:
        title, role = column.title, "dim"
        if column.name == sort_name:
            sign, role = "▾" if column.descending is not inverted else "▴", "accent"
            title = f"{title[: cells - 1]}{sign}"
        spans.append(((right if column.numeric else left)(title, cells), role))
        spans.append((" ", "text"))
    return tuple(spans[:-1])


def task_line(frame: Frame, task: TaskState, columns: Fitting, start: Line, *, below: bool = False) -> Line:
    """Return a task's row. `below`: it stands below its open group."""
    spans = list(start)
    for column, cells in columns:
        text, role = column.text(frame, task, cells)
        spans += _cell(column, f"{INDENT}{text}" if below and column.name == "title" else text, role, cells)
    return tuple(spans[:-1])


def group_line(frame: Frame, group: Group, figures: Figures, columns: Fitting, start: Line) -> Line:
    """Return a folded row."""
    spans = list(start)
    for column, cells in columns:
        text, role = column.group(frame, figures, cells)
        if column.name == "title":
            text, role = f"{'▾' if group.open else '▸'} {len(group.ids)} × {group.title}", "strong"
        spans += _cell(column, text, role, cells)
    return tuple(spans[:-1])


def column_at(columns: Fitting, x: int) -> Column | None:
    """Return the column that a cell of the line belongs to."""
    start = MARGIN
    for column, cells in columns:
        if start <= x < start + cells:
            return column
        start += cells + 1
    return None


def _cell(column: Column, text: str, role: str, cells: int) -> list[Span]:
    """Return a cell and the blank behind it, for which there is no room behind the last one."""
    return [((right if column.numeric else left)(text, cells), role), (" ", "text")]
