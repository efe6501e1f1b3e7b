"""What an attempt tells of its training."""

import math
from pathlib import Path
from typing import Any

import pytest

from cqltui.broker.protocol.records import Claim
from cqltui.campaign import payload
from cqltui.campaign.load import load_campaign
from cqltui.results.rundir import RunDir
from cqltui.results.tally import POINTS
from cqltui.state import decode
from cqltui.state.report import report_of
from cqltui.worker.attempt import Attempt
from trainer.batches import random_state
from trainer.checkpoint import Checkpoint, config_document
from trainer.progress import EpochMetrics

CAMPAIGN = """
[campaign]
name = "one"
[data]
source = "simulated"
[trainer]
epochs = 10000
alpha = 0.3
lr = 1e-3
seed = 42
hidden_dims = [16]
keep = ["last"]
[[phase]]
name = "quality"
priority = 5
[[phase.task]]
"""
STEPS = 13


def row(epoch: int, val_loss: float | None = None) -> EpochMetrics:
    """An epoch's metrics."""
    return EpochMetrics(epoch, 1 / epoch, 0.5 / epoch, 0.5 / epoch, 0.1, 1.0, 100.0, val_loss, val_loss, val_loss)


@pytest.fixture
def claim(tmp_path: Path) -> Claim:
    """A claim of a task of 10,000 epochs."""
    path = tmp_path / "one.toml"
    path.write_text(CAMPAIGN, encoding="utf-8")
    campaign = load_campaign(path)
    spec = payload.task_spec(campaign, next(iter(campaign.tasks)), payload.DataSummary("d", STEPS * 128, 0))
    return Claim("1a2b3c4d", "1-1", 1, 1, spec)


def begun(claim: Claim, folder: Path) -> Attempt:
    """An attempt that has begun."""
    attempt = Attempt(claim, RunDir(folder / "run"))
    attempt.resume(lambda _: None, lambda _: None)
    return attempt


def saved(attempt: Attempt) -> None:
    """Write a checkpoint of its last epoch."""
    config = attempt.config
    state = random_state(config.seed, attempt.epoch)
    assert not attempt.save(Checkpoint({}, attempt.epoch, attempt.epoch, state, config_document(config), "d"))


def told(attempt: Attempt) -> dict[str, Any]:
    """Its report, over the wire."""
    return attempt.progress(attempt.epoch * STEPS + 5)


def metrics(attempt: Attempt) -> dict[str, float | None]:
    """The metrics in its report."""
    found: dict[str, float | None] = told(attempt)["metrics"]
    return found


def test_what_is_not_measured_each_epoch_keeps_its_latest_value(claim: Claim, tmp_path: Path) -> None:
    attempt = begun(claim, tmp_path)
    seen = []
    for epoch, measured in enumerate((None, 0.5, None, None, 0.4, None, 0.45, None), start=1):
        attempt.record(row(epoch, measured))
        seen.append((metrics(attempt).get("val_loss"), told(attempt)["best"], metrics(attempt)["loss"]))
    assert [val for val, _, _ in seen] == [None, 0.5, 0.5, 0.5, 0.4, 0.4, 0.45, 0.45]
    assert [best for _, best, _ in seen] == [None, 0.5, 0.5, 0.5, 0.4, 0.4, 0.4, 0.4]
    assert [loss for _, _, loss in seen] == [1 / epoch for epoch in range(1, 9)]
    attempt.record(row(9, math.inf))
    assert metrics(attempt)["val_loss"] is None, "measured, and no number"
    attempt.close()


def test_a_resumed_attempt_knows_it_at_once(claim: Claim, tmp_path: Path) -> None:
    first = begun(claim, tmp_path)
    for epoch in range(1, 44):
        first.record(row(epoch, 0.5 if epoch == 20 else None))
        if epoch == 40:
            saved(first)
    assert first.saved_report is not None
    assert (first.saved_report["epoch"], first.saved_report["metrics"]["val_loss"]) == (40, 0.5)
    first.close()
    again = begun(Claim(claim.id, "1-2", 1, 2, claim.spec), tmp_path)
    report = told(again)
    assert (report["epoch"], report["resumed_epoch"]) == (40, 40)
    assert (metrics(again)["val_loss"], metrics(again)["loss"]) == (0.5, 1 / 40)
    assert again.saved_report is not None
    assert (again.saved_report["epoch"], again.saved_report["token"]) == (40, "1-2")
    again.record(row(41))
    assert metrics(again)["val_loss"] == 0.5
    again.close()


def test_the_curve_begins_with_the_second_epoch_and_ends_with_the_last(claim: Claim, tmp_path: Path) -> None:
    """Of 10,000 epochs every 167th is kept: at epoch 43 there would be one point."""
    attempt = begun(claim, tmp_path)
    for epoch in range(1, 400):
        attempt.record(row(epoch))
        curve = told(attempt)["curve"]
        assert [point[0] for point in curve] == sorted({1, *range(167, epoch + 1, 167), epoch})
        assert len(curve) <= POINTS + 2
    attempt.close()


def test_the_result_says_what_the_last_report_says(claim: Claim, tmp_path: Path) -> None:
    attempt = begun(claim, tmp_path)
    for epoch in range(1, 10_001):
        attempt.record(row(epoch, 0.5 if epoch % 10 == 0 else None))
    result = attempt.result({"id": "w1", "device": "cpu"}, {}, {})
    attempt.close()
    accepted = report_of(result)
    assert accepted is not None
    progress, last = decode.progress(accepted, 0.0), decode.progress(attempt.report(), 0.0)
    assert progress.elapsed_s == pytest.approx(last.elapsed_s, abs=1.0)
    assert progress.trained_s == last.trained_s == result["seconds"]
    for name in ("token", "step", "epoch", "epochs", "resumed_epoch", "metrics", "best", "curve"):
        assert getattr(progress, name) == getattr(last, name), name
    assert (progress.epoch, progress.metrics["val_loss"], progress.best) == (10_000, 0.5, 0.5)
