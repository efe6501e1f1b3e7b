"""Curves of several runs over each other, and their differences with intervals. Pure."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from cqltui.report.compare.paired import METHOD
from cqltui.report.compare.pairing import Group
from cqltui.report.figure import Axis, Figure, Line, Panel, Points, Rule
from cqltui.report.material import Floats, Material
from cqltui.report.table import Table
from cqltui.results.record import TaskRecord

MOST_POINTS = 200
"""Of a curve that are drawn, evenly on the logarithmic axis."""


class Compared(Struct, frozen=True, eq=False):
    """A run beside the first one."""

    label: str
    first: Material
    other: Material
    groups: tuple[Group, ...]
    is_comparable: bool
    """Whether both are of the same data."""


def curves_figure(labels: Sequence[str], materials: Sequence[Material], compared: Sequence[Compared]) -> Figure:
    """Return the curves of tasks that belong together: a row of panels a phase, a color a run."""
    name, title = "compare_curves", "Curves over each other"
    caption = (
        "Tasks that have a counterpart, by epoch: a faint line each, and the run's median over them in the epochs that "
        "all of them have. A colour a run."
    )
    phases = dict.fromkeys(group.phase for its in compared for group in its.groups)
    panels = []
    for phase in phases:
        chosen = [_paired(place, phase, compared) for place in range(len(materials))]
        known = next((record for records in chosen for record in records), None)
        if known is None:
            continue
        algorithm = known.task.algorithm
        for metric in (algorithm.headline, algorithm.validation):
            marks: list[Line] = []
            for place, (label, material, records) in enumerate(zip(labels, materials, chosen, strict=True)):
                marks += _lines(label, place, material, records, metric)
            if marks:
                shown = f"{phase}: {algorithm.label(metric)}"
                panels.append(Panel(shown, Axis("epoch", "log"), Axis(algorithm.label(metric)), tuple(marks)))
    if not panels:
        return Figure(name, title, caption, "", reason="No two tasks that belong together have trained.")
    alt = f"{len(panels)} panels of {len(phases)} phases, with lines of the runs {', '.join(labels)}."
    return Figure(name, title, caption, alt, tuple(panels), columns=2, size=(7.5, 2.5 * -(-len(panels) // 2)))


def _paired(place: int, phase: str, compared: Sequence[Compared]) -> list[TaskRecord]:
    """Return the tasks of a phase in the run at this place that have a counterpart; of the first run, in any other."""
    groups = [(n, group) for n, its in enumerate(compared, start=1) for group in its.groups if group.phase == phase]
    if place == 0:
        records = [pair.first for _, group in groups for pair in group.pairs]
    else:
        records = [pair.other for n, group in groups if n == place for pair in group.pairs]
    return list({record.task.id: record for record in records}.values())


def _lines(label: str, color: int, material: Material, records: Sequence[TaskRecord], metric: str) -> list[Line]:
    curves = {
        record.task.id: material.curves[record.task.id].measured(metric)
        for record in records
        if record.task.id in material.curves
    }
    titles = {record.task.id: record.task.title for record in records}
    found = [
        Line(f"{label}: {titles[task]}", *_thinned(epochs, values), color=color, faint=True)
        for task, (epochs, values) in curves.items()
        if len(epochs)
    ]
    if not found:
        return []
    known = [
        dict(zip(epochs.tolist(), values.tolist(), strict=True)) for epochs, values in curves.values() if len(epochs)
    ]
    shared = sorted(set.intersection(*(set(curve) for curve in known)))
    median = np.median([[curve[epoch] for epoch in shared] for curve in known], axis=0)
    return [*found, Line(label, *_thinned(np.array(shared), median), color=color)]


def _thinned(epochs: Floats, values: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if len(epochs) > MOST_POINTS:
        places = np.unique(np.geomspace(1, len(epochs), MOST_POINTS).round().astype(int)) - 1
        epochs, values = epochs[places], values[places]
    return tuple(epochs.tolist()), tuple(values.tolist())


def differences_figure(label: str, metrics: Table) -> Figure:
    """Return the differences of the table of final metrics that have an interval, a panel a metric."""
    name, title = "compare_differences", "Differences of final metrics"
    caption = f"Metric of the last epoch less that of {label}; mean over paired seeds. Interval: {METHOD}."
    place = {column.name: number for number, column in enumerate(metrics.columns)}
    rows = [row for row in metrics.rows if row[place["lower"]] is not None]
    panels = []
    for metric in dict.fromkeys(str(row[place["metric"]]) for row in rows):
        own = [row for row in rows if row[place["metric"]] == metric]
        what = tuple(" · ".join(str(row[place[part]]) for part in ("run", "phase", "settings")) for row in own)
        value, low, high = (
            tuple(float(row[place[part]] or 0) for row in own) for part in ("difference", "lower", "upper")
        )
        heights = tuple(float(number) for number in range(len(own)))
        points = Points("difference", value, heights, low=low, high=high, across=True, names=what)
        places = [f"{row[place['run']]}: {row[place['phase']]}" for row in own]
        short = (of if places.count(of) == 1 else full for of, full in zip(places, what, strict=True))
        axis = Axis("", categories=tuple(short))
        panels.append(
            Panel(
                metric, Axis(f"difference of {metric}"), axis, (points, Rule("none", 0.0, vertical=True)), legend=False
            )
        )
    if not panels:
        reason = (
            "No difference has an interval: it takes two pairs of tasks that differ by their seed alone, on the same "
            "data."
        )
        return Figure(name, title, caption, "", reason=reason)
    alt = f"{len(rows)} differences with intervals, in {len(panels)} panels."
    return Figure(name, title, caption, alt, tuple(panels), size=(7.5, max(2.5, 0.6 * len(rows) + 1.0 * len(panels))))
