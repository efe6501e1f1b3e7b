"""What the epochs of a run come to: a bounded curve, the latest of each metric, the same whoever reads them."""

import math

from hypothesis import given
from hypothesis import strategies as st

from cqltui.algorithms import named
from cqltui.results.tally import POINTS, Tally, is_kept
from trainer.progress import EpochMetrics


def row(epoch: int) -> EpochMetrics:
    return EpochMetrics(epoch, 1.0 / epoch, 0.1, 0.1, 0.0, 1.0, 1000.0, 0.5 if epoch % 7 == 0 else None)


def tally(epochs: int, done: int) -> Tally:
    """Of the first epochs of a task."""
    found = Tally(named("cql"), epochs, 13, 128)
    for epoch in range(1, done + 1):
        found.add(row(epoch))
    return found


@given(epochs=st.integers(1, 5000))
def test_the_curve_is_bounded_and_has_both_ends(epochs: int) -> None:
    kept = [epoch for epoch in range(1, epochs + 1) if is_kept(epoch, epochs)]
    assert len(kept) <= POINTS + 2
    assert kept[0] == 1
    assert kept[-1] == epochs


@given(epochs=st.integers(1, 500), data=st.data())
def test_the_curve_is_what_is_kept_and_the_latest(epochs: int, data: st.DataObject) -> None:
    done = data.draw(st.integers(0, epochs))
    expected = [(n, round(1 / n, 6)) for n in range(1, done + 1) if is_kept(n, epochs) or n == done]
    assert tally(epochs, done).curve() == expected


def test_a_report_of_nothing_has_no_figures() -> None:
    report = tally(10, 0).report()
    assert (report["epoch"], report["curve"], report["best"]) == (0, [], None)
    assert report["metrics"] == {}


def test_the_time_is_that_of_all_epochs() -> None:
    found = tally(100, 50)
    assert found.report()["trained_s"] == round(50 * 13 * 128 / 1000.0, 3)
    assert found.samples_per_s == 1000.0
    assert found.report()["metrics"]["val_loss"] == 0.5


def test_a_report_worked_by_hand() -> None:
    found = Tally(named("cql"), 3, 13, 128)
    found.add(EpochMetrics(1, math.nan, 0.9, 0.4, 0.1, 2.0, 3000.0, 0.8, 0.7, 0.2))
    found.add(EpochMetrics(2, 0.25, 0.2, 0.3, 0.2, 1.0, 1500.0))
    assert found.report() == {
        "epoch": 2,
        "step": 26,
        "epochs": 3,
        "trained_s": round(1664 / 3000 + 1664 / 1500, 3),
        "best": 0.8,
        "best_epoch": 1,
        "metrics": {
            "loss": 0.25,
            "td_loss": 0.2,
            "cql_loss": 0.3,
            "q_mean": 0.2,
            "grad_norm": 1.0,
            "val_loss": 0.8,  # the latest known
            "val_td_loss": 0.7,
            "val_cql_loss": 0.2,
            "samples_per_s": 1500.0,
        },
        "curve": [(2, 0.25)],  # what is no number has no point
    }
    assert found.samples_per_s == 2000.0
    found.add(EpochMetrics(3, 0.2, 0.2, 0.3, 0.2, 1.0, 700.0))
    assert found.samples_per_s == 1235.3
