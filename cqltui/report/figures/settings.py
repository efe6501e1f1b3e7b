"""What came of the settings: metrics of the last epoch against each of them, like with like."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from cqltui.algorithms.base import Algorithm, Metric, Setting, setting_text
from cqltui.judging.outcomes import average
from cqltui.report.figure import Axis, Figure, Line, Panel, Points
from cqltui.report.figures.parts import beyond, spaced, value_axis
from cqltui.report.material import Material
from cqltui.report.wording import capital, counted, listed
from cqltui.results.record import TaskRecord

MOST_SETTINGS = 6
MOST_SERIES = 100
"""Of more groups of tasks some are drawn, evenly spaced."""
WIDE_SETTING = 8.0
"""Values of a setting that differ by such a factor are on a logarithmic axis."""
SEED = "seed"
ROW = 2.2
"""Inches of a row of panels."""


class Series(Struct, frozen=True):
    """Tasks of one phase that differ in one setting and their seed alone."""

    place: int
    """Of the phase in the campaign."""
    phase: str
    points: tuple[tuple[Any, float, str], ...]
    """(value of the setting, metric in the last epoch, the task's title), in the order of the file."""

    @property
    def means(self) -> dict[Any, float]:
        """Value of the setting -> mean over seeds."""
        found: dict[Any, list[float]] = {}
        for value, metric, _ in self.points:
            found.setdefault(value, []).append(metric)
        return {value: average(metrics) for value, metrics in found.items()}


def sensitivity(material: Material) -> Figure:
    """Return the last epoch's validation metric and loss against each setting that was varied."""
    algorithm = material.campaign.phases[0].tasks[0].algorithm
    name, title = "hparam_sensitivity", "Sensitivity to settings"
    varied = [setting for setting in algorithm.settings if series_of(material, algorithm, setting, algorithm.headline)]
    if not varied:
        caption = "Metrics of the last epoch against each setting that was varied."
        reason = "No two finished tasks differ in one setting alone: a grid brings this figure."
        return Figure(name, title, caption, "", reason=reason)
    shown = varied[:MOST_SETTINGS]
    panels: list[Panel] = []
    told: list[str] = []
    for setting in shown:
        series = series_of(material, algorithm, setting, algorithm.headline)
        panels.extend(
            _panel(algorithm, setting, metric, known)
            for metric in _metrics_for(algorithm, setting)
            if (known := series_of(material, algorithm, setting, metric.name))  # a run may have no validation rows
        )
        tasks = sum(len(each.points) for each in series)
        told.append(f"{setting.label} ({counted(len(series), 'group')}, {counted(tasks, 'task')})")
    caption = (
        f"Metrics of the last epoch against {listed([setting.label for setting in shown])}: a point a task, a colour a "
        "phase; a line joins the means over seeds of tasks that differ in that setting alone."
    )
    if any(setting.name == algorithm.scale for setting in shown):
        caption += f" Against {algorithm.scale} stand metrics that do not contain it: {algorithm.scale_note}."
    if len(shown) < len(varied):
        caption += f" Not shown: {listed([setting.label for setting in varied[MOST_SETTINGS:]])}."
    caption += beyond(panels)
    alt = f"{len(panels)} panels, two for each setting that was varied: {'; '.join(told)}."
    return Figure(name, title, caption, alt, tuple(panels), columns=2, size=(7.5, 0.5 + ROW * len(shown)))


def scale_sensitivity(material: Material) -> Figure:
    """Return the metrics that can be compared across the values of the scale setting (alpha), against it."""
    algorithm = material.campaign.phases[0].tasks[0].algorithm
    name = f"{algorithm.scale or 'scale'}_sensitivity_panel"
    title = f"Sensitivity to {algorithm.scale}"
    setting = next((it for it in algorithm.settings if it.name == algorithm.scale), None)
    metrics = comparable(algorithm)
    left_out = [metric.name for metric in algorithm.metrics if metric.name in _scaled(algorithm)]
    caption = f"Metrics of the last epoch against {algorithm.scale}. Not shown: {listed(left_out)}, since "
    caption += f"{algorithm.scale_note}."
    found = {metric: series_of(material, algorithm, setting, metric.name) for metric in metrics} if setting else {}
    found = {metric: series for metric, series in found.items() if series}
    if setting is None or not found:
        reason = f"No two finished tasks differ in {algorithm.scale} alone: a list of its values brings this figure."
        return Figure(name, title, caption, "", reason=reason)
    panels = tuple(_panel(algorithm, setting, metric, series) for metric, series in found.items())
    told = [f"{metric.label}: {_by_value(series)}" for metric, series in found.items()]
    caption += (
        " A point a task, a colour a phase; a line joins the means over seeds of tasks that differ in "
        f"{algorithm.scale} alone."
    )
    caption += beyond(panels)
    alt = f"{len(panels)} panels. Means by {algorithm.scale}: {'; '.join(told)}."
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    return Figure(name, title, caption, alt, panels, columns=columns, size=(7.5, 0.5 + ROW * rows))


def _by_value(series: Sequence[Series]) -> str:
    found: dict[Any, list[float]] = {}
    for each in series:
        for value, metric, _ in each.points:
            found.setdefault(value, []).append(metric)
    return ", ".join(f"{average(found[value]):.4g} at {setting_text(value)}" for value in sorted(found))


def comparable(algorithm: Algorithm) -> list[Metric]:
    """Return the metrics that mean the same whatever the scale setting is: losses that do not contain it, and what is
    better the higher it is."""
    wanted = (
        metric for metric in algorithm.metrics if metric.kind != "speed" and metric.name not in _scaled(algorithm)
    )
    return [metric for metric in wanted if metric.loss or metric.better == "higher"]


def _scaled(algorithm: Algorithm) -> tuple[str, ...]:
    return (algorithm.headline, algorithm.validation) if algorithm.scale else ()


def _metrics_for(algorithm: Algorithm, setting: Setting) -> list[Metric]:
    """Return a validation metric and a loss that can be compared across the values of the setting."""
    if setting.name != algorithm.scale:
        return [metric for name in (algorithm.validation, algorithm.headline) for metric in _named(algorithm, name)]
    losses = [metric for metric in comparable(algorithm) if metric.loss]
    kinds = (next((metric for metric in losses if metric.kind == kind), None) for kind in ("validation", "training"))
    return [metric for metric in kinds if metric is not None]


def _named(algorithm: Algorithm, name: str) -> Iterator[Metric]:
    return (metric for metric in algorithm.metrics if metric.name == name)


def series_of(material: Material, algorithm: Algorithm, setting: Setting, metric: str) -> list[Series]:
    """Return the groups of finished tasks of one phase that differ in the setting, and in nothing else but the seed;
    those with two values of the setting at least."""
    if setting.identity == "never":
        return []
    groups: dict[tuple[int, str, str], list[tuple[Any, float, str]]] = {}
    for place, phase in enumerate(material.campaign.phases):
        for record in material.of_phase(phase):
            value = getattr(record.final, metric, None)
            if value is not None and math.isfinite(value) and record.task.algorithm.name == algorithm.name:
                key = (place, phase.title or phase.name, _rest(record, setting.name))
                level = getattr(record.task.trainer, setting.name)
                groups.setdefault(key, []).append((level, value, record.task.title))
    found = [Series(place, phase, tuple(points)) for (place, phase, _), points in groups.items()]
    return [series for series in found if len({setting_text(value) for value, _, _ in series.points}) > 1]


def _rest(record: TaskRecord, setting: str) -> str:
    identity = record.task.algorithm.identity(record.task.trainer)
    return repr(sorted((name, value) for name, value in identity.items() if name not in (setting, SEED)))


def _panel(algorithm: Algorithm, setting: Setting, metric: Metric, series: Sequence[Series]) -> Panel:
    values = {setting_text(value): value for each in series for value, _, _ in each.points}
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values.values())
    if numbers:
        found = [float(value) for value in values.values()]
        wide = min(found) > 0 and max(found) / min(found) >= WIDE_SETTING
        axis = Axis(setting.label, "log" if wide else "linear")
        places = {text: float(value) for text, value in values.items()}
    else:
        order = sorted(values, key=lambda text: _size(values[text]))
        axis = Axis(setting.label, categories=tuple(order))
        places = {text: float(place) for place, text in enumerate(order)}
    marks: list[Line | Points] = []
    for each in spaced(series, MOST_SERIES) if setting.name != SEED else ():  # seeds are in no order
        means = sorted((places[setting_text(value)], mean) for value, mean in each.means.items())
        x, y = zip(*means, strict=True)
        marks.append(Line(each.phase, x, y, color=each.place, faint=True))
    for place, phase in dict.fromkeys((each.place, each.phase) for each in series):
        points = [point for each in series if each.place == place for point in each.points]
        x = tuple(places[setting_text(value)] for value, _, _ in points)
        names = tuple(title for _, _, title in points)
        y = tuple(value for _, value, _ in points)
        marks.append(Points(phase, x, y, color=place, names=names, marker=_MARKERS[place % len(_MARKERS)]))
    measured = [value for each in series for _, value, _ in each.points]
    return Panel("", axis, value_axis(capital(metric.label), measured, loss=metric.loss), tuple(marks))


_MARKERS: tuple[Any, ...] = ("circle", "square", "triangle", "diamond", "cross")


def _size(value: object) -> tuple[float, str]:
    """Return what values that are no numbers are sorted by: the sizes of networks."""
    if isinstance(value, tuple | list) and all(isinstance(part, int) for part in value):
        return float(sum(one * other for one, other in zip((1, *value), value, strict=False))), setting_text(value)
    return 0.0, setting_text(value)
