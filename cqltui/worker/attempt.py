"""One attempt at one task: its folder, its metrics, its checkpoints. It writes into its own folder and nowhere else,
so an attempt that lost its lease overwrites nothing."""

import csv
import logging
import math
import os
import time
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from cqltui.broker.records import Claim
from cqltui.campaign import payload
from cqltui.results.rundir import RunDir, read_metrics, write_json
from cqltui.worker.curve import is_kept, thinned
from trainer import checkpoint
from trainer.progress import METRIC_COLUMNS, EpochMetrics, log_line

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
        self.folder = run_dir.attempt(claim.id, claim.run, claim.token)
        self.started_ts = time.time()
        self.resumed_epoch = 0
        self.last: EpochMetrics | None = None
        self.best: tuple[float, int] | None = None
        """(held-out loss, epoch) of the lowest."""
        self._curve: list[tuple[int, float]] = []
        self._started = time.monotonic()
        self._epoch_samples = int(claim.spec["epoch_steps"]) * self.config.batch_size
        self._train_s = 0.0
        self._checkpoint_s = float(claim.spec["checkpoint_s"])
        self._next_checkpoint = self._started + self._checkpoint_s
        self._last_log = -math.inf
        self._run_folder = run_dir.run(claim.id, claim.run)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._metrics = (self.folder / "metrics.csv").open("a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._metrics, lineterminator="\n")

    @property
    def id(self) -> str:
        """The task's id."""
        return self.claim.id

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self.last.epoch if self.last else 0

    @property
    def elapsed_s(self) -> float:
        """Seconds since this attempt began to train."""
        return time.monotonic() - self._started

    def resume(self) -> checkpoint.Checkpoint | None:
        """The newest good checkpoint of this run, with the metrics up to it taken over, or None for a fresh start."""
        found = self._newest()
        rows: list[EpochMetrics] = []
        if found is not None:
            source, saved = found
            rows = [row for row in read_metrics(source.parent / "metrics.csv") if row.epoch <= saved.epoch]
            if len(rows) != saved.epoch:
                log.warning("%s metrics beside %s are incomplete: starting again", self.id, source.name)
                rows, found = [], None
        self._metrics.truncate(0)
        self._writer.writerow(METRIC_COLUMNS)
        for row in rows:
            self._take(row)
        self._metrics.flush()
        self._started = time.monotonic()
        self._next_checkpoint = self._started + self._checkpoint_s
        if found is None:
            return None
        self.resumed_epoch = found[1].epoch
        checkpoint.write(self.folder / checkpoint.checkpoint_name(self.resumed_epoch), found[1])
        log.info("%s resumes at epoch %d", self.id, self.resumed_epoch)
        return found[1]

    def _newest(self) -> tuple[Path, checkpoint.Checkpoint] | None:
        """The newest checkpoint of the run that is whole and of this training."""
        found = checkpoint.newest_good(self._run_folder.glob("*/"))
        for _, reason in found.bad:
            log.warning("%s checkpoint passed over: %s", self.id, reason)
        if found.path is None or found.checkpoint is None:
            return None
        try:
            found.checkpoint.check(self.config, str(self.claim.spec["data_digest"]))
        except checkpoint.CheckpointError as error:
            log.warning("%s starts again: %s", self.id, error)
            return None
        return found.path, found.checkpoint

    def record(self, metrics: EpochMetrics) -> None:
        """Take the epoch's metrics into file, curve and log."""
        self._take(metrics)
        now = time.monotonic()
        regular = metrics.epoch in (1, self.epochs) or metrics.epoch % LOG_EVERY_EPOCHS == 0
        if regular or now - self._last_log >= LOG_EVERY_S:
            self._last_log = now
            log.info("%s %s", self.id, log_line(metrics, self.epochs))

    def _take(self, metrics: EpochMetrics) -> None:
        self.last = metrics
        if metrics.samples_per_s > 0:
            self._train_s += self._epoch_samples / metrics.samples_per_s
        self._writer.writerow(["" if value is None else value for value in astuple(metrics)])
        if is_kept(metrics.epoch, self.epochs):
            self._curve += thinned([metrics], self.epochs)
        if metrics.val_loss is not None and (self.best is None or metrics.val_loss < self.best[0]):
            self.best = metrics.val_loss, metrics.epoch

    @property
    def failed(self) -> bool:
        """Whether the last epoch's loss is no number any more."""
        return self.last is not None and not math.isfinite(self.last.loss)

    @property
    def checkpoint_due(self) -> bool:
        """Whether the next end of an epoch shall be saved."""
        return time.monotonic() >= self._next_checkpoint

    def save(self, state: checkpoint.Checkpoint, members: int = 1) -> None:
        """Write a checkpoint, and drop all but the newest two. A disk that refuses leaves the one before intact.

        `members` of the pack write one each.
        """
        self._metrics.flush()
        os.fsync(self._metrics.fileno())  # a checkpoint without the rows before it is of no use
        pause_s = self._checkpoint_s
        try:
            written = checkpoint.write(self.folder / checkpoint.checkpoint_name(state.epoch), state)
            pause_s = max(pause_s, WRITE_SHARE * written.seconds * members)
            checkpoint.prune(self.folder)
        except OSError as error:
            log.warning("%s checkpoint of epoch %d could not be written: %s", self.id, state.epoch, error)
        self._next_checkpoint = time.monotonic() + pause_s

    def flush(self) -> None:
        """Let a reader of metrics.csv see every row so far."""
        self._metrics.flush()

    def close(self) -> None:
        """Close the files; the attempt is over here."""
        self._metrics.close()

    def progress(self, step: int) -> dict[str, Any]:
        """The task's part of a progress message. `step`: training steps done, epochs of earlier attempts included."""
        last = self.last
        report: dict[str, Any] = {
            "task": self.id,
            "token": self.claim.token,
            "step": step,
            "epoch": self.epoch,
            "epochs": self.epochs,
            "resumed_epoch": self.resumed_epoch,
            "elapsed_s": round(self.elapsed_s, 3),
            "best_val_loss": self.best[0] if self.best else None,
            "curve": [(epoch, round(loss, 6)) for epoch, loss in self._curve if math.isfinite(loss)],
        }
        if last is not None:
            finite = {name: value for name, value in asdict(last).items() if value is not None and math.isfinite(value)}
            report |= {name: finite.get(name) for name in ("loss", "td_loss", "cql_loss", "q_mean", "grad_norm")}
            report |= {"samples_per_s": finite.get("samples_per_s", 0.0), "val_loss": finite.get("val_loss")}
        return report

    def result(self, worker: dict[str, Any], versions: dict[str, str]) -> dict[str, Any]:
        """What `complete` records and result.json holds. `seconds` are of training, over all attempts of the run."""
        if self.last is None:
            raise ValueError(f"task {self.id} has trained no epoch: there is no result")
        return {
            "task_id": self.id,
            "digest": self.claim.spec["digest"],
            "phase": self.claim.spec["phase"],
            "run": self.claim.run,
            "attempt": self.claim.attempt,
            "attempts": self.claim.attempt,
            "token": self.claim.token,
            "worker": worker["id"],
            "device": worker["device"],
            "started_ts": self.started_ts,
            "finished_ts": time.time(),
            "seconds": round(self._train_s, 3),
            "samples_per_s": round(self.epochs * self._epoch_samples / self._train_s, 1) if self._train_s else 0.0,
            "epochs": self.epochs,
            "params": self.claim.spec["params"],
            "metrics": asdict(self.last),
            "best_val_loss": self.best[0] if self.best else None,
            "best_val_epoch": self.best[1] if self.best else None,
            "versions": versions,
        }

    def publish_result(self, result: dict[str, Any]) -> None:
        """Leave result.json in the attempt's folder; the supervisor publishes it once `complete` was accepted."""
        self._metrics.flush()
        write_json(self.folder / "result.json", result)
