"""Answers that compare configurations: the values of a setting, and architectures.

Compared are last values of tasks that ended at one and the same epoch, in pairs that differ in one setting alone; what
seeds alone change stands beside every difference. The difference of two single seeds has itself a standard deviation of
sqrt(2) times the spread.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from cqltui.algorithms.base import settings_title
from cqltui.algorithms.base import told as as_json
from cqltui.campaign.model import TaskSpec
from cqltui.judging.outcomes import Answer, Left, Params, Scope, average, by_configuration, deviation, rank
from cqltui.judging.spread import Kept, Spread, kept_of, spread_at
from cqltui.judging.wording import (
    architecture_of,
    architecture_title,
    configuration_title,
    difference_text,
    finite,
    others,
    rows_of,
    shown,
)

MOST_PAIRED = 6
"""Of more values of a setting only neighbours are paired."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What can be compared: finite last values of tasks that ended at one epoch."""

    epoch: int
    runs: tuple[tuple[TaskSpec, float], ...]
    left_out: str
    """Which tasks are not compared, and why; empty if all are."""

    def by(self, setting: str) -> dict[Any, dict[str, float]]:
        """Value of the setting -> what else was set -> the last value, in the order of the file."""
        found: dict[Any, dict[str, float]] = {}
        for task, value in self.runs:
            found.setdefault(getattr(task.trainer, setting), {})[others(task, setting)] = value
        return found

    @property
    def first(self) -> TaskSpec:
        """The first of the tasks."""
        return self.runs[0][0]


def ended_at(task: TaskSpec, left: Left, params: Params) -> Kept:
    """Of `setting` and `architectures`: the metric's last value, and of a seed its curve."""
    return kept_of(task, left, params["metric"], params["seeds_from"])


def _measured(scope: Scope) -> Measured | None:
    found: list[tuple[Kept, TaskSpec]] = [(kept, outcome.task) for kept, outcome in scope.figures()]
    runs = [(task, kept.last, kept.last_epoch) for kept, task in found if kept.last is not None]
    numbers = [(task, value, epoch) for task, value, epoch in runs if math.isfinite(value)]
    if not numbers:
        return None
    counts = Counter(epoch for _, _, epoch in numbers)
    epoch = max(counts, key=lambda each: (counts[each], each))
    diverged, elsewhere = len(runs) - len(numbers), len(numbers) - counts[epoch]
    why = [f"{diverged} that diverged"] * (diverged > 0) + [f"{elsewhere} of other epochs"] * (elsewhere > 0)
    compared = tuple((task, value) for task, value, at in numbers if at == epoch)
    return Measured(epoch, compared, f"left out: {' and '.join(why)}" if why else "")


@dataclass(frozen=True, slots=True)
class Yardstick:
    """The spread over seeds that differences are compared with, or why there is none."""

    said: str
    spread: Spread | None = None
    configuration: str = ""
    architecture: tuple[int, ...] = ()

    def times(self, difference: float) -> float | None:
        """Return the difference in units of the spread."""
        return finite(difference / self.spread.value) if self.spread is not None and self.spread.value else None

    def shown(self, difference: float) -> str:
        """Return the difference, and in units of the spread: `+0.0012 (+1.7)`."""
        units = self.times(difference)
        return f"{difference:+.4f}" + ("" if units is None else f" ({units:+.1f})")

    def to_json(self) -> dict[str, Any] | None:
        """Return the spread, or None."""
        if self.spread is None:
            return None
        told = {"value": finite(self.spread.value), "seeds": self.spread.seeds, "epoch": self.spread.epoch}
        return {**told, "configuration": self.configuration}


def _yardstick(scope: Scope, phase: str, metric: str, epoch: int) -> Yardstick:
    """Return the largest spread of the phase's repeated configurations."""
    if not phase:
        return Yardstick("the spread over seeds is not known: seeds_from names no phase")
    tasks = [outcome.task for outcome in scope.outcomes.get(phase, ())]
    architecture = architecture_of(tasks[0].algorithm, tasks[0].trainer) if tasks else ()
    groups = by_configuration(scope.figures(phase))
    spreads = {config: spread for config, its in groups.items() if (spread := spread_at(its, epoch)) is not None}
    if not spreads:
        said = f"the spread over seeds is not known: phase {phase} has no two {metric} of epoch {epoch:,}"
        return Yardstick(said, architecture=architecture)
    config, spread = max(spreads.items(), key=lambda each: each[1].value)
    title = configuration_title(tasks[0].algorithm, config)
    said = f"spread over {spread.seeds} seeds of {title} {spread.value:.4f} (at epoch {spread.epoch:,})"
    return Yardstick(said, spread, title, architecture_of(tasks[0].algorithm, config))


