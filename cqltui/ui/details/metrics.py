"""What a task has reached."""

from cqltui.algorithms.base import Metric
from cqltui.state.model import Progress, TaskState
from cqltui.ui import format as fmt
from cqltui.ui.details.field import field, told
from cqltui.ui.line import Line


def metric_lines(task: TaskState, cells: int) -> list[Line]:
    """Return epochs and metrics, the latest of each."""
    info, progress = task.info, task.progress
    lines = [field("epoch", f"{fmt.count(task.epochs_done)} of {fmt.count(info.epochs)}")]
    if progress is None:
        return lines
    if task.stopped_early:
        lines += told("stopped early", task.stopped_early, cells)
    if any(task.metric(metric.name) is not None for metric in task.algorithm.metrics):  # before there is but a blank
        lines += [line for metric in task.algorithm.metrics for line in _metric_field(task, metric)]
    lines.append(field("trained", f"{fmt.duration(_trained_s(progress))}, {fmt.count(progress.step)} steps"))
    if progress.resumed_epoch:
        lines.append(field("resumed", f"from epoch {fmt.count(progress.resumed_epoch)}"))
    return lines


def _trained_s(progress: Progress) -> float:
    return progress.elapsed_s if progress.trained_s is None else progress.trained_s


def _gain(loss: float | None, baseline: float) -> str:
    if loss is None or baseline <= 0:
        return ""
    gain = 1 - loss / baseline
    return f", {abs(gain):.1%} {'better' if gain >= 0 else 'worse'}"


def _metric_field(task: TaskState, metric: Metric) -> list[Line]:
    """Return the metric's line, and below the headline metric what it is compared with."""
    value, baseline = task.metric(metric.name), task.info.baseline_loss
    if metric.kind == "speed":
        return [field(metric.label, f"{fmt.count(value or 0)} samples/s")]
    if metric.name == task.algorithm.validation:
        return [field(metric.label, f"{fmt.number(value)}, best {fmt.number(task.best)}")]
    if metric.kind == "validation" and value is None:
        return []
    if metric.name != task.algorithm.headline:
        return [field(metric.label, fmt.number(value))]
    lines = [field(metric.label, fmt.number(value), "strong")]
    if baseline is not None:
        lines.append(field("baseline", f"{fmt.number(baseline)}{_gain(value, baseline)}"))
    return lines
