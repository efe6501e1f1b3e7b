"""The columns of the task list: what each shows of a task and of a folded row, and how it sorts."""

from collections.abc import Callable, Hashable
from math import isnan
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from cqltui.algorithms import ALGORITHMS
from cqltui.algorithms.base import Setting
from cqltui.state.model import Status, TaskState
from cqltui.state.plain import plain
from cqltui.state.select import duration_s
from cqltui.state.varying import ID_CELLS, Varying, value_key, value_text
from cqltui.ui import format as fmt
from cqltui.ui.figures import ACTIVITY, Figures, Spread, same_setting
from cqltui.ui.frame import Frame
from cqltui.ui.line import Span
from cqltui.ui.spark import bar, loss_values, spark

LETTERS = {
    Status.RUNNING: "R", Status.QUEUED: "Q", Status.DELAYED: "W", Status.PAUSED: "P",
    Status.DONE: "D", Status.DEAD: "X", Status.CANCELLED: "C", Status.WITHDRAWN: "-",
}  # fmt: skip
"""State by letter as well as by colour; W waits for its retry."""
NEVER = 100
"""The rank of a column that is shown only where it was chosen."""
SortKey = tuple[Any, ...] | None
"""None goes last, whichever way is sorted."""


def _blank(frame: Frame, group: Figures, cells: int) -> Span:
    return "", "faint"


class Column(Struct, frozen=True):
    """One column. `cells` 0 takes what is left."""

    name: str
    title: str
    cells: int
    text: Callable[[Frame, TaskState, int], Span]
    sort: Callable[[Frame, TaskState], SortKey]
    group: Callable[[Frame, Figures, int], Span] = _blank
    """What a folded row shows."""
    group_sort: Callable[[Frame, Figures], SortKey] | None = None
    """None: as the task that stands for the row."""
    about: str = ""
    """What it is, for whoever chooses columns."""
    numeric: bool = False
    """Aligned right."""
    descending: bool = False
    rank: int = NEVER
    """Where there is not room for all, those of the lowest rank are shown; 0 always."""
    live: bool = False
    """Whether it changes while a task only trains."""

    def sort_of(self, frame: Frame, row: TaskState | Figures) -> SortKey:
        """Return what a row of either kind sorts by."""
        if isinstance(row, TaskState):
            return self.sort(frame, row)
        return self.group_sort(frame, row) if self.group_sort else self.sort(frame, row.first)


STALLED = "S"
"""It runs, and has said nothing new for long."""


def _state(frame: Frame, task: TaskState, cells: int) -> Span:
    if frame.stalled(task):
        return (STALLED if cells < 4 else f"{STALLED} stalled"), "warning"
    letter = LETTERS[task.status]
    return (letter if cells < 4 else f"{letter} {task.status}"), str(task.status)


def _states(frame: Frame, group: Figures, cells: int) -> Span:
    counts = [f"{number}{LETTERS[status]}" for status, number in group.states]
    spaced = " ".join(counts)
    return (spaced if len(spaced) <= cells else "".join(counts)), str(group.states[0][0])


def _epoch(frame: Frame, task: TaskState, cells: int) -> Span:
    done, total = task.epochs_done, task.info.epochs
    if not done and task.status is Status.QUEUED:
        return f"{total}", "faint"
    return f"{done}/{total}", "text" if task.status is Status.RUNNING else "dim"


def _metric(value: float | None, status: Status) -> Span:
    role = "faint" if value is None else "strong" if status is Status.RUNNING else "text"
    return (fmt.number(value) if value is not None else ""), role


def _spread(found: Spread | None, cells: int) -> Span:
    if found is None:
        return "", "faint"
    mean = fmt.number(found.mean)
    with_spread = mean if found.deviation is None else f"{mean} ±{_deviation(found.deviation)}"
    return (with_spread if len(with_spread) <= cells else mean), "text"


def _deviation(value: float) -> str:
    """Return a deviation with the decimals of the mean before it, as long as these show any of it."""
    return f"{value:.4f}" if 5e-5 <= value < 1e-3 else fmt.number(value)


def _mean(found: Spread | None) -> SortKey:
    return _number(found.mean if found else None)


def _curve(frame: Frame, task: TaskState, cells: int) -> Span:
    if task.progress is None:
        return "", "faint"
    values = loss_values([loss for _, loss in task.progress.curve])
    return spark(values, cells), "accent" if task.status is Status.RUNNING else "faint"


