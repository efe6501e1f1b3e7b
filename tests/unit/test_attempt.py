"""What an attempt tells of its training."""

from trainer.progress import EpochMetrics

EPOCHS = 1_000_000
VALIDATED = 10


def row(epoch: int, val_loss: float | None = None) -> EpochMetrics:
    """An epoch's metrics."""
    return EpochMetrics(epoch, 1 / epoch, 0.5 / epoch, 0.5 / epoch, 0.1, 1.0, 100.0, val_loss, val_loss, val_loss)
