"""The curve that travels with a task's progress is bounded, and the same whoever makes it."""

from hypothesis import given
from hypothesis import strategies as st

from cqltui.worker.curve import POINTS, is_kept, thinned
from trainer.progress import EpochMetrics


def row(epoch: int) -> EpochMetrics:
    return EpochMetrics(epoch, 1.0 / epoch, 0.1, 0.1, 0.0, 1.0, 1000.0)


@given(epochs=st.integers(1, 5000))
def test_the_curve_is_bounded_and_has_both_ends(epochs: int) -> None:
    kept = [epoch for epoch in range(1, epochs + 1) if is_kept(epoch, epochs)]
    assert len(kept) <= POINTS + 2
    assert kept[0] == 1
    assert kept[-1] == epochs


@given(epochs=st.integers(1, 500), cut=st.integers(0, 500))
def test_a_resumed_curve_is_the_undisturbed_one(epochs: int, cut: int) -> None:
    rows = [row(epoch) for epoch in range(1, epochs + 1)]
    assert thinned(rows[:cut], epochs) + thinned(rows[cut:], epochs) == thinned(rows, epochs)
