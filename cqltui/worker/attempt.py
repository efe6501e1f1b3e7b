"""One attempt at one task: its folder, its metrics, its checkpoints. It writes into its own folder and nowhere else,
so an attempt that lost its lease overwrites nothing."""

import logging
import math
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from cqltui.algorithms import named
from cqltui.algorithms.keeping import BEST_MODEL, Stopping
from cqltui.broker.protocol.records import Claim
from cqltui.campaign import payload
from cqltui.machine import cpu_model
from cqltui.results.rundir import RESULT_FILES, RunDir, read_metrics, within, write_json
from cqltui.results.tally import Tally
from cqltui.worker.failure import written
from cqltui.worker.keeper import Keeper
from cqltui.worker.metrics import MetricsFile
from trainer import checkpoint
from trainer.checkpoint import CheckpointError
from trainer.files import checkpoint_name, checkpoints
from trainer.model import Model
from trainer.progress import EpochMetrics, log_line

log = logging.getLogger(__name__)

WRITE_SHARE = 50
"""A checkpoint comes never sooner after the last than this many times as long as the last took to write, with those of
the task's pack mates."""
LOG_EVERY_EPOCHS = 10
LOG_EVERY_S = 2.0


class Attempt:
    """A claimed task while this worker has it."""

    def __init__(self, claim: Claim, run_dir: RunDir) -> None:
        self.claim = claim
        self.config = payload.read_trainer(claim.spec)
        self.epochs = self.config.epochs
        self.folder = within(run_dir, run_dir.attempt(claim.id, claim.run, claim.token))
        self.started_ts = time.time()
        self.resumed_epoch = 0
        self.saved_epoch = 0
        """Epochs in the newest checkpoint of this attempt."""
        self.noted_epoch = claim.checkpoint_epoch
        """The checkpoint that the server was told of last."""
        self.saved_report: dict[str, Any] | None = None
        """The report as of `saved_epoch`."""
        self.tally = Tally(
            named(self.config.algorithm), self.epochs, int(claim.spec["epoch_steps"]), self.config.batch_size
        )
        self._started = time.monotonic()
        self.checkpoint_s = float(claim.spec["checkpoint_s"])
        """Least seconds between two checkpoints."""
        self.cpus: tuple[str, ...] = (cpu_model(),)
        """The kinds of processors that have trained this run, the first one first, as far as that is known."""
        self._next_checkpoint = self._started + self.checkpoint_s
        self._last_log = -math.inf
        self._run_folder = run_dir.run(claim.id, claim.run)
        self._metrics: MetricsFile | None = None
        self._unwritten = False
        self._keeper = Keeper(claim.id, self.config, self.folder)
        self._stopping = Stopping(self.config)

    @property
    def id(self) -> str:
        """The task's id."""
        return self.claim.id

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self.tally.epoch

    @property
    def last(self) -> EpochMetrics | None:
        """The last epoch's metrics."""
        return self.tally.last

    @property
    def ended(self) -> bool:
        """Whether it has all its epochs, or is to stop early."""
        return self.epoch >= self.epochs or self._stopping.epoch > 0

    @property
    def elapsed_s(self) -> float:
        """Seconds since this attempt began to train."""
        return time.monotonic() - self._started

    def local_epoch(self) -> int:
        """Return the epoch of the newest checkpoint of this run on this machine, whether or not it can be used."""
        found = (path for folder in self._run_folder.glob("*/") for path in checkpoints(folder))
        return max((epoch for epoch, _ in found), default=0)

    def resume(self, restore: Callable[[checkpoint.Checkpoint], None], tell: Callable[[str], None]) -> None:
        """Begin, from the newest checkpoint of this run that can be used if there is one, with the metrics up to it.

        `restore` goes there, or raises CheckpointError for a checkpoint of another training run. `tell`: a warning
        for the user. Raises OSError if the attempt's files cannot be written; nothing is left of them then.
        """
        rows: list[EpochMetrics] = []

        def accept(path: Path, saved: checkpoint.Checkpoint) -> None:
            if saved.epoch > self.epochs:
                raise CheckpointError(f"it is of epoch {saved.epoch}, the task has {self.epochs}")
            found = [row for row in read_metrics(path.parent / "metrics.csv") if row.epoch <= saved.epoch]
            if len(found) != saved.epoch or [row.epoch for row in found] != list(range(1, saved.epoch + 1)):
                raise CheckpointError("the metrics beside it are incomplete")
            kept = self._keeper.found_beside(path.parent, saved, found)
            restore(saved)
            rows[:] = found
            self._keeper.start(kept, rows)

        found = checkpoint.newest_good(self._run_folder.glob("*/"), accept)
        self.resumed_epoch = found.checkpoint.epoch if found.checkpoint else 0
        self.saved_epoch = self.resumed_epoch
        self._warn(found, tell)
        for path, _ in found.bad:  # one that was fetched: nobody else is to meet it
            if path.parent == self.folder:
                path.unlink(missing_ok=True)
        try:
            self._metrics = MetricsFile(self.folder / "metrics.csv", rows)
            if found.checkpoint is not None:
                self._keeper.write()  # first: a checkpoint without the models that were kept until then is of no use
                checkpoint.write(self.folder / checkpoint_name(self.resumed_epoch), found.checkpoint)
        except OSError:
            if found.path is None or found.path.parent != self.folder:  # else it holds what the next attempt needs
                shutil.rmtree(self.folder, ignore_errors=True)
            raise
        for row in rows:
            self.tally.add(row)
            self._stopping.add(row)
        self._started = time.monotonic()
        self._next_checkpoint = self._started + self.checkpoint_s
        if found.checkpoint is not None:
            self.saved_report = self.report()
            log.info("%s resumes at epoch %d", self.id, self.resumed_epoch)

    def _warn(self, found: checkpoint.Found, tell: Callable[[str], None]) -> None:
        """Say which checkpoints could not be used, if any."""
        if not found.bad:
            return
        reasons = [
            f"{path.stem} of attempt {path.parent.name} passed over: {reason.removeprefix(f'{path}: ')}"
            for path, reason in found.bad
        ]
        for reason in reasons:
            log.warning("%s %s", self.id, reason)
        others = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        outcome = f"it goes on from epoch {self.resumed_epoch}" if self.resumed_epoch else "it starts again"
        tell(f"task {self.id}: {reasons[0]}{others}; {outcome}")

    def record(self, metrics: EpochMetrics) -> None:
        """Take the epoch's metrics into file, curve and log."""
        self.tally.add(metrics)
        self._file.add(metrics)
        self._stopping.add(metrics)
        if self._stopping.epoch:
            log.info("%s stops early: %s", self.id, self._stopping.reason)
        now = time.monotonic()
        regular = metrics.epoch == 1 or self.ended or metrics.epoch % LOG_EVERY_EPOCHS == 0
        if regular or now - self._last_log >= LOG_EVERY_S:
            self._last_log = now
            log.info("%s %s", self.id, log_line(metrics, self.epochs))

    def keep(self, metrics: EpochMetrics, model: Callable[[], Model]) -> None:
        """Keep the weights as they are after this epoch, if they are to be kept; `model` copies them."""
        self._keeper.add(metrics, model)

    @property
    def failed(self) -> bool:
        """Whether the last epoch's loss is no number any more."""
        return self.last is not None and not math.isfinite(self.last.loss)

    @property
    def checkpoint_due(self) -> bool:
        """Whether the next end of an epoch is to be saved."""
        return time.monotonic() >= self._next_checkpoint

    def save(self, state: checkpoint.Checkpoint, members: int = 1) -> str:
        """Write a checkpoint, and drop all but the newest two. Why it could not be written; "" if it was.

        A disk that refuses leaves the one before intact, and training goes on. `members` of the pack write one each.
        """
        pause_s, trouble = self.checkpoint_s, ""
        try:
            self._file.sync()  # a checkpoint without the rows before it is of no use
            self._keeper.write()  # nor is one without the models that were kept until then
            done = checkpoint.write(self.folder / checkpoint_name(state.epoch), state)
            self.saved_epoch, self.saved_report = state.epoch, self.report()
            pause_s = max(pause_s, WRITE_SHARE * done.seconds * members)
            checkpoint.prune(self.folder)
            self._keeper.prune(epoch for epoch, _ in checkpoints(self.folder))
        except OSError as error:
            trouble = written(error)
            log.warning("%s checkpoint of epoch %d could not be written: %s", self.id, state.epoch, trouble)
        self._next_checkpoint = time.monotonic() + pause_s
        return trouble

    def keep_end(self, state: checkpoint.Checkpoint) -> None:
        """Leave the end as a checkpoint too, for a task of more epochs to go on from: without it, it begins anew."""
        try:
            checkpoint.write(self.folder / checkpoint_name(state.epoch), state, durable=False)
        except OSError as error:
            log.warning("%s its last checkpoint could not be written: %s", self.id, written(error))

    def flush(self) -> None:
        """Let a reader of metrics.csv see every row so far; on a full disk it sees them later."""
        try:
            self._file.flush()
        except OSError as error:
            if not self._unwritten:
                log.warning("%s its metrics wait in memory: %s", self.id, written(error))
            self._unwritten = True
        else:
            self._unwritten = False

    @property
    def _file(self) -> MetricsFile:
        if self._metrics is None:
            raise RuntimeError(f"attempt at {self.id}: `resume` comes first")
        return self._metrics

    def close(self) -> None:
        """Close the files; the attempt is over here."""
        if self._metrics is not None:
            self._metrics.close()

    def progress(self, step: int, *, curve: bool = True) -> dict[str, Any]:
        """Return the task's part of a progress message. `step`: training steps done, epochs of earlier attempts
        included. `curve`: whether somebody is to see it."""
        told = self.report() | {"task": self.id, "step": step}
        return told if curve else {name: value for name, value in told.items() if name != "curve"}

    def report(self) -> dict[str, Any]:
        """Return how the training run stands as of its last whole epoch, as `decode.progress` reads it."""
        return self.tally.report() | self._own()

    def _own(self) -> dict[str, Any]:
        """Return what is of this attempt in its reports and its result."""
        own = {"token": self.claim.token, "resumed_epoch": self.resumed_epoch}
        return own | {"elapsed_s": round(self.elapsed_s, 3)}

    def result(self, worker: dict[str, Any], versions: dict[str, str], kept: Mapping[str, int]) -> dict[str, Any]:
        """Return what `complete` records and result.json holds. `seconds` are of training, over all attempts of the
        run; `kept` as of `write_models`."""
        if self.last is None:
            raise ValueError(f"task {self.id} has trained no epoch: there is no result")
        return {
            "task_id": self.id,
            "digest": self.claim.spec["digest"],
            "phase": self.claim.spec["phase"],
            "run": self.claim.run,
            "attempt": self.claim.attempt,
            "attempts": self.claim.attempt,
            **self._own(),
            "worker": worker["id"],
            "device": worker["device"],
            "cpu": "; ".join(dict.fromkeys(self.cpus)),
            "started_ts": self.started_ts,
            "finished_ts": time.time(),
            "seconds": round(self.tally.trained_s, 3),
            "samples_per_s": self.tally.samples_per_s,
            "epochs": self.epoch,
            "stopped_early": self._stopping.reason if self.epoch < self.epochs else "",
            "params": self.claim.spec["params"],
            "steps": self.tally.report()["step"],
            "metrics": to_builtins(self.last),
            "best_val_loss": self.tally.best[0] if self.tally.best else None,
            "best_val_epoch": self.tally.best[1] if self.tally.best else None,
            "kept": dict(kept),
            "curve": self.tally.curve(),
            "versions": versions,
        }

    def write_models(self, last: Model) -> dict[str, int]:
        """Write the models of the result: the last epoch's, and those kept beside it, whose epochs are returned by
        name. Raises OSError."""
        self._file.sync()
        self._keeper.write_last(last, self.epoch)
        return self._keeper.finish(last, read_metrics(self.folder / "metrics.csv"))

    def publish_result(self, result: dict[str, Any]) -> None:
        """Leave result.json in the attempt's folder; the supervisor publishes it once `complete` was accepted.

        Raises OSError, as does what comes before; then `discard_result`.
        """
        self._file.sync()
        write_json(self.folder / "result.json", result)

    def discard_result(self) -> None:
        """Give back the room of a result that could not be written as a whole."""
        for name in (*RESULT_FILES, BEST_MODEL):
            if name != "metrics.csv":  # that belongs to the checkpoints, as models of epochs by number do
                (self.folder / name).unlink(missing_ok=True)
