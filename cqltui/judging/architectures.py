"""The answer that compares architectures: with their parameters, to a reference, by depth and by width."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from cqltui.campaign.model import TaskSpec
from cqltui.judging.comparing import (
    Measured,
    Yardstick,
    difference_figures,
    differences_of,
    measured_of,
    tasks_text,
    units_text,
    value_of,
    yardstick_of,
)
from cqltui.judging.outcomes import Answer, Params, Scope, average, rank
from cqltui.judging.wording import (
    architecture_of,
    architecture_title,
    difference_text,
    finite,
    rows_of,
    shown,
)

Widths = tuple[int, ...]


class Field(Struct, frozen=True):
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
        return differences_of(self.values.get(one, {}), self.values.get(other, {}))

    def tasks(self, widths: Widths) -> list[TaskSpec]:
        """Return the tasks of an architecture."""
        return [task for task, _ in self.measured.runs if architecture_of(task.algorithm, task.trainer) == widths]

    def title(self, widths: Widths) -> str:
        """Return `[256, 128] (44,100 parameters)`."""
        return f"{architecture_title(widths)} ({self.params[widths]:,} parameters)"


def architectures(scope: Scope, params: Params) -> Answer:
    """Tell the architectures with their parameters, and how they differ by what is to be compared."""
    measured, metric = measured_of(scope), params["metric"]
    if measured is None:
        return Answer((f"{metric} was measured of no task",))
    algorithm = measured.first.algorithm
    if not algorithm.architecture:
        return Answer((f"algorithm {algorithm.name} has no architectures",))
    yardstick = yardstick_of(scope, params["seeds_from"], metric, measured.epoch)
    sizes = {
        value_of(task, algorithm.architecture): task.algorithm.quantity(task.trainer, scope.state_dim, 0).params
        for task, _ in measured.runs
    }
    field = Field(measured, measured.by(algorithm.architecture), sizes, metric, yardstick)
    wanted = tuple(params["reference"]) or yardstick.architecture or next(iter(field.values))
    reference = wanted if wanted in field.values else next(iter(field.values))
    told = [_architecture(field, widths, reference) for widths in field.values]
    levels = {getattr(task.trainer, algorithm.scale, None) for task, _ in measured.runs}
    pooled = f"means are over {len(levels)} values of {algorithm.scale}"
    notes = [algorithm.scale_note, pooled] if len(levels) > 1 else []
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
        counts = f"{tasks_text(each['tasks'])}, {each['seeds']} seed{'s' if each['seeds'] > 1 else ''}"
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
        {"from": list(one), "to": list(other), **difference_figures(its, field.yardstick)} for one, other, its in found
    ]
    mean = average(every)
    return (
        f"{what}: {difference_text(every)}{units_text(field.yardstick, mean)}; {', '.join(said)}",
        {"steps": pairs, **difference_figures(every, field.yardstick)},
    )


def _deeper(field: Field) -> Iterable[tuple[Widths, Widths]]:
    """Yield (one, the same with a layer after its last)."""
    return ((widths[:-1], widths) for widths in field.values if widths[:-1] in field.values)


def _wider(field: Field) -> Iterable[tuple[Widths, Widths]]:
    """Yield neighbours by size among those of equal depth."""
    for depth in dict.fromkeys(map(len, field.values)):
        alike = [widths for widths in field.values if len(widths) == depth]
        yield from pairwise(sorted(alike, key=lambda widths: field.params[widths]))
