"""The results of every task, for programs."""

from cqltui.algorithms.base import REQUIRED, Algorithm
from cqltui.report.groups import algorithm_of, metric_column, setting_column, setting_value
from cqltui.report.material import Material
from cqltui.report.table import Cell, Column, Table
from cqltui.results.record import TaskRecord

NAME = "all_cql_results"


def all_results(material: Material) -> Table:
    """Return a row for each task: what names it, and the metrics of its last epoch."""
    algorithm = algorithm_of(material)
    records = [it for it in material.records if it.task.algorithm.name == algorithm.name]
    named = [it.name for it in algorithm.settings if it.default is REQUIRED or (it.prominent and it.named)]
    settings = [setting_column(algorithm, name, (getattr(it.task.trainer, name) for it in records)) for name in named]
    metrics = _metrics(algorithm)
    columns = (
        Column("task_id", "Task"),
        *settings,
        *metrics.values(),
        Column("phase", "Phase"),
        Column("status", "Status"),
    )
    rows = tuple(_row(record, settings, [*metrics]) for record in records)
    caption = "Every task with its settings and the metrics of its last epoch."
    return Table(NAME, "All results", caption, columns, rows)


def _metrics(algorithm: Algorithm) -> dict[str, Column]:
    """Return the columns of the losses, the learned values and validation, by metric."""
    trained = [it.name for it in algorithm.metrics if it.kind == "training" and (it.loss or it.name == algorithm.value)]
    columns = {name: metric_column(algorithm, name) for name in trained}
    columns[algorithm.headline] = metric_column(
        algorithm, algorithm.headline, "final ", column=f"final_{algorithm.headline}"
    )
    columns[algorithm.validation] = metric_column(algorithm, algorithm.validation, column="validation")
    return columns


def _row(record: TaskRecord, settings: list[Column], metrics: list[str]) -> tuple[Cell, ...]:
    values = (setting_value(it, getattr(record.task.trainer, it.name)) for it in settings)
    found = (getattr(record.final, name, None) for name in metrics)
    return (record.task.id, *values, *found, record.task.phase, str(record.standing.status))
