"""The task list of `cqltui status --tasks`."""

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from cqltui.state.model import TaskState
from cqltui.state.plain import headline, plain

HEADINGS = ("id", "phase", "task", "status", "epochs", "loss", "val", "error")
TITLE = HEADINGS.index("task")
TITLE_LEAST = 12
"""Cells that a title keeps on a narrow terminal."""
ERROR_MOST = 40
"""Cells for whose sake titles are cut; an error may go on beyond the edge."""
GAP = 2
CELL_LIMIT = 1000


def task_table(tasks: Sequence[TaskState], width: int | None) -> list[str]:
    """Return a heading and a line a task. Only the titles give way, to what else has to fit into `width`; None: nothing
    does.

    An error ends its line, however long: it is what one came for.
    """
    rows = [HEADINGS, *(tuple(plain(cell, CELL_LIMIT) for cell in _cells(task)) for task in tasks)]
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(HEADINGS) - 1)]
    if width is not None:
        error = min(ERROR_MOST, max(cell_len(row[-1]) for row in rows))
        room = width - sum(widths) + widths[TITLE] - GAP * len(widths) - error
        widths[TITLE] = min(widths[TITLE], max(room, TITLE_LEAST))
    return [_line(row, widths) for row in rows]


def _cells(task: TaskState) -> tuple[str, ...]:
    losses = _figure(task.headline), _figure(task.validation)
    epochs = f"{task.epochs_done}/{task.info.epochs}"
    stopped = f"stopped early: {task.stopped_early}" if task.stopped_early else ""
    return task.id, task.info.phase, task.info.title, task.status, epochs, *losses, headline(task.life.error) or stopped


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = [set_cell_size(_cut(text, width), width) for text, width in zip(row, widths, strict=False)]
    return (" " * GAP).join([*padded, row[-1]]).rstrip()


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"