def _slope(task: TaskState) -> float | None:
    """Last over first loss: what falls most comes first."""
    curve = task.progress.curve if task.progress else ()
    return curve[-1][1] / curve[0][1] if curve and curve[0][1] else None


def _bar(fraction: float, cells: int) -> str:
    filled, rest = bar(fraction, cells)
    return filled + "─" * len(rest)


def _eta(frame: Frame, task: TaskState, cells: int) -> Span:
    if task.life.finished_ts:
        return fmt.clock(task.life.finished_ts, frame.now), "dim"
    finish_ts = frame.finish_ts(task)
    return (f"~{fmt.clock(finish_ts, frame.now)}", "text") if finish_ts else ("", "faint")


def _group_eta(frame: Frame, group: Figures, cells: int) -> Span:
    if not group.finish_ts:
        return "", "faint"
    return f"{'' if group.ended else '~'}{fmt.clock(group.finish_ts, frame.now)}", "dim" if group.ended else "text"


def _duration(seconds: float | None) -> Span:
    return ("" if seconds is None else fmt.duration(seconds)), "dim"


def _priorities(frame: Frame, group: Figures, cells: int) -> Span:
    low, high = map(fmt.priority, group.priorities)
    return (low if low == high else f"{low}..{high}"), "dim"


def _workers(frame: Frame, group: Figures, cells: int) -> Span:
    few = len(group.workers) == 1
    return plain(group.workers[0]) if few else f"{len(group.workers)}" if group.workers else "", "dim"


def _attempt(task: TaskState) -> str:
    """Return the number of the attempt; behind that of the run, where it was submitted again."""
    life = task.life
    return "" if not life.attempt else f"{life.attempt}" if life.run == 1 else f"{life.run}.{life.attempt}"


def _number(value: float | None) -> SortKey:
    return None if value is None or isnan(value) else (value,)


COLUMNS = (
    Column(
        "state", "S", 1, _state, lambda f, t: (ACTIVITY.index(t.status),), _states, about="state, by letter", rank=0,
    ),
    Column(
        "id", "id", ID_CELLS, lambda f, t, c: (plain(t.id)[:c], "dim"), lambda f, t: (t.id,),
        lambda f, g, c: (f"{len(g.members)} tasks", "dim"), lambda f, g: (g.first.id,), rank=20,
    ),
    Column(
        "title", "title", 0,
        lambda f, t, c: (plain(t.info.title or t.id), "text"), lambda f, t: (t.info.title.lower(),), rank=0,
    ),
    Column(
        "phase", "phase", 11,
        lambda f, t, c: (plain(t.info.phase), "dim"), lambda f, t: (t.info.phase,),
        lambda f, g, c: (plain(g.first.info.phase), "dim") if _same_phase(g) else ("", "faint"), rank=60,
    ),
    Column(
        "priority", "pr", 3, lambda f, t, c: (fmt.priority(t.life.priority), "dim"), lambda f, t: (t.life.priority,),
        _priorities, lambda f, g: (g.priorities[1],), "priority", numeric=True, descending=True, rank=64,
    ),
    Column(
        "attempt", "try", 3, lambda f, t, c: (_attempt(t), "dim"), lambda f, t: (t.life.run, t.life.attempt),
        lambda f, g, c: (f"{g.attempts}" if g.attempts else "", "dim"), lambda f, g: (1, g.attempts),
        "attempt, with the run before it", numeric=True, descending=True, rank=68,
    ),
    Column(
        "worker", "worker", 8, lambda f, t, c: (plain(t.life.worker), "dim"),
        lambda f, t: (t.life.worker,) if t.life.worker else None, _workers, rank=66,
    ),
    Column(
        "epoch", "epoch", 9, _epoch, lambda f, t: (t.epochs_done,),
        lambda f, g, c: (f"{g.fraction:.0%}", "text"), lambda f, g: (g.epochs_done / len(g.members),),
        "epochs done, of all", numeric=True, descending=True, rank=0, live=True,
    ),
    Column(
        "loss", "loss", 7, lambda f, t, c: _metric(t.headline, t.status), lambda f, t: _number(t.headline),
        lambda f, g, c: _spread(g.loss, c), lambda f, g: _mean(g.loss), "training loss", numeric=True, rank=0,
        live=True,
    ),
    Column(
        "val", "val", 7, lambda f, t, c: _metric(t.validation, t.status), lambda f, t: _number(t.validation),
        lambda f, g, c: _spread(g.validation, c), lambda f, g: _mean(g.validation), "validation", numeric=True,
        rank=30, live=True,
    ),
    Column(
        "best", "best", 7, lambda f, t, c: _metric(t.best, t.status), lambda f, t: _number(t.best),
        lambda f, g, c: _spread(g.best, c), lambda f, g: _mean(g.best), "best validation", numeric=True, rank=50,
        live=True,
    ),
    Column(
        "best_epoch", "at", 5, lambda f, t, c: (f"{t.best_epoch}" if t.best_epoch else "", "dim"),
        lambda f, t: _number(t.best_epoch), about="epoch of the best validation", numeric=True, rank=51, live=True,
    ),
    Column(
        "duration", "time", 7, lambda f, t, c: _duration(duration_s(t, f.as_of)),
        lambda f, t: _number(duration_s(t, f.as_of)), lambda f, g, c: _duration(g.duration_s),
        lambda f, g: _number(g.duration_s), "duration of the run", numeric=True, descending=True, rank=62, live=True,
    ),
    Column(
        "curve", "curve", 7, _curve, lambda f, t: _number(_slope(t)),
        lambda f, g, c: (_bar(g.fraction, c), "accent"), lambda f, g: (1 - g.fraction,), "loss over the epochs",
        rank=40, live=True,
    ),
    Column(
        "eta", "ETA", 10, _eta, lambda f, t: _number(f.finish_ts(t)), _group_eta, lambda f, g: _number(g.finish_ts),
        "when it ends or has ended", numeric=True, rank=10, live=True,
    ),
)  # fmt: skip
"""Of every task. Those of settings that differ are generated."""


