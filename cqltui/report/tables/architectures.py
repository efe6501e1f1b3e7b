"""Which networks were compared, and what came of them."""

from collections.abc import Sequence

from msgspec.structs import replace

from cqltui.algorithms.base import REQUIRED, Algorithm
from cqltui.report.groups import (
    algorithm_of,
    configurations,
    finished,
    last_values,
    left_out,
    mean,
    metric_column,
    setting_column,
    setting_value,
    spread,
)
from cqltui.report.material import Material
from cqltui.report.table import Cell, Column, Table, absent
from cqltui.results.record import TaskRecord

NAME, TITLE = "cql_architecture_comparison_table", "Architectures"


def architecture_comparison(material: Material) -> Table:
    """Return a row for each configuration of each phase: metrics of the last epoch, mean and spread over its seeds."""
    algorithm, records = algorithm_of(material), finished(material)
    scale, shape = algorithm.scale, algorithm.architecture
    named = [name for name in (shape, scale) if name]
    told = [*named, *(name for name in _others(algorithm, records) if name not in named)]
    settings = [setting_column(algorithm, name, (getattr(it.task.trainer, name) for it in records)) for name in told]
    settings = [replace(it, label="Architecture") if it.name == shape else it for it in settings]
    metrics = [name for name in (algorithm.headline, algorithm.value, algorithm.comparable) if name]
    columns = (
        Column("phase", "Phase"),
        *settings,
        *(column for name in metrics for column in _of_metric(algorithm, name)),
        Column("params", "Params", "integer", help="Trainable parameters."),
        Column("seeds", "Seeds", "integer"),
    )
    caption = (
        "Metrics of the last epoch by configuration: mean, and sample standard deviation (SD) over the seeds where a "
        "configuration was trained with several. Tasks that differ in anything but the seed have rows of their own."
    )
    if not records:
        return absent(NAME, TITLE, caption, columns, "No task is done yet: the first result brings this table.")
    rows = [_row(material, group, settings, metrics) for group in configurations(records)]
    return Table(NAME, TITLE, caption, columns, tuple(rows), (*_scale_note(algorithm), *left_out(material)))


def _others(algorithm: Algorithm, records: Sequence[TaskRecord]) -> list[str]:
    """Return the settings besides the seed that decide the weights and differ between these tasks; the number of epochs
    in any case."""
    differing = [
        setting.name
        for setting in algorithm.settings
        if setting.identity != "never"
        and setting.name != "seed"
        and len({repr(getattr(it.task.trainer, setting.name)) for it in records}) > 1
    ]
    counts = [it.name for it in algorithm.settings if it.scaled is not None and it.default is REQUIRED]
    return [*differing, *(name for name in counts if name not in differing)]


def _of_metric(algorithm: Algorithm, name: str) -> tuple[Column, Column]:
    return metric_column(algorithm, name), metric_column(algorithm, name, after=" SD", column=f"{name}_sd")


def _row(
    material: Material, group: Sequence[TaskRecord], settings: Sequence[Column], metrics: Sequence[str]
) -> tuple[Cell, ...]:
    first = group[0].task
    values = [last_values(group, name) for name in metrics]
    return (
        first.phase,
        *(setting_value(column, getattr(first.trainer, column.name)) for column in settings),
        *(cell for its in values for cell in (mean(its), spread(its))),
        material.campaign.quantity(first, 0).params,
        len(group),
    )


def _scale_note(algorithm: Algorithm) -> tuple[str, ...]:
    if not algorithm.scale:
        return ()
    comparable = f"; {algorithm.label(algorithm.comparable)} can be compared" if algorithm.comparable else ""
    return (f"{algorithm.scale_note}{comparable}.",)
