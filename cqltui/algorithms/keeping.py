"""Which epochs' weights a task keeps beside its last ones, and where it stops early. Functions of its metrics alone, so
that whoever resumes a killed attempt, or checks a result, comes to what an undisturbed run does. Pure."""

import math
import re
from collections.abc import Iterable, Sequence

from cqltui.algorithms import named
from trainer.config import BEST, TrainerConfig
from trainer.progress import EpochMetrics

BEST_MODEL = "model_best.safetensors"
"""The weights of the best epoch, by the task's `keep_metric`."""
_EPOCH_MODEL = re.compile(r"model_e(\d{1,12})\.safetensors")


def epoch_model(epoch: int) -> str:
    """Return the file name of the weights after that epoch."""
    return f"model_e{epoch}.safetensors"


def epoch_of(name: str) -> int | None:
    """Return the epoch that such a file name tells; None for any other name."""
    found = _EPOCH_MODEL.fullmatch(name)
    return int(found[1]) if found else None


def chosen_epochs(config: TrainerConfig) -> frozenset[int]:
    """Return the epochs that the task keeps by number; those beyond its end are left out."""
    return frozenset(item for item in config.keep if isinstance(item, int) and item <= config.epochs)


def kept_names(config: TrainerConfig) -> tuple[str, ...]:
    """Return the names of all models that the task is to keep beside the last."""
    best = (BEST_MODEL,) if BEST in config.keep else ()
    return (*best, *(epoch_model(epoch) for epoch in sorted(chosen_epochs(config))))


class Best:
    """The epoch at which a metric was best so far: the first of equals."""

    def __init__(self, config: TrainerConfig, metric: str, min_delta: float = 0.0) -> None:
        """`min_delta`: what is better by no more than this is not better."""
        self.metric, self._min_delta = metric, min_delta
        self._sign = -1 if named(config.algorithm).is_higher_better(metric) else 1
        self.epoch = 0
        """0: it was not measured yet, or was no number."""
        self.value = math.nan

    def add(self, row: EpochMetrics) -> bool:
        """Take the next epoch's metrics; whether it is the best so far."""
        value = getattr(row, self.metric)
        if value is None or not math.isfinite(value):
            return False
        if self.epoch and not self._sign * (self.value - value) > self._min_delta:
            return False
        self.value, self.epoch = value, row.epoch
        return True


class Stopping:
    """Whether a task is to end before its last epoch. It may end at epochs that are validated by number only."""

    def __init__(self, config: TrainerConfig) -> None:
        self._rule, self._every = config.early_stop, config.validate_every
        self._best = Best(config, self._rule.metric, self._rule.min_delta) if self._rule else None
        self.epoch = 0
        """The epoch at which it ends; 0: it goes on."""
        self.reason = ""

    def add(self, row: EpochMetrics) -> None:
        """Take the next epoch's metrics."""
        rule, best = self._rule, self._best
        if rule is None or best is None or self.epoch or row.epoch % self._every or getattr(row, rule.metric) is None:
            return
        best.add(row)
        if row.epoch - best.epoch >= rule.patience:
            least = f" by more than {rule.min_delta:g}" if rule.min_delta else ""
            found = f"best {best.value:.4g} at epoch {best.epoch:,}" if best.epoch else "it was no number"
            self.epoch = row.epoch
            self.reason = (
                f"{rule.metric} has not improved{least} for {row.epoch - best.epoch:,} epochs until epoch "
                f"{row.epoch:,} ({found})"
            )


def best_epoch(config: TrainerConfig, rows: Iterable[EpochMetrics]) -> int:
    """Return the epoch whose weights are the best by the task's `keep_metric`; 0 if that was not measured."""
    best = Best(config, config.keep_metric)
    for row in rows:
        best.add(row)
    return best.epoch


def end_epoch(config: TrainerConfig, rows: Iterable[EpochMetrics]) -> int:
    """Return the epoch at which a task with these metrics ends."""
    stopping = Stopping(config)
    for row in rows:
        stopping.add(row)
    return stopping.epoch or config.epochs


def expected_kept(config: TrainerConfig, rows: Sequence[EpochMetrics]) -> dict[str, int]:
    """Return what models a finished task may have beside the last, by name, and of which epochs they are.

    Where the last epoch is the best, but is validated for being the last only, the best before it is kept by number
    too: it is what a task of more epochs, which goes on from here, has as its best.
    """
    last = rows[-1].epoch if rows else 0
    found = {epoch_model(epoch): epoch for epoch in sorted(chosen_epochs(config)) if epoch <= last}
    if BEST in config.keep:
        best = best_epoch(config, rows) or last
        before = best_epoch(config, due_rows(config, rows))
        found = {BEST_MODEL: best} | ({epoch_model(before): before} if before not in (0, best) else {}) | found
    return found


def due_rows(config: TrainerConfig, rows: Iterable[EpochMetrics]) -> Iterable[EpochMetrics]:
    """Return the rows without one that was validated for being the last only."""
    return (row for row in rows if is_due(config, row))


def is_due(config: TrainerConfig, row: EpochMetrics) -> bool:
    """Return whether a task of more epochs would have the same row."""
    return row.val_loss is None or row.epoch % config.validate_every == 0
