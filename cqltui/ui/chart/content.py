"""What a chart is of: the task, the marked tasks or the group that is looked at, and what is known of them."""

from array import array
from collections.abc import Sequence
from enum import StrEnum
from math import isfinite

from msgspec import Struct

from cqltui.algorithms.base import Algorithm, Metric
from cqltui.results.curves import CurvesRead, CurveSubject, CurveWish
from cqltui.state.curve import MEMBERS, Band, Curve, band, curve, evenly
from cqltui.state.model import Status, TaskState
from cqltui.state.plain import plain
from cqltui.state.varying import told_apart
from cqltui.ui import format as fmt
from cqltui.ui.chart.model import LINES, Chart, Series
from cqltui.ui.frame import Frame

TITLE_CELLS = 60


class Rows(StrEnum):
    """Whose rows a metric is computed on."""

    BOTH = "both"
    """Of one task; of several the training rows."""
    TRAINING = "training"
    VALIDATION = "validation"


class Choice(Struct, frozen=True):
    """A metric on its training and its validation rows."""

    metric: Metric
    validation: Metric | None = None

    @property
    def title(self) -> str:
        """What people call it, with its unit."""
        return f"{self.metric.label}, {self.metric.unit}" if self.metric.unit else self.metric.label


def choices(algorithm: Algorithm) -> list[Choice]:
    """Return the metrics that can be looked at, the headline first."""
    found = [Choice(pair[0], pair[1] if len(pair) > 1 else None) for pair in algorithm.pairs()]
    shown = {metric.name for each in found for metric in (each.metric, each.validation) if metric is not None}
    found += [Choice(metric) for metric in algorithm.metrics if metric.name not in shown]
    return sorted(found, key=lambda each: each.metric.name != algorithm.headline)


class Look(Struct, frozen=True):
    """What is looked at."""

    tasks: tuple[TaskState, ...] = ()
    total: int = 0
    """Of these so many were chosen."""
    together: bool = False
    """Whether they are a group, of which the median is shown."""

    def rows(self, wanted: Rows) -> Rows:
        """Return what is drawn of them: of several tasks one curve each."""
        return Rows.TRAINING if wanted is Rows.BOTH and self.total > 1 else wanted


def looked_at(frame: Frame) -> Look:
    """Return the marked tasks, else the folded group under the cursor, else the task there."""
    chosen, known = frame.chosen, frame.state.tasks
    if chosen.marked:
        tasks = [known[task_id] for task_id in chosen.marked if task_id in known]
        return Look(tuple(tasks[:LINES]), len(tasks))
    if len(chosen.group) > 1:
        members = [known[task_id] for task_id in evenly(chosen.group, MEMBERS) if task_id in known]
        return Look(tuple(members), len(chosen.group), together=True)
    return Look((frame.task,), 1) if frame.task is not None else Look()


def wish(look: Look, shown: Sequence[Choice], rows: Rows, viewer: int) -> CurveWish:
    """Return what has to be read."""
    names = [metric.name for choice in shown for metric in _metrics(look, choice, rows)]
    if look.total == 1:
        names.append(look.tasks[0].algorithm.validation)
    subjects = tuple(
        CurveSubject(
            task.id,
            task.life.run,
            told.token,
            published=task.status is Status.DONE,
            epochs=0 if task.status in (Status.RUNNING, Status.DONE) else told.epoch,
        )
        for task in look.tasks
        if (told := task.progress) is not None and told.token
    )
    return CurveWish(subjects, tuple(dict.fromkeys(names)), look.together, viewer)


