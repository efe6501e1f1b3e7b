"""How the loss depends on the setting that scales it."""

from collections.abc import Sequence
from typing import Any

from cqltui.judging.outcomes import rank
from cqltui.report.groups import (
    algorithm_of,
    finished,
    last_values,
    left_out,
    mean,
    metric_column,
    setting_column,
    setting_value,
)
from cqltui.report.material import Material
from cqltui.report.table import Cell, Column, Table, absent
from cqltui.report.wording import capital
from cqltui.results.record import TaskRecord

NAME = "cql_alpha_sensitivity_table"


def alpha_sensitivity(material: Material) -> Table:
    """Return best, mean and worst loss of each value of the scale setting, by phase and number of epochs."""
    algorithm, records = algorithm_of(material), finished(material)
    scale, headline, comparable = algorithm.scale, algorithm.headline, algorithm.comparable
    title = f"Sensitivity to {scale}" if scale else "Sensitivity"
    caption = (
        f"{capital(algorithm.label(headline))} of the last epoch by {scale}, over all tasks of a phase with one number "
        "of epochs; what else is set may differ between them."
    )
    if not scale:
        reason = f"Losses of algorithm {algorithm.name} are on one scale: there is no setting to tell them apart by."
        return absent(NAME, title, "Losses by the setting that scales them.", (Column("phase", "Phase"),), reason)
    caption += f" {capital(algorithm.scale_note)}."
    levels = setting_column(algorithm, scale, (getattr(it.task.trainer, scale) for it in records))
    columns = (
        Column("phase", "Phase"),
        Column("epochs", "Epochs", "integer"),
        levels,
        Column("models", "Models", "integer"),
        *(metric_column(algorithm, headline, f"{word} ", column=f"{word}_{headline}") for word in _WORDS),
        *([metric_column(algorithm, comparable, "mean ", column=f"mean_{comparable}")] if comparable else []),
    )
    groups: dict[tuple[str, int, Any], list[TaskRecord]] = {}
    for record in records:
        trainer = record.task.trainer
        groups.setdefault((record.task.phase, trainer.epochs, getattr(trainer, scale)), []).append(record)
    order = [phase.name for phase in material.campaign.phases]
    rows = tuple(
        (phase, epochs, setting_value(levels, level), len(group), *_losses(group, headline), *_mean(group, comparable))
        for (phase, epochs, level), group in sorted(groups.items(), key=lambda it: (order.index(it[0][0]), *it[0][1:]))
    )
    if not rows:
        return absent(NAME, title, caption, columns, "No task is done yet: the first result brings this table.")
    diverged = len(records) - len(last_values(records, headline))
    notes = [f"{diverged:,} models whose last loss is no number are counted, and in no loss."] if diverged else []
    return Table(NAME, title, caption, columns, rows, (*notes, *left_out(material)))


_WORDS = ("best", "mean", "worst")


def _losses(group: Sequence[TaskRecord], metric: str) -> tuple[Cell, Cell, Cell]:
    values = sorted(last_values(group, metric), key=lambda value: rank(value, metric))
    return (values[0], mean(values), values[-1]) if values else (None, None, None)


def _mean(group: Sequence[TaskRecord], metric: str) -> tuple[Cell, ...]:
    return (mean(last_values(group, metric)),) if metric else ()