def _same_phase(group: Figures) -> bool:
    return all(task.info.phase == group.first.info.phase for task in group.members)


def available(varying: Varying) -> tuple[Column, ...]:
    """Return all columns in their order: behind the title the settings that differ, at the end what else is
    measured."""
    before = next(i for i, column in enumerate(COLUMNS) if column.name == "title") + 1
    settings = (_of_setting(setting, varying.cells(setting.name)) for setting in varying.settings)
    first = (replace(column, cells=varying.id_cells) if column.name == "id" else column for column in COLUMNS[:before])
    return (*first, *settings, *COLUMNS[before:], *METRICS)


def setting_name(name: str) -> str:
    """Return the name of a setting's column."""
    return f"setting.{name}"


def _of_setting(setting: Setting, cells: int) -> Column:
    name = setting.name

    def text(frame: Frame, task: TaskState, cells: int) -> Span:
        settings = task.info.settings
        return plain(value_text(settings[name])) if name in settings else "", "text"

    def sort(frame: Frame, task: TaskState) -> SortKey:
        return _order(value_key(task.info.settings.get(name)))

    return Column(
        setting_name(name),
        name,
        min(max(cells, 4, min(len(name), 8)), 20),
        text,
        sort,
        lambda f, g, c: (plain(same_setting(g.members, name, c)), "text"),
        about=setting.label,
        numeric=setting.read.schema.get("type") in ("number", "integer"),
        rank=52 if setting.prominent else 70,
    )


def _order(value: Hashable) -> SortKey:
    """Numbers before lists before words, whatever stands in one column."""
    if value is None:
        return None
    if isinstance(value, int | float):
        return 0, value
    if isinstance(value, tuple):
        return 1, tuple((isinstance(part, str), part) for part in value)
    return 2, str(value)


def _of_metric(name: str, label: str, higher: bool) -> Column:
    return Column(
        f"metric.{name}",
        name,
        9,
        lambda f, t, c: _metric(t.metric(name), t.status),
        lambda f, t: _number(t.metric(name)),
        about=label,
        numeric=True,
        descending=higher,
        live=True,
    )


METRICS = tuple(
    {
        metric.name: _of_metric(metric.name, metric.label, metric.better == "higher")
        for algorithm in ALGORITHMS.values()
        for metric in algorithm.metrics
        if metric.name not in (algorithm.headline, algorithm.validation)
    }.values()
)
"""What the algorithms measure besides."""
