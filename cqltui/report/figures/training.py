"""How training went: metrics by epoch."""

from cqltui.report.figure import Axis, Figure, Line, Panel
from cqltui.report.material import Material

PANELS = 4


def training_curves(material: Material) -> Figure:
    """Return the first four training metrics of every task by epoch; a color a phase."""
    algorithm = material.campaign.phases[0].tasks[0].algorithm
    metrics = [metric for metric in algorithm.metrics if metric.kind == "training"][:PANELS]
    name, title = "cql_training_curves", "Training curves"
    caption = "Metrics on the training rows by epoch, a line a task, a colour a phase."
    if not material.curves:
        return Figure(name, title, caption, "", reason="No task has trained yet.")
    panels = tuple(
        Panel(
            metric.label,
            Axis("epoch", "log"),
            Axis(metric.label),
            tuple(
                Line(record.task.title, tuple(x.tolist()), tuple(y.tolist()), color=place, faint=True)
                for place, phase in enumerate(material.campaign.phases)
                for record in material.of_phase(phase)
                if record.task.id in material.curves
                for x, y in [material.curves[record.task.id].measured(metric.name)]
            ),
        )
        for metric in metrics
    )
    alt = f"{len(panels)} panels with a line for each of {len(material.curves)} tasks."
    return Figure(name, title, caption, alt, panels, columns=2, size=(7.5, 5.0))
