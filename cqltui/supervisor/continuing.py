"""Puts the checkpoint of a finished task where one of more epochs finds it."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from cqltui.algorithms.keeping import epoch_model, epoch_of
from cqltui.campaign.difference import ContinuedTask
from cqltui.results.known import CARRIED, newest_saved
from cqltui.results.rundir import METRICS_HEADER, RunDir, metrics_lines, within
from trainer.files import make_folder, replace_file, write_bytes
from trainer.model import read_model
from trainer.progress import EpochMetrics
from trainer.tensorfile import TensorFileError

log = logging.getLogger(__name__)


def carry_over(run_dir: RunDir, tasks: Iterable[ContinuedTask]) -> None:
    """Give each task the checkpoint and the metrics of the one it goes on from, in a folder of its run.

    A worker resumes there as from an attempt before. Without it, on a full disk or on another machine, the task is
    trained from the start, to the same result.
    """
    for item in tasks:
        try:
            _carry(run_dir, item)
        except OSError as error:
            log.warning("task %s cannot go on from %s, it starts again: %s", item.task.id, item.source.id, error)


def _carry(run_dir: RunDir, item: ContinuedTask) -> None:
    saved = newest_saved(run_dir, item.source.id, item.source.run)
    if saved is None:
        raise FileNotFoundError(f"its checkpoint is gone from {run_dir.task(item.source.id)}")
    folder = within(run_dir, run_dir.attempt(item.task.id, item.run, f"{CARRIED}{item.source.id}"))
    rows = (_as_of(row, item.task.trainer.validate_every) for row in saved.rows)
    _link_models(saved.path.parent, folder)
    write_bytes(folder / "metrics.csv", METRICS_HEADER + metrics_lines(rows))
    _link(saved.path, folder / saved.path.name)


def _as_of(row: EpochMetrics, validate_every: int) -> EpochMetrics:
    """Return the epoch as the longer training has it: the end of the shorter was validated, whatever its number."""
    is_due = row.epoch % validate_every == 0
    return row if is_due else replace(row, val_loss=None, val_td_loss=None, val_cql_loss=None)


def _link_models(source: Path, folder: Path) -> None:
    """Put the models that were kept beside a checkpoint beside its copy, each under its epoch's name."""
    for path in source.glob("model_*.safetensors"):
        epoch = epoch_of(path.name)
        if epoch is None:
            try:
                epoch = read_model(path).details.get("epoch")
            except TensorFileError as error:
                log.warning("%s is left behind: %s", path, error)
        if isinstance(epoch, int):
            _link(path, folder / epoch_model(epoch))


def _link(source: Path, target: Path) -> None:
    """Give the same file a second name, which takes no room; a copy where that is not to be had."""
    make_folder(target.parent)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        replace_file(source, target)