def setting(scope: Scope, params: Params) -> Answer:
    """Tell a metric by the values of a setting, and the differences between tasks that differ in it alone."""
    name, metric = params["setting"], params["metric"]
    measured = _measured(scope)
    if measured is None:
        return Answer((f"{metric} was measured of no task",))
    values = measured.by(name)
    if len(values) < 2:
        return Answer((f"the tasks that ended at epoch {measured.epoch:,} have one {name} only",))
    titles = {_value(task, name): settings_title({name: _value(task, name)}) for task, _ in measured.runs}
    algorithm = measured.first.algorithm
    note = [algorithm.scale_note] if name == algorithm.scale else []
    head = "; ".join(
        [f"{rows_of(algorithm, metric)} at epoch {measured.epoch:,}", *note, *filter(None, [measured.left_out])]
    )
    lines, told = [head], []
    for value, runs in values.items():
        ranked = sorted(runs.values(), key=lambda each: rank(each, metric))
        best, mean, worst = ranked[0], average(ranked), ranked[-1]
        lines.append(f"{titles[value]}: best {best:.4f}, mean {mean:.4f}, worst {worst:.4f} ({_tasks(len(ranked))})")
        told.append({"value": as_json(value), "tasks": len(ranked), "best": best, "mean": finite(mean), "worst": worst})
    yardstick = _yardstick(scope, params["seeds_from"], metric, measured.epoch)
    pairs = combinations(values, 2) if len(values) <= MOST_PAIRED else pairwise(values)
    compared, said = [], []
    for one, other in pairs:
        differences = _differences(values[one], values[other])
        if not differences:
            continue
        mean = average(differences)
        said.append(f"{titles[other]} minus {titles[one]} {difference_text(differences)}{_units(yardstick, mean)}")
        compared.append(
            {"from": as_json(one), "to": as_json(other), **_difference(differences), "spreads": yardstick.times(mean)}
        )
    if said:
        lines.append(f"pairs that differ in {name} alone: {'; '.join(said)}")
    else:
        lines.append(f"no two tasks differ in {name} alone")
    lines.append(yardstick.said)
    figures = {"setting": name, "metric": metric, "epoch": measured.epoch, "values": told, "pairs": compared}
    return Answer(tuple(lines), {**figures, "spread": yardstick.to_json()})


def _value(task: TaskSpec, name: str) -> Any:
    return getattr(task.trainer, name)


def _units(yardstick: Yardstick, difference: float) -> str:
    units = yardstick.times(difference)
    return "" if units is None else f", {units:+.1f} spreads"


def _tasks(count: int) -> str:
    return f"{count} task{'s' if count > 1 else ''}"


def _differences(one: Mapping[str, float], other: Mapping[str, float]) -> list[float]:
    """Return other minus one, of what was trained with both and is equal else."""
    return [other[key] - value for key, value in one.items() if key in other]


def _difference(differences: Sequence[float]) -> dict[str, Any]:
    return {
        "pairs": len(differences),
        "difference": finite(average(differences)),
        "deviation": finite(deviation(differences)) if len(differences) > 1 else None,
    }


Widths = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """The architectures of a phase."""

    measured: Measured
    values: Mapping[Widths, Mapping[str, float]]
    """Architecture -> what else was set -> the metric's last value."""
    params: Mapping[Widths, int]
    """Trainable parameters."""
    metric: str
    yardstick: Yardstick

    def between(self, one: Widths, other: Widths) -> list[float]:
        """Return the differences of tasks that differ in the architecture alone: other minus one."""
        return _differences(self.values.get(one, {}), self.values.get(other, {}))

    def tasks(self, widths: Widths) -> list[TaskSpec]:
        """Return the tasks of an architecture."""
        return [task for task, _ in self.measured.runs if architecture_of(task.algorithm, task.trainer) == widths]

    def title(self, widths: Widths) -> str:
        """Return `[256, 128] (44,100 parameters)`."""
        return f"{architecture_title(widths)} ({self.params[widths]:,} parameters)"


def architectures(scope: Scope, params: Params) -> Answer:
    """Tell the architectures with their parameters, and how they differ by what is to be compared."""
    measured, metric = _measured(scope), params["metric"]
    if measured is None:
        return Answer((f"{metric} was measured of no task",))
    algorithm = measured.first.algorithm
    if not algorithm.architecture:
        return Answer((f"algorithm {algorithm.name} has no architectures",))
    yardstick = _yardstick(scope, params["seeds_from"], metric, measured.epoch)
    sizes = {
        _value(task, algorithm.architecture): task.algorithm.quantity(task.trainer, scope.state_dim, 0).params
        for task, _ in measured.runs
    }
    field = Field(measured, measured.by(algorithm.architecture), sizes, metric, yardstick)
    wanted = tuple(params["reference"]) or yardstick.architecture or next(iter(field.values))
    reference = wanted if wanted in field.values else next(iter(field.values))
    told = [_architecture(field, widths, reference) for widths in field.values]
    levels = {getattr(task.trainer, algorithm.scale, None) for task, _ in measured.runs}
    notes = [algorithm.scale_note] if len(levels) > 1 else []
    if wanted != reference:
        notes.append(f"no task of the phase has the reference {architecture_title(wanted)}")
    notes += filter(None, [measured.left_out])
    units = "" if yardstick.spread is None else "; differences in units of it in brackets"
    lines = ["; ".join([f"{rows_of(algorithm, metric)} at epoch {measured.epoch:,}, {yardstick.said}{units}", *notes])]
    figures: dict[str, Any] = {"metric": metric, "epoch": measured.epoch, "reference": list(reference)}
    figures |= {"architectures": told, "spread": yardstick.to_json()}
    for comparison in params["compare"]:
        if comparison == "reference":
            lines += _reference_lines(field, told, reference)
        elif comparison == "best":
            said, figures["best"] = _best(field, told)
            lines.append(said)
        else:
            said, figures[comparison] = _steps(field, comparison)
            lines.append(said)
    return Answer(tuple(lines), figures)


