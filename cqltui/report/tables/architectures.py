"""Which networks were compared, and what came of them."""

from collections.abc import Iterator

from cqltui.algorithms.base import setting_text
from cqltui.report.material import Material
from cqltui.report.table import Cell, Column, Table, absent
from cqltui.results.record import TaskRecord


def architecture_comparison(material: Material) -> Table:
    """Return each architecture at each value of the scale setting (alpha), at the last epoch: mean over its seeds."""
    algorithm = material.campaign.phases[0].tasks[0].algorithm
    scale, shape = algorithm.scale, algorithm.architecture
    name, title = "cql_architecture_comparison_table", "Architectures"
    caption = (
        "Metrics of the last epoch by architecture and alpha; mean over seeds where there are several. "
        f"{algorithm.scale_note[:1].upper()}{algorithm.scale_note[1:]}."
    )
    columns = (
        Column("phase", "Phase"),
        Column("architecture", "Architecture"),
        Column(scale, scale, "number", digits=2),
        Column("loss", "Loss", "number", digits=4),
        Column("params", "Parameters", "integer"),
        Column("seeds", "Seeds", "integer"),
    )
    rows = tuple(_rows(material, scale, shape))
    if not rows:
        return absent(name, title, caption, columns, "No task is done yet.")
    return Table(name, title, caption, columns, rows)


def _rows(material: Material, scale: str, shape: str) -> Iterator[tuple[Cell, ...]]:
    groups: dict[tuple[str, str, float, int], list[TaskRecord]] = {}
    for record in material.records:
        if record.final is not None:
            trainer = record.task.trainer
            key = (record.task.phase, setting_text(getattr(trainer, shape)), getattr(trainer, scale), trainer.epochs)
            groups.setdefault(key, []).append(record)
    for (phase, architecture, level, _), members in groups.items():
        headline = members[0].task.algorithm.headline
        losses = [getattr(member.final, headline) for member in members]
        params = material.campaign.quantity(members[0].task, 0).params
        yield phase, architecture, level, sum(losses) / len(losses), params, len(members)
