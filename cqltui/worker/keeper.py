"""The weights that an attempt keeps beside the last: of epochs chosen by number, and of the best so far.

Each lies in the attempt's folder, under its epoch's name, before a checkpoint of that epoch or a later one is written,
and as long as a checkpoint needs it. So whoever resumes from one finds beside it all that was kept until then.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import to_builtins

from cqltui.algorithms.keeping import BEST_MODEL, Best, best_epoch, chosen_epochs, epoch_model, expected_kept, is_due
from trainer.checkpoint import Checkpoint, CheckpointError
from trainer.config import BEST, TrainerConfig
from trainer.files import replace_file
from trainer.model import Model, read_model, write_model
from trainer.progress import EpochMetrics
from trainer.tensorfile import TensorFileError

log = logging.getLogger(__name__)


class Keeper:
    """Of one attempt."""

    def __init__(self, task_id: str, config: TrainerConfig, folder: Path) -> None:
        self._task_id, self._config, self._folder = task_id, config, folder
        self._chosen = chosen_epochs(config)
        self._best = Best(config, config.keep_metric)
        self._waiting: dict[int, Model] = {}
        """Models that are not on the disk yet, by epoch."""
        self._written: set[int] = set()
        self._best_of: dict[int, int] = {}
        """The best epoch as of each checkpoint; 0 for none."""

    def found_beside(self, folder: Path, saved: Checkpoint, rows: Sequence[EpochMetrics]) -> dict[int, Model]:
        """Return the models that were kept until a checkpoint, by epoch: as many of those that the task keeps as were
        asked for when it was written.

        Raises CheckpointError where one is missing or damaged: trained again from an earlier checkpoint it is the same.
        """
        asked = saved.config.get("keep")
        asked = asked if isinstance(asked, list) else []  # of a version that kept none
        epochs = {epoch for epoch in self._chosen if epoch <= saved.epoch and epoch in asked}
        told_by = (self._config.keep_metric, self._config.validate_every)
        best = best_epoch(self._config, rows) if BEST in self._config.keep and BEST in asked else 0
        # Told by another metric, or other validations, the best until here may have been another.
        is_same = told_by == (saved.config.get("keep_metric"), saved.config.get("validate_every"))
        if best and (is_same or (folder / epoch_model(best)).exists()):
            epochs.add(best)
        found = {}
        for epoch in sorted(epochs):
            try:
                model = read_model(folder / epoch_model(epoch))
            except TensorFileError as error:
                raise CheckpointError(f"the model kept of epoch {epoch} beside it cannot be used: {error}") from error
            if model.details.get("epoch") != epoch:
                raise CheckpointError(f"{epoch_model(epoch)} beside it is not of epoch {epoch}")
            found[epoch] = model
        return found

    def start(self, kept: Mapping[int, Model], rows: Iterable[EpochMetrics]) -> None:
        """Take over what was kept until a checkpoint, to be written to the own folder."""
        self._best = Best(self._config, self._config.keep_metric)
        last = 0
        for row in rows:
            self._best.add(row)
            last = row.epoch
        self._waiting = dict(kept)
        self._best_of = {last: self._best.epoch}

    def add(self, metrics: EpochMetrics, model: Callable[[], Model]) -> None:
        """Take an epoch. One chosen by number is written at once, where the disk lets it; the best with the next
        checkpoint, since a better one may come first."""
        former = self._best.epoch
        improved = self._best.add(metrics) and BEST in self._config.keep
        chosen = metrics.epoch in self._chosen
        if improved and former not in self._chosen and is_due(self._config, metrics):
            self._waiting.pop(former, None)
        if improved or chosen:
            self._waiting[metrics.epoch] = model()
        if chosen:
            try:
                self._write(metrics.epoch)
            except OSError as error:
                log.warning("%s its weights of epoch %d wait in memory: %s", self._task_id, metrics.epoch, error)

    def write(self) -> None:
        """Put what waits on the disk. Raises OSError; what could not be written waits on."""
        for epoch in sorted(self._waiting):
            self._write(epoch)

    def prune(self, checkpoints: Iterable[int]) -> None:
        """Delete the models that none of these checkpoints of the folder needs; the newest was written just now."""
        epochs = sorted(checkpoints, reverse=True)
        self._best_of = {epoch: self._best_of.get(epoch, self._best.epoch) for epoch in epochs}
        for epoch in self._written - self._chosen - set(self._best_of.values()):
            (self._folder / epoch_model(epoch)).unlink(missing_ok=True)
            self._written.discard(epoch)

    def write_last(self, model: Model, epoch: int) -> None:
        """Write the result's own model. Raises OSError."""
        self._write_model("model.safetensors", model, epoch)

    def finish(self, last: Model, rows: Sequence[EpochMetrics]) -> dict[str, int]:
        """Bring all models to be kept into place; their epochs by name. Raises OSError.

        One that was asked for after its epoch had passed is left out.
        """
        self.write()
        kept = {}
        for name, epoch in expected_kept(self._config, rows).items():
            if epoch == rows[-1].epoch:
                self._write_model(name, last, epoch)
            elif epoch not in self._written:
                log.warning("%s %s is not kept: epoch %d had passed when it was asked for", self._task_id, name, epoch)
                continue
            elif name == BEST_MODEL:  # a copy: a checkpoint may need the other
                replace_file(self._folder / epoch_model(epoch), self._folder / name)
            kept[name] = epoch
        return kept

    def _write(self, epoch: int) -> None:
        self._write_model(epoch_model(epoch), self._waiting[epoch], epoch)
        del self._waiting[epoch]
        self._written.add(epoch)

    def _write_model(self, name: str, model: Model, epoch: int) -> None:
        details = {"task": self._task_id, "config": to_builtins(self._config), "epoch": epoch}
        write_model(self._folder / name, model, details)
