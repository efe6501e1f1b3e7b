"""Answers of single training runs: how they converge, and the best that they reach."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import accumulate
from typing import Any

from msgspec import Struct

from cqltui.algorithms.base import settings_title
from cqltui.campaign.criteria import HIGHER_IS_BETTER
from cqltui.campaign.model import TaskSpec
from cqltui.judging.outcomes import Answer, Left, Params, Scope, TaskOutcome, rank
from cqltui.judging.wording import NONE, finite, percent, rows_of, shown, task_name

MOST_LINES = 5
"""Of more tasks the median is told, with the range."""
MOST_TOLD = 1000
"""Of more tasks the first ones are among the figures: a hundred thousand would make files that nothing reads."""


class Point(Struct, frozen=True):
    """Where a training run stood after an epoch."""

    epoch: int
    value: float
    validation: float | None
    seconds: float | None
    """Of training until then; the members of a pack spend them together."""


def trajectory_of(task: TaskSpec, left: Left, params: Params) -> dict[int, Point] | None:
    """Of `convergence`: the points of the epochs that are asked for, of the reference and of the last one."""
    rows = left.metrics
    if not rows:
        return None
    wanted = {*params["epochs"], params["reference"], rows[-1].epoch}
    seconds = seconds_after([row.epoch for row in rows], [row.samples_per_s for row in rows], left.seconds)
    return {
        row.epoch: Point(row.epoch, getattr(row, params["metric"]), getattr(row, params["validation"]), after)
        for row, after in zip(rows, seconds, strict=True)
        if row.epoch in wanted
    }


def seconds_after(epochs: Sequence[int], speeds: Sequence[float], whole: float | None) -> Sequence[float | None]:
    """Return the training time after each epoch: epochs have equally many samples, so their speeds divide the whole.
    None where the first epochs are missing, or a speed is none."""
    first_to_last = [*epochs] == [*range(1, len(epochs) + 1)]
    if whole is None or not first_to_last or not all(0 < speed < math.inf for speed in speeds):
        return [None] * len(epochs)
    after = [*accumulate(1 / speed for speed in speeds)]
    return [whole * passed / after[-1] for passed in after]


def convergence(scope: Scope, params: Params) -> Answer:
    """Tell what each task had reached at some epochs, and how much better its last epoch is than the reference."""
    found: list[tuple[dict[int, Point], TaskOutcome]] = scope.figures()
    if not found:
        return Answer(("no task has left the metrics of its epochs",))
    names = (params["metric"], params["validation"])
    reference, longest = params["reference"], max(max(points) for points, _ in found)
    epochs = sorted({*(epoch for epoch in params["epochs"] if epoch <= longest), longest})
    algorithm = found[0][1].task.algorithm
    told = [_told(points, outcome, {*epochs}, reference, names) for points, outcome in found]
    lines = [
        f"{rows_of(algorithm, names[0])} and {rows_of(algorithm, names[1])} at the epochs "
        f"{' / '.join(f'{epoch:,}' for epoch in epochs)}; improvement from epoch {reference:,} to the last; time"
    ]
    if len(told) <= MOST_LINES:
        lines += [_task_line(points, task, epochs, names) for (points, _), task in zip(found, told, strict=True)]
    else:
        lines.append(_median_line([points for points, _ in found], told, epochs, names))
    figures = {"metric": names[0], "validation": names[1], "reference": reference, "epochs": epochs}
    return Answer(tuple(lines), {**figures, "count": len(told), "tasks": told[:MOST_TOLD]})


def _told(
    points: dict[int, Point], outcome: TaskOutcome, epochs: Set[int], reference: int, names: Sequence[str]
) -> dict[str, Any]:
    last = max(points)
    before, end = points.get(reference), points[last]
    gains = {
        names[0]: None if before is None else gain(before.value, end.value, names[0]),
        names[1]: None if before is None else gain(before.validation, end.validation, names[1]),
    }
    return {
        "task": outcome.task.id,
        "title": task_name(outcome),
        "points": [_point(points[epoch]) for epoch in sorted(epochs & points.keys() | {last})],
        "improvement": gains,
    }


def _point(point: Point) -> dict[str, Any]:
    return {
        "epoch": point.epoch,
        "value": finite(point.value),
        "validation": finite(point.validation),
        "seconds": finite(point.seconds),
    }


def gain(before: float | None, end: float | None, metric: str) -> float | None:
    """Return by what share of the earlier value the later one is better: 0.25 is a quarter lower, or higher where that
    is better."""
    if finite(before) is None or finite(end) is None or not before or end is None:
        return None
    better = end - before if metric in HIGHER_IS_BETTER else before - end
    return finite(better / abs(before))


def _task_line(
    points: Mapping[int, Point], told: Mapping[str, Any], epochs: Sequence[int], names: Sequence[str]
) -> str:
    at = [points.get(epoch) for epoch in epochs]
    first = " / ".join(shown(point.value) if point else NONE for point in at)
    second = " / ".join(shown(point.validation) if point else NONE for point in at)
    seconds = " / ".join(shown(point.seconds, ",.0f") if point else NONE for point in at)
    gains = told["improvement"]
    return (
        f"{told['title']}: {names[0]} {first}, {percent(gains[names[0]])}; {names[1]} {second}, "
        f"{percent(gains[names[1]])}; {seconds} s"
    )


def _median_line(
    found: Sequence[Mapping[int, Point]],
    told: Sequence[Mapping[str, Any]],
    epochs: Sequence[int],
    names: Sequence[str],
) -> str:
    at = [[points[epoch] for points in found if epoch in points] for epoch in epochs]
    first = " / ".join(_median([point.value for point in points]) for points in at)
    second = " / ".join(_median([point.validation for point in points]) for points in at)
    seconds = " / ".join(_median([point.seconds for point in points], ",.0f") for points in at)
    gains = [_median([each["improvement"][name] for each in told], "+.1%") for name in names]
    return (
        f"median (range) of {len(found)} tasks: {names[0]} {first}, {gains[0]}; {names[1]} {second}, {gains[1]}; "
        f"{seconds} s"
    )


def _median(values: Iterable[float | None], form: str = ".4f") -> str:
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return NONE
    return f"{statistics.median(known):{form}} ({min(known):{form}} to {max(known):{form}})"


class Reached(Struct, frozen=True):
    """What a training run has reached: (epoch, value) of its last epoch, and of its best."""

    last: tuple[int, float]
    best: tuple[int, float]


def reached_of(task: TaskSpec, left: Left, params: Params) -> Reached | None:
    """Of `best_loss`: the last value of the metric and the best one, the earlier of equal ones."""
    name = params["metric"]
    last, points = left.last(name), left.points(name)
    return None if last is None else Reached(last, min(points, key=lambda point: rank(point[1], name)))


def best_loss(scope: Scope, params: Params) -> Answer:
    """Tell the best value of each level of the algorithm's scale: values of different levels cannot be compared."""
    name = params["metric"]
    found: list[tuple[Reached, TaskOutcome]] = [pair for pair in scope.figures() if math.isfinite(pair[0].best[1])]
    if not found:
        return Answer((f"{name} was measured of no task",))
    algorithm = found[0][1].task.algorithm
    levels: dict[Any, list[tuple[Reached, TaskOutcome]]] = {}
    for reached, outcome in found:
        levels.setdefault(getattr(outcome.task.trainer, algorithm.scale, None), []).append((reached, outcome))
    lines, told = [], []
    for level, group in levels.items():
        last, its = min(group, key=lambda pair: rank(pair[0].last[1], name))
        any_epoch, other = min(group, key=lambda pair: rank(pair[0].best[1], name))
        baseline = its.task.baseline_loss if name == algorithm.headline else None
        against = gain(baseline, last.last[1], name)
        where = f"{settings_title({algorithm.scale: level})}: " if algorithm.scale else ""
        beside = "" if baseline is None else f", baseline {baseline:.4f}, improvement {percent(against)}"
        lines.append(
            f"{where}{name} {shown(last.last[1])} after the last epoch ({last.last[0]:,}), {task_name(its)}{beside}; "
            f"of any epoch {shown(any_epoch.best[1])} ({any_epoch.best[0]:,}), {task_name(other)}"
        )
        told.append(
            {
                **({algorithm.scale: level} if algorithm.scale else {}),
                "last": _entry(last.last, its),
                "any": _entry(any_epoch.best, other),
                "baseline": baseline,
                "improvement": against,
            }
        )
    note = [algorithm.scale_note] if len(levels) > 1 else []
    lines.insert(0, "; ".join([f"best {rows_of(algorithm, name)}", *note]))
    return Answer(tuple(lines), {"metric": name, "best": told})


def _entry(at: tuple[int, float], outcome: TaskOutcome) -> dict[str, Any]:
    return {"value": finite(at[1]), "epoch": at[0], "task": outcome.task.id, "title": task_name(outcome)}
