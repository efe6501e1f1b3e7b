"""What is told of a training that has ended, made from its result. Pure."""

from collections.abc import Mapping
from typing import Any

from trainer.progress import METRIC_COLUMNS


def report_of(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """The report that the task ends with, as `decode.progress` reads it, from what result.json holds; None if there are
    no metrics in it. When it was accepted is
    not in it."""
    metrics = result.get("metrics")
    if not isinstance(metrics, Mapping):
        return None
    same = ("token", "epochs", "resumed_epoch", "elapsed_s", "best_val_loss", "curve")
    return {
        **{name: result[name] for name in same if name in result},
        "step": result.get("steps", 0),
        "trained_s": result.get("seconds"),
        **{name: metrics.get(name) for name in METRIC_COLUMNS},
    }
