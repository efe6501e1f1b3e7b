"""How training went: metrics by epoch."""

from collections.abc import Sequence

import numpy as np

from cqltui.algorithms.base import Algorithm, Metric
from cqltui.judging.wording import configuration_title, others
from cqltui.report.figure import Band, Figure, Line, Panel
from cqltui.report.figures.parts import beyond, epoch_axis, spaced, thinned, value_axis
from cqltui.report.material import Curves, Floats, Material
from cqltui.report.thinning import buckets_for
from cqltui.report.wording import capital, counted, listed
from cqltui.results.record import TaskRecord

PANELS = 4
MOST_LINES = 200
"""Of more tasks some are drawn, evenly spaced."""
POINTS = 24_000
"""Of all lines of a panel."""


def training_curves(material: Material) -> Figure:
    """Return the first four training metrics of every task by epoch; a color a phase."""
    algorithm = material.campaign.phases[0].tasks[0].algorithm
    metrics = [metric for metric in algorithm.metrics if metric.kind == "training"][:PANELS]
    name, title = "cql_training_curves", "Training curves"
    labels = listed([metric.label for metric in metrics])
    caption = f"{capital(labels)} on the training rows by epoch: a line a task, a colour a phase."
    trained = [record for record in material.records if record.task.id in material.curves]
    if not trained:
        return Figure(name, title, caption, "", reason="No task has trained yet: the first epochs bring this figure.")
    shown = spaced(trained, MOST_LINES)
    if len(shown) < len(trained):
        caption += f" Drawn are {len(shown):,} of {len(trained):,} tasks, evenly spaced in the order of the file."
    caption += f" {capital(algorithm.scale_note)}." if algorithm.scale_note else ""
    panels = tuple(_panel(material, metric, shown) for metric in metrics)
    caption += beyond(panels)
    alt = f"{len(panels)} panels with {counted(len(shown), 'line')} each. {_ends(material, algorithm, trained)}".strip()
    return Figure(name, title, caption, alt, panels, columns=2, size=(7.5, 5.0))


def _panel(material: Material, metric: Metric, records: Sequence[TaskRecord]) -> Panel:
    places = {phase.name: (place, phase.title or phase.name) for place, phase in enumerate(material.campaign.phases)}
    buckets = buckets_for(len(records), POINTS)
    lines, seen = [], []
    axis = epoch_axis([material.curves[record.task.id] for record in records])
    for record in records:
        if metric.name in record.task.algorithm.metric_names():
            x, y = thinned(*material.curves[record.task.id].measured(metric.name), buckets, log=axis.scale == "log")
            place, group = places[record.task.phase]
            lines.append(Line(record.task.title, x, y, color=place, faint=True, group=group))
            seen.append(y)
    values = np.concatenate([*map(np.asarray, seen), np.array([])])
    return Panel(metric.label, axis, value_axis(metric.label, values, loss=metric.loss), tuple(lines))


def _ends(material: Material, algorithm: Algorithm, records: Sequence[TaskRecord]) -> str:
    curves = [material.curves[record.task.id].measured(algorithm.headline)[1] for record in records]
    ends = np.array([(values[0], values[-1]) for values in curves if len(values)])
    if not len(ends):
        return ""
    first, last = np.median(ends, axis=0)
    label = algorithm.label(algorithm.headline)
    over = counted(len(ends), "task")
    return f"The median {label} over {over} is {first:.4g} in the first epoch and {last:.4g} in the last."


def learning_curves(material: Material) -> Figure:
    """Return training and validation metrics by epoch, median and quartiles over the seeds of the configuration that
    was trained with most of them."""
    name, title = "rl_learning_curves", "Learning curves over seeds"
    caption = "Training and validation metrics by epoch: median and quartiles over seeds."
    members = ensemble(material)
    if len(members) < 2:
        reason = "No configuration has trained with two seeds: a phase with a range of seeds brings this figure."
        return Figure(name, title, caption, "", reason=reason)
    task = members[0].task
    algorithm, phase = task.algorithm, material.campaign.phase(task.phase)
    pairs = algorithm.pairs()[:PANELS]
    curves = [material.curves[member.task.id] for member in members]
    axis = epoch_axis(curves)
    panels, told = [], []
    for metrics in pairs:
        marks: list[Line | Band] = []
        seen = []
        for place, metric in enumerate(metrics):
            epochs, quartiles = _quartiles(curves, metric.name)
            if not len(epochs):
                continue
            x, words = tuple(epochs.tolist()), f"{metric.kind} rows"
            low, middle, high = (tuple(values.tolist()) for values in quartiles)
            marks.append(Band("", x, low, high, color=place))
            marks.append(Line(words, x, middle, color=place, style="dashed" if place else "solid"))
            seen.append(quartiles.ravel())
            told.append(f"{metric.label} {middle[-1]:.4g} (quartiles {low[-1]:.4g} and {high[-1]:.4g})")
        values = value_axis(metrics[0].label, np.concatenate([*seen, np.array([])]), loss=metrics[0].loss)
        panels.append(Panel(metrics[0].label, axis, values, tuple(marks)))
    caption = (
        f"Metrics by epoch of {configuration_title(algorithm, task.trainer)} in phase {phase.title or phase.name}: "
        f"line the median, area the quartiles over {len(members):,} seeds, at epochs that half of them have reached."
    )
    alt = f"{len(panels)} panels. At the last epoch that is drawn: {'; '.join(told)}."
    return Figure(name, title, caption, alt, tuple(panels), columns=2, size=(7.5, 5.0))


def ensemble(material: Material) -> tuple[TaskRecord, ...]:
    """Return the tasks with curves that differ in nothing but their seed, of the configuration that has most."""
    groups: dict[tuple[str, str], list[TaskRecord]] = {}
    for record in material.records:
        if record.task.id in material.curves:
            groups.setdefault((record.task.phase, others(record.task, "seed")), []).append(record)
    largest: list[TaskRecord] = []
    for group in groups.values():
        largest = max(largest, group, key=len)
    return tuple(largest)


def _quartiles(curves: Sequence[Curves], metric: str) -> tuple[Floats, Floats]:
    """Return epochs [E] and quartiles [3, E] over the curves, where at least half of them (and two) have a value."""
    measured = [curve.measured(metric) for curve in curves]
    epochs = np.unique(np.concatenate([at for at, _ in measured]))
    values = np.full((len(curves), len(epochs)), np.nan)
    for row, (at, its) in zip(values, measured, strict=True):
        row[np.searchsorted(epochs, at)] = its
    enough = np.isfinite(values).sum(axis=0) >= max(2, len(curves) / 2)
    epochs, values = epochs[enough], values[:, enough]
    if not len(epochs):
        return epochs, np.empty((3, 0))
    return epochs, np.nanpercentile(values, (25, 50, 75), axis=0)
