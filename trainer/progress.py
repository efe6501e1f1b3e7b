"""What a training run reports once an epoch, and the line it leaves in a log. Free of torch."""

from msgspec import Struct


class EpochMetrics(Struct, frozen=True):
    """Means over the steps of one epoch. Validation losses are None in the epochs that are not validated."""

    epoch: int
    """Epochs done, from 1."""
    loss: float
    """td_loss + alpha * cql_loss."""
    td_loss: float
    cql_loss: float
    """logsumexp_a Q(s, a) - Q(s, a_logged), before alpha."""
    q_mean: float
    """Mean of Q(s, a_logged)."""
    grad_norm: float
    """Before clipping."""
    samples_per_s: float
    val_loss: float | None = None
    val_td_loss: float | None = None
    val_cql_loss: float | None = None


METRIC_COLUMNS = EpochMetrics.__struct_fields__
"""The columns of metrics.csv, in order."""


def log_line(metrics: EpochMetrics, epochs: int) -> str:
    """Return `Epoch 210/2000 | Loss: 0.0949 | TD: ... | CQL: ... | Q: ...`: tail and grep are used on it in a worker's
    log."""
    line = (
        f"Epoch {metrics.epoch}/{epochs} | Loss: {metrics.loss:.4f} | TD: {metrics.td_loss:.4f}"
        f" | CQL: {metrics.cql_loss:.4f} | Q: {metrics.q_mean:.4f}"
    )
    return line if metrics.val_loss is None else f"{line} | Val: {metrics.val_loss:.4f}"
