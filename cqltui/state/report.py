"""What is told of a training run that has ended, made from its result. Pure."""

from collections.abc import Mapping
from typing import Any


def report_of(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the report that the task ends with, as `decode.progress` reads it, from what result.json holds; None if
    there are no metrics in it."""
    metrics = result.get("metrics")
    if not isinstance(metrics, Mapping):
        return None
    same = ("token", "epochs", "resumed_epoch", "elapsed_s", "curve", "stopped_early")
    return {
        **{name: result[name] for name in same if name in result},
        "step": result.get("steps", 0),
        "best": result.get("best_val_loss"),
        "best_epoch": result.get("best_val_epoch"),
        "trained_s": result.get("seconds"),
        "epoch": metrics.get("epoch"),
        "metrics": {name: value for name, value in metrics.items() if name != "epoch"},
    }
