"""An attempt's own account of its training: the best epoch, the time, what it reports and what it hands over."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from cqltui.broker.protocol.records import Claim
from cqltui.results.rundir import RunDir, read_metrics
from cqltui.worker.attempt import Attempt
from trainer.progress import EpochMetrics

SPEC = {
    "digest": "d1",
    "phase": "quality",
    "params": 77,
    "epoch_steps": 13,
    "checkpoint_s": 60.0,
    "trainer": {"epochs": 5, "lr": 1e-4, "alpha": 0.3, "hidden_dims": [8], "seed": 42, "batch_size": 100},
}
VAL = (math.nan, 0.7, None, 0.5, 0.6)
"""Held-out losses of the epochs 1 to 5: no number, the first, not measured, the lowest, risen."""


def row(epoch: int, val_loss: float | None) -> EpochMetrics:
    return EpochMetrics(epoch, 1.0 / epoch, 0.2, 0.3, 0.4, 0.5, 650.0, val_loss)


@pytest.fixture
def attempt(tmp_path: Path) -> Iterator[Attempt]:
    """One that begins anew."""
    made = Attempt(Claim("a1", "1-7", 2, 3, SPEC), RunDir(tmp_path))
    made.resume(lambda saved: None, lambda text: None)
    yield made
    made.close()


def trained(attempt: Attempt, epochs: int = 5) -> Attempt:
    for epoch in range(1, epochs + 1):
        attempt.record(row(epoch, VAL[epoch - 1]))
    return attempt


def test_the_lowest_held_out_loss_is_the_best(attempt: Attempt) -> None:
    assert attempt.tally.best is None
    found: list[tuple[float, int] | None] = []
    for epoch in range(1, 6):
        attempt.record(row(epoch, VAL[epoch - 1]))
        found.append(attempt.tally.best)
    assert found == [None, (0.7, 2), (0.7, 2), (0.5, 4), (0.5, 4)]


def test_what_an_attempt_reports(attempt: Attempt) -> None:
    trained(attempt, 4)
    report = attempt.progress(step=52)
    assert report.pop("elapsed_s") >= 0
    assert report == {
        "task": "a1",
        "token": "1-7",
        "step": 52,
        "epoch": 4,
        "epochs": 5,
        "resumed_epoch": 0,
        "metrics": {
            "loss": 0.25,
            "td_loss": 0.2,
            "cql_loss": 0.3,
            "q_mean": 0.4,
            "grad_norm": 0.5,
            "samples_per_s": 650.0,
            "val_loss": 0.5,
        },
        "trained_s": 8.0,
        "best": 0.5,
        "best_epoch": 4,
        "curve": [(1, 1.0), (2, 0.5), (3, 0.333333), (4, 0.25)],
    }


def test_what_an_attempt_hands_over(attempt: Attempt, tmp_path: Path) -> None:
    result = trained(attempt).result({"id": "w1", "device": "cpu"}, {"python": "3"}, {"model_best.safetensors": 4})
    assert result["seconds"] == 5 * 13 * 100 / 650
    assert result["samples_per_s"] == 650.0
    assert (result["best_val_loss"], result["best_val_epoch"]) == (0.5, 4)
    assert (result["metrics"]["epoch"], result["metrics"]["val_loss"]) == (5, 0.6)
    own = {name: result[name] for name in ("task_id", "digest", "phase", "run", "attempt", "token", "epochs", "params")}
    assert own == {
        "task_id": "a1",
        "digest": "d1",
        "phase": "quality",
        "run": 2,
        "attempt": 3,
        "token": "1-7",
        "epochs": 5,
        "params": 77,
    }
    assert (result["kept"], result["stopped_early"]) == ({"model_best.safetensors": 4}, "")
    assert (result["worker"], result["device"]) == ("w1", "cpu")
    attempt.flush()
    kept = read_metrics(tmp_path / "tasks" / "a1" / "run-2" / "1-7" / "metrics.csv")
    assert [entry.epoch for entry in kept] == [1, 2, 3, 4, 5]


def test_a_loss_that_is_no_number_is_a_failure_and_not_reported(attempt: Attempt) -> None:
    trained(attempt, 2)
    assert not attempt.failed
    attempt.record(EpochMetrics(3, math.inf, 0.2, math.nan, 0.4, 0.5, 650.0))
    assert attempt.failed
    report = attempt.progress(step=39)
    assert tuple(report["metrics"][name] for name in ("loss", "cql_loss", "td_loss")) == (None, None, 0.2)
    assert report["curve"] == [(1, 1.0), (2, 0.5)]