def chart_of(look: Look, choice: Choice, rows: Rows, read: CurvesRead | None) -> Chart:
    """Return the chart. `read` None: it is being read."""
    if not look.tasks:
        return Chart(notes=("No task is chosen.",))
    metrics = _metrics(look, choice, rows)
    if look.together and (common := _band(look, metrics[0], read)) is not None:
        return Chart(band=common, loss=choice.metric.loss, notes=_fewer(common.members, look.total))
    several, id_cells = look.total > 1, told_apart([task.id for task in look.tasks])
    series: list[Series] = []
    for task in look.tasks[:LINES]:
        for metric in metrics:
            place = len(series)
            name = _named(task, id_cells) if several else metric.kind if metric.kind != "speed" else metric.label
            style = place if several or metric.kind != "validation" else 1
            series.append(Series(name, _curve(task, metric, read), style, place + 1 if several else 0))
    if not any(len(each.curve) > 1 for each in series):
        return Chart(notes=(_why_not(look, choice, read),))
    headline = choice.metric.name == look.tasks[0].algorithm.headline
    return Chart(
        tuple(each for each in series if several or len(each.curve)),
        loss=choice.metric.loss,
        baseline=_baseline(look) if headline else None,
        best=None if several else _best(look.tasks[0], series, read),
        notes=(f"and {look.total - LINES} more",) if look.total > LINES and not look.together else (),
    )


def _metrics(look: Look, choice: Choice, rows: Rows) -> tuple[Metric, ...]:
    """Return the metrics that are drawn; of what is computed on training rows alone that, whatever is wanted."""
    wanted = look.rows(rows)
    if choice.validation is None or wanted is Rows.TRAINING:
        return (choice.metric,)
    return (choice.validation,) if wanted is Rows.VALIDATION else (choice.metric, choice.validation)


def _curve(task: TaskState, metric: Metric, read: CurvesRead | None) -> Curve:
    """Return what the task's file says, else what its reports have told, with the latest of these at the end."""
    told = task.progress
    line = read.curves.get((task.id, metric.name)) if read is not None else None
    if line is None:
        line = Curve()
        if told is not None and metric.name == task.algorithm.headline:
            line = curve(array("q", [at for at, _ in told.curve]), array("d", [value for _, value in told.curve]))
    if told is not None and len(line) and metric.kind != "validation" and task.status is Status.RUNNING:
        value = told.metrics.get(metric.name)
        line = line if value is None else line.followed(told.epoch, value)
    return line


def _band(look: Look, metric: Metric, read: CurvesRead | None) -> Band | None:
    found = read.bands.get(metric.name) if read is not None else None
    return found or band([_curve(task, metric, read) for task in look.tasks])


def _fewer(members: int, total: int) -> tuple[str, ...]:
    return (f"of {members} of {total} tasks",) if members < total else (f"of {total} tasks",)


def _named(task: TaskState, id_cells: int) -> str:
    return f"{plain(task.id)[:id_cells]} {plain(task.info.title, TITLE_CELLS)}".rstrip()


def _baseline(look: Look) -> float | None:
    """Return the baseline that all tasks have in common."""
    found = {task.info.baseline_loss for task in look.tasks}
    return found.pop() if len(found) == 1 else None


def _best(task: TaskState, series: list[Series], read: CurvesRead | None) -> tuple[int, float, str] | None:
    """Return the epoch of the best validation, where it lies in this chart, and what is said of it."""
    algorithm = task.algorithm
    line = read.curves.get((task.id, algorithm.validation)) if read is not None else None
    best = line.best(highest=algorithm.is_higher_better(algorithm.validation)) if line is not None else None
    if best is None:
        return None
    epoch, value = best
    for each in reversed(series):
        if (here := each.curve.at(epoch)) is not None and here[0] == epoch and isfinite(here[1]):
            said = f"best {algorithm.label(algorithm.validation)} {fmt.number(value)} at epoch {fmt.count(epoch)}"
            return epoch, here[1], said
    return None


def _why_not(look: Look, choice: Choice, read: CurvesRead | None) -> str:
    if all(task.progress is None or task.progress.epoch < 2 for task in look.tasks):
        return "The curve appears after two epochs."
    if read is None:
        return "Reading the metrics."
    return f"No values of {choice.metric.label} are known here."