def _architecture(field: Field, widths: Widths, reference: Widths) -> dict[str, Any]:
    values = [*field.values[widths].values()]
    differences = [] if widths == reference else field.between(reference, widths)
    mean = average(differences) if differences else 0.0 if widths == reference else None
    return {
        "architecture": list(widths),
        "params": field.params[widths],
        "tasks": len(values),
        "seeds": len({task.trainer.seed for task in field.tasks(widths)}),
        "mean": finite(average(values)),
        "pairs": len(differences),
        "difference": finite(mean),
        "spreads": None if mean is None else field.yardstick.times(mean),
    }


def _reference_lines(field: Field, told: Sequence[Mapping[str, Any]], reference: Widths) -> list[str]:
    lines = []
    for each, widths in zip(told, field.values, strict=True):
        if widths == reference:
            against = "the reference"
        elif each["difference"] is None:
            against = f"no task differs from one of {architecture_title(reference)} in the architecture alone"
        else:
            pairs = f"{each['pairs']} pair{'s' if each['pairs'] > 1 else ''}"
            against = f"{field.yardstick.shown(each['difference'])} to the reference, {pairs}"
        counts = f"{_tasks(each['tasks'])}, {each['seeds']} seed{'s' if each['seeds'] > 1 else ''}"
        lines.append(f"{field.title(widths)}: mean {shown(each['mean'])} ({counts}), {against}")
    return lines


def _best(field: Field, told: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, Any] | None]:
    """Tell which architectures are within the spread over seeds of the best, by their differences to the reference."""
    known = {tuple(each["architecture"]): each["difference"] for each in told if each["difference"] is not None}
    if len(known) < 2:
        return "no two architectures can be compared: their tasks differ in other settings too", None
    best = min(known, key=lambda widths: rank(known[widths], field.metric))
    spread = field.yardstick.spread
    if spread is None:
        return f"the best: {field.title(best)}", {"best": list(best), "within": None, "smallest": None}
    within = [widths for widths, value in known.items() if abs(value - known[best]) <= spread.value]
    within.sort(key=lambda widths: field.params[widths])
    said = ", ".join(f"{field.title(widths)} {known[widths] - known[best]:+.4f}" for widths in within)
    return (
        f"within the spread of the best, {architecture_title(best)}: {said}; the smallest of them: "
        f"{field.title(within[0])}",
        {"best": list(best), "within": [list(widths) for widths in within], "smallest": list(within[0])},
    )


def _steps(field: Field, comparison: str) -> tuple[str, dict[str, Any] | None]:
    """Tell what a step from one architecture to another changes: one more layer, or the next larger of equal depth."""
    steps = [*(_deeper(field) if comparison == "depth" else _wider(field))]
    what = "one more layer" if comparison == "depth" else "wider, of equal depth"
    found = [(one, other, differences) for one, other in steps if (differences := field.between(one, other))]
    if not found:
        return f"{what}: no two tasks differ by that alone", None
    said = [
        f"{architecture_title(one)} to {architecture_title(other)} {field.yardstick.shown(average(differences))}"
        for one, other, differences in found
    ]
    every = [difference for _, _, differences in found for difference in differences]
    pairs = [
        {"from": list(one), "to": list(other), **_difference(its), "spreads": field.yardstick.times(average(its))}
        for one, other, its in found
    ]
    mean = average(every)
    return (
        f"{what}: {difference_text(every)}{_units(field.yardstick, mean)}; {', '.join(said)}",
        {"steps": pairs, **_difference(every), "spreads": field.yardstick.times(mean)},
    )


def _deeper(field: Field) -> Iterable[tuple[Widths, Widths]]:
    """Yield (one, the same with a layer after its last)."""
    return ((widths[:-1], widths) for widths in field.values if widths[:-1] in field.values)


def _wider(field: Field) -> Iterable[tuple[Widths, Widths]]:
    """Yield neighbours by size among those of equal depth."""
    for depth in dict.fromkeys(map(len, field.values)):
        alike = [widths for widths in field.values if len(widths) == depth]
        yield from pairwise(sorted(alike, key=lambda widths: field.params[widths]))
