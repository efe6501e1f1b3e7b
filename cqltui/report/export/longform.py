"""A run as two tables for other programs: a row a task, and a row for each metric of each epoch."""

import csv
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np

from cqltui.report.material import Floats, Material
from cqltui.results.record import TaskRecord
from cqltui.results.tables import result_columns, result_row

METRIC_COLUMNS = ("task_id", "phase", "metric", "epoch", "value")


def task_columns(material: Material) -> list[str]:
    """Return the names of the first table's columns: those of the phases' results, and the phase."""
    names = (name for record in material.records for name in result_columns(record.task.algorithm))
    return list(dict.fromkeys(("task_id", "phase", *names)))


def task_rows(material: Material) -> list[dict[str, object]]:
    """Return a row a task, in the order of the file: values by the names of columns, some of which may be missing."""
    return [{"phase": record.task.phase} | result_row(material.campaign, record) for record in material.records]


def measured(material: Material, record: TaskRecord) -> Iterator[tuple[str, Floats, Floats]]:
    """Yield (metric, epochs, values) of each metric of the task's algorithm that was measured, in its order. NaN is not
    measured; infinity is."""
    curves = material.curves.get(record.task.id)
    if curves is None:
        return
    for metric in record.task.algorithm.metrics:
        values = curves.metrics.get(metric.name)
        if values is not None and (known := ~np.isnan(values)).any():
            yield metric.name, curves.epochs[known], values[known]


def write_task_rows(file: IO[str], material: Material) -> None:
    """Write the first table as CSV: as the phases' own are."""
    writer = csv.DictWriter(file, task_columns(material), lineterminator="\n")
    writer.writeheader()
    writer.writerows(task_rows(material))


def write_metric_rows(file: IO[str], material: Material, record: TaskRecord) -> None:
    """Write a task's part of the second table as CSV, without the header, which `METRIC_COLUMNS` is."""
    writer = csv.writer(file, lineterminator="\n")
    for name, epochs, values in measured(material, record):
        pairs = zip(map(int, epochs.tolist()), values.tolist(), strict=True)
        writer.writerows((record.task.id, record.task.phase, name, epoch, value) for epoch, value in pairs)


def final_metrics(material: Material, record: TaskRecord) -> dict[str, float]:
    """Return the latest value of each metric that was measured."""
    return {name: float(values[-1]) for name, _, values in measured(material, record)}


def by_epoch(material: Material, record: TaskRecord) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield each epoch with the metrics that were measured in it."""
    found: dict[int, dict[str, float]] = {}
    for name, epochs, values in measured(material, record):
        for epoch, value in zip(epochs.tolist(), values.tolist(), strict=True):
            found.setdefault(int(epoch), {})[name] = value
    yield from sorted(found.items())


def settings_of(record: TaskRecord) -> dict[str, object]:
    """Return the task's settings by name, as JSON can hold them."""
    return dict(record.task.algorithm.values(record.task.trainer))


def known_tasks(material: Material) -> Sequence[TaskRecord]:
    """Return the tasks that have trained, in the order of the file."""
    return [record for record in material.records if record.task.id in material.curves]
