"""Many policies at once, worked out by hand."""

import numpy as np
import pytest

from trainer.evaluation.intervals import FEW_WEEKS, NO_BETS, Bootstrap
from trainer.evaluation.selection import NOT_COMPARED, benjamini_hochberg, holm, max_t

PIVOTS = np.array([[0.0, 3.0], [1.0, -1.0], [2.0, 0.5], [-1.0, 1.5]])
"""Largest of each resample: 3, 1, 2, 1.5."""


def two(first: float, second: float, error: float = 1.0) -> Bootstrap:
    """Two policies with the given t against 0."""
    values = np.array([first, second]) * error
    return Bootstrap(values, np.full(2, error), PIVOTS, PIVOTS, (None, None), np.array([22, 22]))


def test_p_values_are_of_the_maximum_of_t_and_step_down_drops_what_is_better() -> None:
    better, worse = max_t(two(1.75, 1.25))
    assert (better.raw_p, better.adjusted_p, better.step_down_p) == pytest.approx((2 / 5, 3 / 5, 3 / 5))
    assert (worse.raw_p, worse.adjusted_p, worse.step_down_p) == pytest.approx((3 / 5, 4 / 5, 3 / 5))
    assert (better.holm_p, worse.holm_p) == pytest.approx((4 / 5, 4 / 5)), (
        "two times the smaller one, and no less after it"
    )
    assert (better.fdr_p, worse.fdr_p) == pytest.approx((3 / 5, 3 / 5))
    first, second = max_t(two(1.25, 1.75))  # the same t, the policies exchanged
    assert (second.raw_p, second.step_down_p) == pytest.approx((2 / 5, 3 / 5))
    assert (first.raw_p, first.step_down_p) == pytest.approx((2 / 5, 3 / 5))


def test_lower_bounds_hold_for_all_by_the_quantile_of_the_maximum() -> None:
    better, worse = max_t(two(1.75, 1.25, error=2.0), level=0.4)  # the third of four maxima: 2
    assert (better.adjusted_lower, worse.adjusted_lower) == pytest.approx((3.5 - 2 * 2, 2.5 - 2 * 2))


def test_the_null_value_shifts_t_and_not_the_bound() -> None:
    at_0, at_1 = max_t(two(1.75, 1.25), level=0.4)[0], max_t(two(1.75, 1.25), null=1.0, level=0.4)[0]
    assert at_1.raw_p == pytest.approx((1 + 2) / 5)  # t is 0.75
    assert at_1.adjusted_p == 1.0
    assert at_1.adjusted_lower == at_0.adjusted_lower


def test_a_policy_without_an_interval_is_left_out_and_costs_the_others_nothing() -> None:
    rng = np.random.default_rng(0)
    pivots = rng.normal(size=(2_000, 3))
    pivots[:3, 1] = np.nan  # more than one in a thousand
    pivots[:, 2] = np.nan
    its = Bootstrap(
        np.array([2.0, 9.0, np.nan]), np.ones(3), pivots, pivots, (None, None, NO_BETS), np.array([22, 22, 0])
    )
    one, thin, none = max_t(its)
    (alone,) = max_t(Bootstrap(np.array([2.0]), np.ones(1), pivots[:, :1], pivots[:, :1], (None,), np.array([22])))
    assert one == alone
    assert one.raw_p == one.adjusted_p == one.step_down_p
    assert (thin.value, thin.adjusted_lower, thin.adjusted_p, thin.reason) == (9, None, None, NOT_COMPARED)
    assert (none.value, none.adjusted_lower, none.reason) == (None, None, NO_BETS)
    assert FEW_WEEKS in NOT_COMPARED


def test_a_policy_that_bets_in_fewer_than_ten_weeks_is_not_compared() -> None:
    few, enough = max_t(Bootstrap(np.ones(2), np.ones(2), PIVOTS, PIVOTS, (None, None), np.array([9, 10])), level=0.4)
    assert (few.adjusted_p, few.reason) == (None, NOT_COMPARED)
    assert enough.adjusted_lower == pytest.approx(1 - 1.5)


def test_an_undefined_resample_counts_against_the_policies() -> None:
    pivots = np.zeros((2_000, 1))
    pivots[0] = np.nan
    (its,) = max_t(Bootstrap(np.array([1.0]), np.ones(1), pivots, pivots, (None,), np.array([22])))
    assert its.raw_p == pytest.approx(2 / 2001)


def test_nothing_to_compare_is_no_error() -> None:
    pivots = np.full((5, 1), np.nan)
    (its,) = max_t(Bootstrap(np.array([np.nan]), np.array([np.nan]), pivots, pivots, (NO_BETS,), np.array([0])))
    assert its.reason == NO_BETS


def test_holm_multiplies_the_smallest_by_all_and_stays_monotone() -> None:
    assert len(holm(np.zeros(0))) == 0
    adjusted = holm(np.array([0.04, 0.01, 0.03, 0.5]))
    assert adjusted == pytest.approx([0.09, 0.04, 0.09, 0.5])
    assert holm(np.array([0.6, 0.7])) == pytest.approx([1, 1])


def test_benjamini_hochberg_is_scipys() -> None:
    from scipy import stats

    p_values = np.random.default_rng(1).uniform(size=20) ** 3
    assert benjamini_hochberg(p_values) == pytest.approx(stats.false_discovery_control(p_values))
    assert benjamini_hochberg(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.04, 0.04])
