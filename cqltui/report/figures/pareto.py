"""What a network costs and what comes of it."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from cqltui.algorithms.base import Algorithm, Metric, setting_text
from cqltui.judging.outcomes import average
from cqltui.report.figure import Axis, Figure, Line, Panel, Points
from cqltui.report.figures.parts import value_scale
from cqltui.report.figures.settings import comparable
from cqltui.report.material import Material
from cqltui.report.wording import capital, counted, listed
from cqltui.results.record import TaskRecord

NAME, TITLE = "architecture_pareto", "Cost and result of architectures"
MOST_LEVELS = 7


class Network(Struct, frozen=True):
    """An architecture at one value of the scale setting: means over its tasks."""

    title: str
    level: str
    params: float
    seconds: float
    value: float
    tasks: int


def pareto(material: Material) -> Figure:
    """Return validation against the number of parameters and against the time of training, with the front of those
    that no other beats in both."""
    algorithm = material.campaign.phases[0].tasks[0].algorithm
    metric = _metric(algorithm)
    caption = f"{capital(metric.label)} in the last epoch against parameters and time of training."
    networks, epochs, records = _networks(material, algorithm, metric)
    if len({network.title for network in networks}) < 2:
        reason = (
            "No two architectures were trained for equally many epochs: a list of architectures brings this figure."
        )
        return Figure(NAME, TITLE, caption, "", reason=reason)
    fronts = {kind: front(networks, kind) for kind in ("params", "seconds")}
    labels = {"params": "parameters", "seconds": "seconds of training"}
    panels = tuple(
        _panel(
            networks,
            fronts[kind],
            kind,
            Axis(labels[kind], value_scale([getattr(it, kind) for it in networks])),
            metric,
        )
        for kind in labels
    )
    scale = f" and {algorithm.scale}" if algorithm.scale else ""
    caption = (
        f"{capital(metric.label)} in the last epoch of {counted(len(records), 'task')} of {epochs:,} epochs against "
        f"parameters and time of training: a point an architecture{scale}, the mean over its tasks. The line joins "
        "those that no other equals or beats in both. Tasks that train as one pack share their seconds."
    )
    told = [f"by {labels[kind]} {listed([_named(network) for network in fronts[kind]])}" for kind in labels]
    alt = f"{counted(len(networks), 'point')}. On the front are {'; '.join(told)}."
    return Figure(NAME, TITLE, caption, alt, panels, columns=2, size=(7.5, 4.0))


def _metric(algorithm: Algorithm) -> Metric:
    """Return the validation metric that can be compared across values of the scale setting."""
    found = [metric for metric in comparable(algorithm) if metric.kind == "validation" and metric.loss]
    return next(iter(found), next(metric for metric in algorithm.metrics if metric.name == algorithm.validation))


def _networks(material: Material, algorithm: Algorithm, metric: Metric) -> tuple[list[Network], int, list[TaskRecord]]:
    """Return the architectures that were trained for as many epochs as most were, how many that is, and the tasks."""
    shape = algorithm.architecture
    done = [
        record
        for record in material.records
        if shape and record.result is not None and record.task.algorithm.name == algorithm.name
        if math.isfinite(getattr(record.final, metric.name, None) or math.nan)
    ]
    kinds = {(record.task.trainer.epochs, getattr(record.task.trainer, shape)) for record in done}
    counts = Counter(epochs for epochs, _ in kinds)
    if not counts:
        return [], 0, []
    epochs = max(counts, key=lambda each: (counts[each], each))
    same = [record for record in done if record.task.trainer.epochs == epochs]
    groups: dict[tuple[str, str], list[TaskRecord]] = {}
    for record in same:
        level = setting_text(getattr(record.task.trainer, algorithm.scale)) if algorithm.scale else ""
        groups.setdefault((setting_text(getattr(record.task.trainer, shape)), level), []).append(record)
    networks = [
        Network(
            title,
            f"{algorithm.scale} {level}".strip(),
            average([float(record.result.params) for record in group if record.result]),
            average([record.result.seconds for record in group if record.result]),
            average([getattr(record.final, metric.name) for record in group]),
            len(group),
        )
        for (title, level), group in groups.items()
    ]
    return networks, epochs, same


def front(networks: Sequence[Network], cost: str) -> list[Network]:
    """Return the networks that no other equals or beats in cost and value, from the cheapest on."""
    found: list[Network] = []
    for network in sorted(networks, key=lambda it: (getattr(it, cost), it.value)):
        if not found or network.value < found[-1].value:
            found.append(network)
    return found


def _named(network: Network) -> str:
    return f"{network.title} ({network.level})" if network.level else network.title


def _panel(networks: Sequence[Network], best: Sequence[Network], cost: str, axis: Axis, metric: Metric) -> Panel:
    def at(some: Sequence[Network]) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return tuple(getattr(it, cost) for it in some), tuple(it.value for it in some)

    levels = list(dict.fromkeys(network.level for network in networks))
    marks: list[Line | Points] = [Line("front", *at(best), color=4, style="dashed", steps=True)]
    for place, level in enumerate(levels):
        own = [network for network in networks if network.level == level]
        names = tuple(f"{_named(network)}, {counted(network.tasks, 'task')}" for network in own)
        texts = tuple(network.title if network in best else "" for network in own)
        color, marker = place % MOST_LEVELS, _MARKERS[place % len(_MARKERS)]
        marks.append(Points(level, *at(own), color=color, names=names, texts=texts, marker=marker))
    scale = value_scale([network.value for network in networks])
    return Panel("", axis, Axis(capital(metric.label), scale), tuple(marks))


_MARKERS: tuple[Literal["circle", "square", "triangle", "diamond", "cross"], ...] = (
    *("circle", "square", "triangle", "diamond", "cross"),
)
