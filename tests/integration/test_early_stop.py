"""Tasks that end before their last epoch: in a pack, killed in between, in tables, status and the next start."""

import csv
import json
import os
import signal
from pathlib import Path

import pytest

from cqltui.app import devices
from cqltui.app.dataset import load_data
from cqltui.broker.protocol.queue import Queue
from cqltui.campaign import payload
from cqltui.campaign.load import load_campaign
from cqltui.results.rundir import read_metrics
from cqltui.state.eta import estimate
from cqltui.state.model import Status
from cqltui.supervisor.submissions import submissions
from tests.integration.place import ONE_WORKER, Place, until
from tests.integration.sessions import ONE, OneTask
from trainer import data
from trainer.files import checkpoints
from trainer.model import read_model
from trainer.train import PackTrainer

EPOCHS = 2000
PATIENCE = 30
FILE = f"""
[campaign]
name = "small"
[data]
source = "simulated"
[trainer]
alpha = 0.3
precision = "fp32"
lr = 1e-2
epochs = {EPOCHS}
hidden_dims = [32]
early_stop = {{ patience = {PATIENCE}, min_delta = 0.0 }}
{ONE_WORKER}[[phase]]
name = "ensemble"
priority = 5
[phase.grid]
seed = {{ from = 1, to = 3 }}
"""


def stopped_alone(file: Path) -> dict[str, tuple[list[float], bytes]]:
    """The losses of each task up to where it has to stop, and its last weights, trained by itself."""
    campaign, summary = load_data(load_campaign(file).with_auto_precision(devices.auto_precision(["cpu"])))
    found = {}
    for task in submissions(campaign, summary):
        trainer = PackTrainer([payload.read_trainer(task.spec)], data.load(payload.read_data(task.spec)))
        losses, best, best_epoch = [], float("inf"), 0
        for epoch in range(1, EPOCHS + 1):
            row = trainer.run_epoch()[0]
            losses.append(row.loss)
            if row.val_td_loss is not None and row.val_td_loss < best:
                best, best_epoch = row.val_td_loss, epoch
            if epoch % 10 == 0 and epoch - best_epoch >= PATIENCE:
                break
        found[task.id] = losses, trainer.model(0).tensors["head.weight"].tobytes()
    return found


def test_tasks_of_a_pack_stop_early_and_a_kill_changes_nothing(place: Place) -> None:
    place.campaign.write_text(FILE, encoding="utf-8")
    alone = stopped_alone(place.campaign)
    ends = {task_id: len(losses) for task_id, (losses, _) in alone.items()}
    assert len(ends) == 3
    assert max(ends.values()) < EPOCHS / 2
    place.slow_down()
    campaign = place.begin()
    until(place.under_way, "a checkpoint")
    for pid in place.worker_pids().values():
        os.kill(pid, signal.SIGKILL)
    place.speed_up()
    campaign.ends(0)
    place.check_journal()

    for task_id, (losses, head) in alone.items():
        assert [row.loss for row in read_metrics(place.run_dir.metrics_csv(task_id))] == losses
        assert read_model(place.run_dir.model(task_id)).tensors["head.weight"].tobytes() == head
        result = place.result(task_id)
        assert (result["epochs"], result["attempt"]) == (ends[task_id], 2)
        assert result["stopped_early"].startswith(f"val_td_loss has not improved for {PATIENCE} epochs until epoch ")
        best = read_model(place.run_dir.task(task_id) / "model_best.safetensors")
        assert best.details["epoch"] == ends[task_id] - PATIENCE

    with (place.run_dir.results / "phase1_ensemble_results.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["task_id"]: int(row["ended_epoch"]) for row in rows} == ends
    assert {row["status"] for row in rows} == {"done"}
    assert all("has not improved" in row["stopped_early"] for row in rows)
    assert rows[0]["early_stop"] == f"patience {PATIENCE}, metric val_td_loss, min_delta 0"

    status = json.loads(place.ask("status", "--json").out)
    assert {task["id"]: task["epochs_done"] for task in status["tasks"]} == ends
    assert [(phase["epochs_done"], phase["epochs_total"]) for phase in status["phases"]] == [(sum(ends.values()),) * 2]
    assert place.ask("status", "--tasks").out.count("stopped early: val_td_loss has not improved") == 3

    tokens = place.tokens()
    place.complete()
    assert place.tokens() == tokens, "nothing was trained again"
    longer = FILE.replace(f"epochs = {EPOCHS}", f"epochs = {EPOCHS + 1}")
    place.campaign.write_text(longer, encoding="utf-8")
    said = json.loads(place.ask("plan", place.campaign.name, "--json").out)["difference"]
    assert (len(said["new"]), len(said["continued"]), len(said["withdrawn"])) == (3, 0, 3)


STOPPING = ONE.replace("epochs = 1000000", "epochs = 1000000\nearly_stop = { patience = 100 }\nvalidate_every = 5")


@pytest.mark.parametrize("is_told", [True, False])
def test_a_worker_that_dies_at_the_end_leaves_a_task_that_ends_there(
    queue: Queue, tmp_path: Path, is_told: bool
) -> None:
    """The checkpoint of the end is there; the result, where `is_told`, is too."""
    task = OneTask(queue, tmp_path, STOPPING)
    complete, queue.complete = queue.complete, lambda *_: True  # type: ignore[method-assign]
    task.train()
    first, (newest, _) = task.folder, checkpoints(task.folder)[0]
    assert newest < 10_000
    assert task.seen().status is Status.RUNNING
    if not is_told:
        for name in ("result.json", "model.safetensors", "model_best.safetensors", "q_heldout.safetensors"):
            (first / name).unlink()
    queue.complete = complete  # type: ignore[method-assign]
    queue.release(task.claim.id, task.claim.token, Status.QUEUED)
    task.claim_again()
    task.train()
    seen = task.seen()
    assert seen.status is Status.DONE
    assert (seen.epochs_done, seen.epochs_total, seen.info.epochs) == (newest, newest, 1_000_000)
    assert seen.stopped_early.startswith("val_td_loss has not improved for 100 epochs")
    assert len(read_metrics(task.folder / "metrics.csv")) == newest
    assert estimate(task.state(), 0.0).finish_ts == pytest.approx(seen.life.finished_ts)
    kept, before = (read_model(folder / f"model_e{newest - 100}.safetensors") for folder in (task.folder, first))
    assert kept.details == before.details
