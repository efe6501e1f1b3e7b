"""What the epochs of a run come to: a bounded curve, the latest of each metric, the same whoever reads them."""

from hypothesis import given
from hypothesis import strategies as st

from cqltui.results.tally import POINTS, Tally, is_kept
from trainer.progress import EpochMetrics


def row(epoch: int) -> EpochMetrics:
    return EpochMetrics(epoch, 1.0 / epoch, 0.1, 0.1, 0.0, 1.0, 1000.0, 0.5 if epoch % 7 == 0 else None)


def tally(epochs: int, done: int) -> Tally:
    """Of the first epochs of a task."""
    found = Tally(epochs, 13, 128)
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
    assert (report["epoch"], report["curve"], report["best_val_loss"]) == (0, [], None)
    assert "loss" not in report


def test_the_time_is_that_of_all_epochs() -> None:
    found = tally(100, 50)
    assert found.report()["trained_s"] == round(50 * 13 * 128 / 1000.0, 3)
    assert found.samples_per_s == 1000.0
    assert found.report()["val_loss"] == 0.5
