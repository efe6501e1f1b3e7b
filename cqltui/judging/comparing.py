"""Answers that compare configurations: the values of a setting, and architectures.

Compared are last values of tasks that ended at one and the same epoch, in pairs that differ in one setting alone; what
seeds alone change stands beside every difference. The difference of two single seeds has itself a standard deviation of
sqrt(2) times the spread.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

from msgspec import Struct

from cqltui.algorithms.base import settings_title
from cqltui.algorithms.base import told as as_json
from cqltui.campaign.model import TaskSpec
from cqltui.judging.outcomes import Answer, Left, Params, Scope, average, by_configuration, deviation, rank
from cqltui.judging.spread import Kept, Spread, kept_of, spread_at
from cqltui.judging.wording import (
    architecture_of,
    configuration_title,
    difference_text,
    finite,
    others,
    rows_of,
)

MOST_PAIRED = 6
"""Of more values of a setting only neighbours are paired."""


class Measured(Struct, frozen=True):
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


def measured_of(scope: Scope) -> Measured | None:
    """Return what can be compared of the phase that asks, or None where nothing was measured."""
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


class Yardstick(Struct, frozen=True):
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


def yardstick_of(scope: Scope, phase: str, metric: str, epoch: int) -> Yardstick:
    """Return the largest spread of the phase's repeated configurations."""
    if not phase:
        return Yardstick("the spread over seeds is not known: seeds_from names no phase")
    tasks = [outcome.task for outcome in scope.outcomes.get(phase, ())]
    architecture = architecture_of(tasks[0].algorithm, tasks[0].trainer) if tasks else ()
    groups = by_configuration(scope.figures(phase))
    spreads = {config: spread for config, its in groups.items() if (spread := spread_at(its, epoch)) is not None}
    if not spreads:
        said = f"the spread over seeds is not known: no two seeds of phase {phase} have a {metric} at epoch {epoch:,}"
        return Yardstick(said, architecture=architecture)
    config, spread = max(spreads.items(), key=lambda each: each[1].value)
    title = configuration_title(tasks[0].algorithm, config)
    said = f"spread over {spread.seeds} seeds of {title} {spread.value:.4f} (at epoch {spread.epoch:,})"
    return Yardstick(said, spread, title, architecture_of(tasks[0].algorithm, config))


def setting(scope: Scope, params: Params) -> Answer:
    """Tell a metric by the values of a setting, and the differences between tasks that differ in it alone."""
    name, metric = params["setting"], params["metric"]
    measured = measured_of(scope)
    if measured is None:
        return Answer((f"{metric} was measured of no task",))
    values = measured.by(name)
    if len(values) < 2:
        return Answer((f"the tasks that ended at epoch {measured.epoch:,} have one {name} only",))
    titles = {value_of(task, name): settings_title({name: value_of(task, name)}) for task, _ in measured.runs}
    algorithm = measured.first.algorithm
    note = [algorithm.scale_note] if name == algorithm.scale else []
    head = "; ".join(
        [f"{rows_of(algorithm, metric)} at epoch {measured.epoch:,}", *note, *filter(None, [measured.left_out])]
    )
    lines, told = [head], []
    for value, runs in values.items():
        ranked = sorted(runs.values(), key=lambda each: rank(each, metric))
        best, mean, worst = ranked[0], average(ranked), ranked[-1]
        counted = f"best {best:.4f}, mean {mean:.4f}, worst {worst:.4f} ({tasks_text(len(ranked))})"
        lines.append(f"{titles[value]}: {counted}")
        told.append({"value": as_json(value), "tasks": len(ranked), "best": best, "mean": finite(mean), "worst": worst})
    yardstick = yardstick_of(scope, params["seeds_from"], metric, measured.epoch)
    pairs = combinations(values, 2) if len(values) <= MOST_PAIRED else pairwise(values)
    compared, said = [], []
    for one, other in pairs:
        differences = differences_of(values[one], values[other])
        if not differences:
            continue
        mean = average(differences)
        said.append(f"{titles[other]} minus {titles[one]} {difference_text(differences)}{units_text(yardstick, mean)}")
        compared.append({"from": as_json(one), "to": as_json(other), **difference_figures(differences, yardstick)})
    if said:
        lines.append(f"pairs that differ in {name} alone: {'; '.join(said)}")
    else:
        lines.append(f"no two tasks differ in {name} alone")
    lines.append(yardstick.said)
    figures = {"setting": name, "metric": metric, "epoch": measured.epoch, "values": told, "pairs": compared}
    return Answer(tuple(lines), {**figures, "spread": yardstick.to_json()})


def value_of(task: TaskSpec, name: str) -> Any:
    """Return the task's value of a setting."""
    return getattr(task.trainer, name)


def units_text(yardstick: Yardstick, difference: float) -> str:
    """Return `, +1.7 spreads`, or nothing where no spread is known."""
    units = yardstick.times(difference)
    return "" if units is None else f", {units:+.1f} spreads"


def tasks_text(count: int) -> str:
    """Return `3 tasks`."""
    return f"{count} task{'s' if count > 1 else ''}"


def differences_of(one: Mapping[str, float], other: Mapping[str, float]) -> list[float]:
    """Return other minus one, of what was trained with both and is equal otherwise."""
    return [other[key] - value for key, value in one.items() if key in other]


def difference_figures(differences: Sequence[float], yardstick: Yardstick) -> dict[str, Any]:
    """Return the mean difference, how far the pairs lie apart, and the mean in units of the spread over seeds."""
    mean = average(differences)
    return {
        "pairs": len(differences),
        "difference": finite(mean),
        "deviation": finite(deviation(differences)) if len(differences) > 1 else None,
        "spreads": yardstick.times(mean),
    }
