"""Which tasks may stand beside each other in a table, and how their settings and metrics become columns."""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from cqltui.algorithms.base import Algorithm, setting_text
from cqltui.judging.outcomes import average, deviation
from cqltui.judging.wording import others
from cqltui.report.material import Material
from cqltui.report.table import Cell, Column
from cqltui.report.wording import capital
from cqltui.results.record import TaskRecord

LOSS_DIGITS = 4
MOST_DIGITS = 10


def algorithm_of(material: Material) -> Algorithm:
    """Return the algorithm of the first task, by which a table's columns are named."""
    return next(iter(material.campaign.tasks)).algorithm


def finished(material: Material) -> tuple[TaskRecord, ...]:
    """Return the tasks that have a result, of the first task's algorithm: others have other columns."""
    name = algorithm_of(material).name
    return tuple(it for it in material.records if it.final is not None and it.task.algorithm.name == name)


def left_out(material: Material) -> tuple[str, ...]:
    """Return a note for each reason for which tasks of the run are in no such table."""
    algorithm, shown = algorithm_of(material), len(finished(material))
    done = sum(it.final is not None for it in material.records)
    notes = []
    if done < len(material.records):
        notes.append(f"{len(material.records) - done:,} of {len(material.records):,} tasks have no result.")
    if shown < done:
        notes.append(f"{done - shown:,} tasks are of another algorithm than {algorithm.name}, and not shown.")
    early = sum(1 for it in material.records if it.result is not None and it.result.stopped_early)
    if early:
        notes.append(f"{early:,} tasks stopped early: their last epoch comes before the number of epochs that is told.")
    return tuple(notes)


def configurations(records: Iterable[TaskRecord]) -> list[list[TaskRecord]]:
    """Return the tasks of a phase that differ by their seed alone, together; in the order of the first."""
    groups: dict[tuple[str, str], list[TaskRecord]] = {}
    for record in records:
        groups.setdefault((record.task.phase, others(record.task, "seed")), []).append(record)
    return list(groups.values())


def last_values(records: Iterable[TaskRecord], metric: str) -> list[float]:
    """Return the finite values of a metric in each task's last epoch."""
    values = (getattr(it.final, metric, None) for it in records)
    return [value for value in values if value is not None and math.isfinite(value)]


def mean(values: Sequence[float]) -> float | None:
    """Return the mean, or None of no values."""
    return average(values) if values else None


def spread(values: Sequence[float]) -> float | None:
    """Return the sample standard deviation, or None of fewer than two values."""
    return deviation(values) if len(values) > 1 else None


def setting_column(algorithm: Algorithm, name: str, values: Iterable[Any]) -> Column:
    """Return the column of a setting that has these values."""
    setting = next(it for it in algorithm.settings if it.name == name)
    found, label = list(values), capital(setting.label)
    if all(isinstance(value, int) and not isinstance(value, bool) for value in found):
        return Column(name, label, "integer", help=setting.help)
    if all(isinstance(value, int | float) for value in found):
        return Column(name, label, "number", digits=max(map(_decimals, found), default=0), help=setting.help)
    return Column(name, label, help=setting.help)


def setting_words(value: Any) -> str:
    """Return a setting's value for people; what is not set is off."""
    return "off" if value is None else setting_text(value)


def setting_value(column: Column, value: Any) -> Cell:
    """Return a setting's value for its column."""
    if column.kind == "text":
        return setting_words(value)
    number: float = value
    return number


def metric_column(algorithm: Algorithm, name: str, before: str = "", after: str = "", column: str = "") -> Column:
    """Return the column of a metric: `before` and `after` belong to its label. `column`: its name in the CSV, where
    that is not the metric's own."""
    metric = next(it for it in algorithm.metrics if it.name == name)
    label = capital(f"{before}{metric.label}{after}")
    return Column(column or name, label, "number", LOSS_DIGITS, help=f"{capital(metric.kind)} rows.")


def _decimals(value: float) -> int:
    """Return how many decimal places show the value in full."""
    if not math.isfinite(value):
        return 0
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return min(max(-exponent, 0), MOST_DIGITS) if isinstance(exponent, int) else 0
