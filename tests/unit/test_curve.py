"""Curves, by values worked out by hand."""

import math
from array import array

import pytest

from cqltui.state.curve import Curve, band, curve, evenly, smoothed, thinned

NAN, INF = math.nan, math.inf


def line(**points: float) -> Curve:
    """A curve of e<epoch>=value."""
    return curve(array("q", [int(name[1:]) for name in points]), array("d", points.values()))


def test_a_moving_average_forgets_by_epochs() -> None:
    assert list(smoothed(line(e1=1, e2=2, e3=2), 0.5).values) == [1, 1.5, 1.75]
    apart = smoothed(line(e10=1, e12=2, e13=2), 0.5)
    assert list(apart.values) == [1, 0.25 * 1 + 0.75 * 2, 0.5 * 1.75 + 0.5 * 2]
    assert list(apart.epochs) == [10, 12, 13]


def test_a_moving_average_learns_nothing_in_a_gap() -> None:
    found = smoothed(line(e1=1, e2=NAN, e3=3, e4=INF), 0.5)
    assert found.values[0] == 1
    assert found.values[2] == 0.25 * 1 + 0.75 * 3
    assert [math.isnan(value) for value in found.values] == [False, True, False, True]
    assert found.unknown == 2
    begins = line(e1=NAN, e2=4)
    assert list(smoothed(begins, 0.9).values)[1:] == [4]
    assert smoothed(begins, 0) is begins


def test_gaps_part_a_curve() -> None:
    assert line(e1=1, e2=2).stretches() == [(0, 2)]
    assert line(e1=NAN, e2=1, e3=2, e4=INF, e5=NAN, e6=3).stretches() == [(1, 3), (5, 6)]
    assert Curve().stretches() == []


def test_a_value_is_read_at_the_nearest_epoch() -> None:
    its = line(e10=1, e20=2, e30=3)
    assert its.at(10) == (10, 1)
    assert its.at(15) == (10, 1)  # the earlier of two
    assert its.at(15.5) == (20, 2)
    assert its.at(30) == (30, 3)
    assert its.at(9.9) is None
    assert its.at(30.1) is None
    assert Curve().at(1) is None


@pytest.mark.parametrize(
    ("epoch", "by", "found"),
    [(1, 1, 2), (2, 1, 5), (5, 1, 9), (9, 1, 9), (9, -1, 5), (1, -1, 1), (1, 5, 5), (9, -7, 2), (9, -100, 1)],
)
def test_the_epoch_beside_is_at_least_the_next(epoch: int, by: float, found: int) -> None:
    assert line(e1=0, e2=0, e5=0, e9=0).beside(epoch, by) == found


def test_the_best_epoch_is_the_first_of_the_best_value() -> None:
    its = line(e1=3, e2=1, e3=1, e4=NAN, e5=4, e6=4)
    assert its.best() == (2, 1)
    assert its.best(highest=True) == (5, 4)
    assert line(e1=NAN).best() is None
    assert Curve().best() is None


def test_a_curve_is_cut_off_and_followed() -> None:
    its = line(e1=1, e2=NAN, e3=3)
    assert its.until(3) is its
    cut = its.until(2)
    assert (list(cut.epochs), cut.unknown) == ([1, 2], 1)
    assert its.until(1).unknown == 0
    longer = its.followed(5, INF)
    assert list(longer.epochs) == [1, 2, 3, 5]
    assert longer.unknown == 2
    assert its.followed(3, 9.0) is its


def test_thinning_keeps_extremes_gaps_and_ends() -> None:
    values = [float(i % 7) for i in range(1_000)]
    values[333], values[666], values[500] = 99.0, -99.0, NAN
    kept = thinned(range(1, 1_001), values, 50)
    assert len(kept) <= 3 * 50
    assert {0, 333, 500, 666, 999} <= set(kept)
    assert kept == sorted(set(kept))
    assert thinned(range(4), [1.0, 2.0, 3.0, 4.0], 2) == [0, 1, 2, 3]


def test_some_are_chosen_evenly() -> None:
    assert evenly(range(10), 4) == [0, 3, 6, 9]
    assert evenly("ab", 4) == ["a", "b"]


def test_a_band_has_the_quartiles_where_half_of_the_curves_are() -> None:
    found = band([line(e1=1, e2=1), line(e1=2, e2=5), line(e1=4), line(e1=NAN, e3=7)])
    assert found is not None
    # Epoch 1: of 1, 2 and 4, in the middle 2; epoch 2: of 1 and 5; at epoch 3 one of four is left.
    assert list(found.middle.epochs) == [1, 2]
    assert list(found.low.values) == [1.5, 2]
    assert list(found.middle.values) == [2, 3]
    assert list(found.high.values) == [3, 4]
    assert found.members == 4


def test_a_band_takes_the_value_before_of_a_curve_that_was_not_measured() -> None:
    found = band([line(e1=1, e2=2, e3=3), line(e1=5, e3=9)])
    assert found is not None
    assert list(found.middle.values) == [3, 3.5, 6]


def test_one_curve_is_no_band() -> None:
    assert band([line(e1=1, e2=2), Curve()]) is None
    assert band([line(e1=1), line(e2=NAN)]) is None
