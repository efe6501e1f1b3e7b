"""Small materials for tests of the report: a campaign of a few tasks, of which a test gives the curves."""

import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from cqltui.campaign.load import campaign_from
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.report.material import Curves, Material, Provenance
from cqltui.results.record import TaskRecord, TaskResult, TaskStanding
from cqltui.results.rundir import RunDir
from cqltui.results.summary import summarize
from cqltui.state.model import Status
from trainer.config import param_count
from trainer.progress import METRIC_COLUMNS, EpochMetrics

Values = Mapping[str, Sequence[float] | npt.NDArray[np.float64]]
"""Metric -> its values from epoch 1 on; NaN where it was not measured."""

DIGEST = "0" * 64
CAMPAIGN = """
[campaign]
name = "small"
title = "A small campaign"
[data]
source = "simulated"
[trainer]
epochs = 4
alpha = 0.3
lr = 1e-4
hidden_dims = [8, 4]
[[phase]]
name = "quality"
title = "Quality"
priority = 8
goal = "the best loss"
[[phase.task]]
alpha = 0.3
[[phase.task]]
alpha = 0.5
[[phase]]
name = "ensemble"
title = "Ensemble"
priority = 6
goal = "how certain"
grid = { seed = [1, 2, 3] }
"""
"""Two phases: two alphas, and an ensemble of three seeds."""


def falling(task: TaskSpec) -> Values:
    """Return losses that halve each epoch, larger with alpha and the seed, validated in every second epoch and the
    last."""
    epochs = np.arange(1, task.trainer.epochs + 1)
    td = 0.5**epochs * (1 + task.trainer.seed / 100)
    cql = 2 * td
    validated = np.where((epochs % 2 == 0) | (epochs == epochs[-1]), 1.0, np.nan)
    return {
        "loss": td + task.trainer.alpha * cql,
        "td_loss": td,
        "cql_loss": cql,
        "q_mean": -td,
        "grad_norm": 10 * td,
        "samples_per_s": np.full(len(epochs), 1000.0),
        "val_loss": 3 * td * validated,
        "val_td_loss": 2 * td * validated,
        "val_cql_loss": td * validated,
    }


def campaign(text: str = CAMPAIGN) -> Campaign:
    """Return a campaign of simulated data, its tasks with their ids."""
    return campaign_from(tomllib.loads(text), Path("small.toml")).identified(DIGEST)


def curves(values: Values) -> Curves:
    """Return curves from epoch 1 on."""
    arrays = {name: np.asarray(its, np.float64) for name, its in values.items()}
    length = len(next(iter(arrays.values())))
    known = {name: arrays.get(name, np.full(length, np.nan)) for name in METRIC_COLUMNS if name != "epoch"}
    return Curves(np.arange(1, length + 1, dtype=np.float64), known)


def record(task: TaskSpec, found: Curves, *, worker: str = "w1", seconds: float = 8.0) -> TaskRecord:
    """Return the task as done, with the last epoch's metrics."""
    last: dict[str, Any] = {name: float(values[-1]) for name, values in found.metrics.items()}
    last |= {name: None for name, value in last.items() if name.startswith("val_") and np.isnan(value)}
    metrics = EpochMetrics(epoch=len(found.epochs), **last)
    result = TaskResult(
        task_id=task.id,
        digest=task.digest,
        phase=task.phase,
        run=1,
        attempt=1,
        attempts=1,
        token="1-1",
        worker=worker,
        device="cpu",
        started_ts=1000.0,
        finished_ts=1000.0 + seconds,
        seconds=seconds,
        samples_per_s=1000.0,
        epochs=len(found.epochs),
        params=param_count(task.trainer.hidden_dims, 6),
        metrics=metrics,
        best_val_loss=None,
        best_val_epoch=None,
        versions={},
    )
    return TaskRecord(task, TaskStanding(Status.DONE, attempts=1, token="1-1"), result)


def material(
    text: str = CAMPAIGN,
    values: Callable[[TaskSpec], Values] = falling,
    *,
    waiting: Collection[int] = (),
    **changes: Any,
) -> Material:
    """Return what a run of the campaign has left.

    Args:
        text: of the campaign file.
        values: the curves of a task.
        waiting: places of the tasks that are still queued, from 0.
        changes: fields of the material instead of the usual ones.
    """
    planned = campaign(text)
    found = {task.id: curves(values(task)) for place, task in enumerate(planned.tasks) if place not in waiting}
    records = tuple(
        record(task, found[task.id], worker=f"w{1 + place % 2}")
        if task.id in found
        else TaskRecord(task, TaskStanding(), None)
        for place, task in enumerate(planned.tasks)
    )
    return replace(
        Material(
            campaign=planned,
            records=records,
            summary=summarize(RunDir(Path("small")), planned, records, {phase.name: () for phase in planned.phases}),
            provenance=provenance(),
            curves=found,
        ),
        **changes,
    )


def provenance(**changes: Any) -> Provenance:
    """Return where the figures of a small run come from."""
    usual = Provenance(
        run="small",
        command=("cqltui", "small.toml", "--no-ui"),
        git_commit="0123456789abcdef",
        git_dirty=False,
        versions={"python": "3.12.0", "cqltui": "0.1.0", "numpy": "2.4.6"},
        platform="Linux-6.1-x86_64",
        data_source="simulated",
        data_path="",
        data_digest=DIGEST,
        rows={"train": 1675, "validation": 570, "test": 570},
        started_ts=1_795_748_605.0,
        finished_ts=1_795_749_159.0,
        placing={"wanted": "auto", "places": ["cpu", "cpu"], "precision": "fp32", "reason": ""},
    )
    return replace(usual, **changes)
