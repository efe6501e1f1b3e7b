"""What the epochs of a run come to so far: what its worker reports, and what its metrics.csv says to a later reader."""

import math
from typing import Any

from cqltui.algorithms.base import Algorithm
from trainer.progress import EpochMetrics

POINTS = 60
"""Of a curve, as it travels with each report."""


def is_kept(epoch: int, epochs: int) -> bool:
    """Return whether the curve keeps its point of this epoch: a matter of the epoch alone, so every reader sees the
    same."""
    stride = max(1, -(-epochs // POINTS))
    return epoch == 1 or epoch == epochs or epoch % stride == 0


class Tally:
    """Takes one epoch's metrics after the other."""

    def __init__(self, algorithm: Algorithm, epochs: int, epoch_steps: int, batch_size: int) -> None:
        """`epochs`: of the whole task."""
        self._algorithm = algorithm
        self._names = algorithm.metric_names()
        self.last: EpochMetrics | None = None
        self.best: tuple[float, int] | None = None
        """(validation metric, epoch) of the best."""
        self.trained_s = 0.0
        self._epochs, self._epoch_steps, self._epoch_samples = epochs, epoch_steps, epoch_steps * batch_size
        self._known: dict[str, float] = {}
        """The latest value of each metric: not every epoch is validated."""
        self._curve: list[tuple[int, float]] = []

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self.last.epoch if self.last else 0

    @property
    def samples_per_s(self) -> float:
        """Over all epochs."""
        return round(float(self.epoch) * self._epoch_samples / self.trained_s, 1) if self.trained_s else 0.0

    def add(self, metrics: EpochMetrics) -> None:
        """Take an epoch."""
        self.last = metrics
        for name in self._names:
            if (value := getattr(metrics, name)) is not None:
                self._known[name] = value
        if metrics.samples_per_s > 0:
            self.trained_s += self._epoch_samples / metrics.samples_per_s
        if is_kept(metrics.epoch, self._epochs):
            self._curve.append((metrics.epoch, getattr(metrics, self._algorithm.headline)))
        val = getattr(metrics, self._algorithm.validation)
        if val is not None and math.isfinite(val) and (self.best is None or val < self.best[0]):
            self.best = val, metrics.epoch

    def curve(self) -> list[tuple[int, float]]:
        """Return (epoch, headline metric) of the epochs that are kept and of the latest, as far as they are numbers."""
        points = [*self._curve]
        if self.last is not None and not (points and points[-1][0] == self.epoch):
            points.append(
                (self.epoch, getattr(self.last, self._algorithm.headline))
            )  # of a long training few points are kept
        return [(epoch, round(loss, 6)) for epoch, loss in points if math.isfinite(loss)]

    def report(self) -> dict[str, Any]:
        """Return what `decode.progress` reads, but for what only the attempt knows."""
        return {
            "epoch": self.epoch,
            "step": self.epoch * self._epoch_steps,
            "epochs": self._epochs,
            "trained_s": round(self.trained_s, 3),
            "best": self.best[0] if self.best else None,
            "best_epoch": self.best[1] if self.best else None,
            "metrics": {name: value if math.isfinite(value) else None for name, value in self._known.items()},
            "curve": self.curve(),
        }
