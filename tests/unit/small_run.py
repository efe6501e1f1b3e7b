"""A small campaign of two phases, and what a run of it leaves."""

import csv
from pathlib import Path

import numpy as np
from msgspec import to_builtins
from msgspec.structs import astuple
from safetensors.numpy import save_file

from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.results.record import TaskResult, TaskStanding
from cqltui.results.rundir import RunDir, write_json
from cqltui.state.model import Status
from trainer.progress import METRIC_COLUMNS, EpochMetrics

FILE = """
[campaign]
name = "small"
[trainer]
epochs = 3
lr = 1e-4
hidden_dims = [64, 32]
seed = 42
[[phase]]
name = "quality"
title = "Quality"
priority = 8
[[phase.task]]
description = "Best, overall"
baseline_loss = 0.4
alpha = 0.3
[[phase.task]]
description = "Other"
alpha = 0.5
[[phase.criterion]]
text = "Everything completes"
check = "all_done"
[[phase.criterion]]
text = "Low loss"
metric = "loss"
op = "<"
value = 0.2
[[phase]]
name = "ensemble"
priority = 6
alpha = 0.3
[phase.grid]
seed = { from = 42, to = 44 }
[[phase.criterion]]
text = "They differ"
check = "ensemble_diversity"
"""


def metrics_of(loss: float, epochs: int = 3) -> list[EpochMetrics]:
    """A curve that ends at `loss`, with its lowest validation loss at epoch 2."""
    return [
        EpochMetrics(n, loss + (epochs - n) * 0.1, 0.1, 0.3, 0.05, 1.5, 1000.0 / 3, 0.5 + 0.01 * abs(n - 2), 0.4, 0.6)
        for n in range(1, epochs + 1)
    ]


def write_metrics(path: Path, metrics: list[EpochMetrics]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(METRIC_COLUMNS)
        writer.writerows(["" if value is None else value for value in astuple(row)] for row in metrics)


def finish(run_dir: RunDir, task: TaskSpec, loss: float) -> None:
    """Leave in the task's folder what a worker leaves after a training that ended with that loss."""
    folder = run_dir.task(task.id)
    folder.mkdir(parents=True)
    metrics = metrics_of(loss)
    write_metrics(run_dir.metrics_csv(task.id), metrics)
    q = np.full((5, 4), loss, np.float32)
    save_file({"q": q}, run_dir.q_heldout(task.id))
    result = TaskResult(
        task_id=task.id,
        digest=task.digest,
        phase=task.phase,
        run=1,
        attempt=2,
        attempts=2,
        token="1-7",
        worker="w1",
        device="cpu",
        started_ts=1.0,
        finished_ts=2.0,
        seconds=12.5,
        samples_per_s=1000.0 / 3,
        epochs=3,
        params=1,
        metrics=metrics[-1],
        best_val_loss=0.5,
        best_val_epoch=2,
        versions={"python": "3"},
    )
    write_json(run_dir.result_json(task.id), to_builtins(result))


def finish_all(run_dir: RunDir, campaign: Campaign) -> dict[str, TaskStanding]:
    for number, task in enumerate(campaign.tasks):
        finish(run_dir, task, 0.1 + number / 7)
    return {task.id: TaskStanding(Status.DONE, attempts=2) for task in campaign.tasks}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
