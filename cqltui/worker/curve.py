"""The bounded loss curve that travels with a task's progress. Pure."""

from collections.abc import Iterable

from trainer.progress import EpochMetrics

POINTS = 60


def stride(epochs: int) -> int:
    """Every how many epochs a point is kept, so that at most some `POINTS` are."""
    return max(1, -(-epochs // POINTS))


def is_kept(epoch: int, epochs: int) -> bool:
    """Whether the curve keeps its point of this epoch: a matter of the epoch alone, so every reader sees the same."""
    return epoch == 1 or epoch == epochs or epoch % stride(epochs) == 0


def thinned(rows: Iterable[EpochMetrics], epochs: int) -> list[tuple[int, float]]:
    """(epoch, loss) of the epochs that are kept."""
    return [(row.epoch, row.loss) for row in rows if is_kept(row.epoch, epochs)]
