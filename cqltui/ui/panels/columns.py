"""The columns of the task list: what each shows, and how it sorts."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from cqltui.state.model import Status, TaskState
from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.line import Span
from cqltui.ui.spark import loss_values, spark

LETTERS = {
    Status.RUNNING: "R", Status.QUEUED: "Q", Status.DELAYED: "W", Status.PAUSED: "P",
    Status.DONE: "D", Status.DEAD: "X", Status.CANCELLED: "C", Status.WITHDRAWN: "-",
}  # fmt: skip
"""State by letter as well as by colour; W waits for its retry."""
ACTIVITY = tuple(LETTERS)
"""The order of the state column: what happens now comes first."""

SortKey = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `cells` 0 takes what is left."""

    name: str
    title: str
    cells: int
    text: Callable[[Frame, TaskState, int], Span]
    sort: Callable[[Frame, TaskState], SortKey]
    numeric: bool = False
    """Aligned right."""
    descending: bool = False
    from_cells: int = 0
    """Shown where the list is at least this wide."""


def _state(frame: Frame, task: TaskState, cells: int) -> Span:
    letter = LETTERS[task.status]
    word = "stalled" if frame.stalled(task) else str(task.status)
    return (letter if cells < 4 else f"{letter} {word}"), "warning" if word == "stalled" else str(task.status)


def _epoch(frame: Frame, task: TaskState, cells: int) -> Span:
    done, total = task.epochs_done, task.info.epochs
    if not done and task.status is Status.QUEUED:
        return f"{total}", "faint"
    return f"{done}/{total}", "text" if task.status is Status.RUNNING else "dim"


def _metric(value: float | None, status: Status) -> Span:
    role = "faint" if value is None else "strong" if status is Status.RUNNING else "text"
    return (fmt.number(value) if value is not None else ""), role


def _loss(frame: Frame, task: TaskState, cells: int) -> Span:
    return _metric(task.headline, task.status)


def _val(frame: Frame, task: TaskState, cells: int) -> Span:
    return _metric(task.validation, task.status)


def _curve(frame: Frame, task: TaskState, cells: int) -> Span:
    if task.progress is None:
        return "", "faint"
    values = loss_values([loss for _, loss in task.progress.curve])
    return spark(values, cells), "accent" if task.status is Status.RUNNING else "faint"


def _eta(frame: Frame, task: TaskState, cells: int) -> Span:
    if task.life.finished_ts:
        return fmt.clock(task.life.finished_ts, frame.now), "dim"
    finish_ts = frame.finish_ts(task)
    return (f"~{fmt.clock(finish_ts, frame.now)}", "text") if finish_ts else ("", "faint")


def _number(value: float | None) -> SortKey:
    return (inf if value is None else value), ""


COLUMNS = (
    Column("state", "S", 1, _state, lambda f, t: (ACTIVITY.index(t.status), "")),
    Column("id", "id", 8, lambda f, t, c: (plain(t.id), "dim"), lambda f, t: (0, t.id), from_cells=48),
    Column(
        "title", "title", 0,
        lambda f, t, c: (plain(t.info.title or t.id), "text"), lambda f, t: (0, t.info.title.lower()),
    ),
    Column(
        "phase", "phase", 11,
        lambda f, t, c: (plain(t.info.phase), "dim"), lambda f, t: (0, t.info.phase), from_cells=88,
    ),
    Column(
        "priority", "pr", 3, lambda f, t, c: (fmt.priority(t.life.priority), "dim"),
        lambda f, t: (t.life.priority, ""), numeric=True, descending=True, from_cells=125,
    ),
    Column("epoch", "epoch", 9, _epoch, lambda f, t: (t.epochs_done, ""), numeric=True, descending=True),
    Column("loss", "loss", 7, _loss, lambda f, t: _number(t.headline), numeric=True),
    Column("val", "val", 7, _val, lambda f, t: _number(t.validation), numeric=True, from_cells=56),
    Column("curve", "curve", 7, _curve, lambda f, t: _number(_slope(t)), from_cells=64),
    Column("eta", "ETA", 10, _eta, lambda f, t: _number(f.finish_ts(t)), numeric=True, from_cells=40),
)  # fmt: skip


def _slope(task: TaskState) -> float | None:
    """Last over first loss: what falls most comes first."""
    curve = task.progress.curve if task.progress else ()
    return curve[-1][1] / curve[0][1] if curve and curve[0][1] else None


def widths(cells: int) -> list[tuple[Column, int]]:
    """Return the columns that fit in a list of this width, with their cells; one space goes between two of them."""
    wide = {"state": 9, "curve": 12} if cells >= 100 else {}
    roomy = {"state": 11, "curve": 20} if cells >= 125 else {}
    shown = [(c, roomy.get(c.name, wide.get(c.name, c.cells))) for c in COLUMNS if cells >= c.from_cells]
    fixed = sum(width for _, width in shown) + len(shown) - 1
    return [(column, width or max(cells - fixed, 4)) for column, width in shown]
