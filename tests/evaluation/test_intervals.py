"""Figures, their standard errors and their intervals, against formulas and plain loops."""

import math

import numpy as np
import pytest

from trainer.data.types import Double
from trainer.evaluation.blocks import Blocks, Resamples, resample, week_blocks
from trainer.evaluation.intervals import (
    CONSTANT,
    FEW_WEEKS,
    NO_BETS,
    Bootstrap,
    Estimate,
    Method,
    means,
    order_statistics,
    percentile_estimate,
    ratios,
    sharpe_ratios,
    wilson_estimate,
)


def weeks_of(*sizes: int) -> Blocks:
    """Blocks of seasons with so many weeks."""
    return week_blocks(2000 + np.repeat(np.arange(len(sizes)), sizes), np.concatenate([np.arange(it) for it in sizes]))


def drawn(blocks: Blocks, count: int = 2_000) -> Resamples:
    return resample(blocks, np.random.default_rng(7), count)


def bootstrap_mean(weekly: Double, blocks: Blocks) -> Bootstrap:
    return means(weekly, np.ones_like(weekly) > 0, blocks, drawn(blocks))


def test_the_error_of_a_mean_is_the_textbooks_within_one_season_and_stratified_over_two() -> None:
    weekly = np.random.default_rng(0).normal((0, 50), size=(30, 2))
    assert bootstrap_mean(weekly, weeks_of(30)).errors == pytest.approx(weekly.std(axis=0, ddof=1) / math.sqrt(30))
    weekly[10:] += 5  # a season apart is no variation between its weeks
    within = 10 * weekly[:10].var(axis=0, ddof=1) + 20 * weekly[10:].var(axis=0, ddof=1)
    assert bootstrap_mean(weekly, weeks_of(10, 20)).errors == pytest.approx(np.sqrt(within) / 30)


def test_the_error_of_a_ratio_is_that_of_its_linearised_residuals() -> None:
    rng = np.random.default_rng(1)
    stakes = rng.uniform(1, 5, size=(25, 1))
    profit = stakes * rng.normal(size=(25, 1))
    blocks = weeks_of(25)
    its = ratios(profit, stakes, stakes > 0, blocks, drawn(blocks))
    residuals = profit - its.values * stakes
    assert its.values[0] == pytest.approx(profit.sum() / stakes.sum())
    assert its.errors[0] == pytest.approx(math.sqrt(25) * residuals.std(ddof=1) / stakes.sum())


def test_the_error_of_a_sharpe_ratio_is_mertens() -> None:
    from scipy import stats

    weekly = 0.02 + 0.05 * np.random.default_rng(2).gamma(2, size=(40, 1))
    blocks = weeks_of(40)
    its = sharpe_ratios(weekly, weekly > 0, blocks, drawn(blocks))
    flat = weekly[:, 0]
    ratio = flat.mean() / flat.std(ddof=1)
    biased = flat.mean() / flat.std()
    skew, kurtosis = stats.skew(flat), stats.kurtosis(flat, fisher=False)
    variance = (1 - skew * biased + (kurtosis - 1) / 4 * biased**2) / 40
    assert its.values[0] == pytest.approx(ratio)
    assert its.errors[0] == pytest.approx(math.sqrt(variance))


def plain_loop(weekly: Double, draws: Double) -> tuple[list[float], list[float]]:
    """Sharpe ratios and their errors, one resample at a time, without any power sums."""
    values, errors = [], []
    for rows in draws.astype(int):
        flat = weekly[rows]
        shrink = math.sqrt((len(flat) - 1) / len(flat))
        value = flat.mean() / flat.std(ddof=1)
        z = (flat - flat.mean()) / flat.std()
        influence = shrink * (z - flat.mean() / flat.std() * (z**2 - 1) / 2)
        values.append(value)
        errors.append(influence.std(ddof=1) / math.sqrt(len(flat)))
    return values, errors


def test_each_resample_has_its_own_value_and_its_own_error() -> None:
    weekly = np.random.default_rng(3).normal(0.01, 0.1, size=(20, 1))
    blocks = weeks_of(20)
    resamples = drawn(blocks, 50)
    its = sharpe_ratios(weekly, weekly < 9, blocks, resamples)
    values, errors = plain_loop(weekly[:, 0], resamples.draws.astype(np.float64))
    assert its.resampled[:, 0] == pytest.approx(values)
    assert its.pivots[:, 0] == pytest.approx((np.array(values) - its.values[0]) / np.array(errors))


def test_the_studentised_interval_takes_the_upper_quantile_of_t_for_its_lower_end() -> None:
    pivots = np.arange(1.0, 2000)[:, None] / 1000 - 0.5  # 1,999 of them, from -0.499 to 1.499
    (its,) = Bootstrap(np.array([10.0]), np.array([2.0]), pivots, pivots, (None,), np.array([22])).estimates()
    assert (its.lower, its.upper) == pytest.approx((10 - 2 * 1.45, 10 + 2 * 0.45))
    assert (its.lower_bound, its.upper_bound) == pytest.approx((10 - 2 * 1.4, 10 + 2 * 0.4))
    assert (its.value, its.error, its.method, its.reason) == (10, 2, Method.STUDENTISED, None)


def test_percentile_intervals_are_quantiles_of_the_values() -> None:
    values = np.arange(1.0, 2000)
    its = percentile_estimate(1000, values)
    assert (its.lower, its.upper, its.lower_bound, its.upper_bound) == (50, 1950, 100, 1900)
    assert its.method is Method.PERCENTILE


def test_the_order_statistic_of_a_level_is_the_ceil_of_b_plus_one_times_it() -> None:
    values = np.arange(1.0, 2001)[::-1, None]
    assert order_statistics(values, (0.975, 0.95))[:, 0].tolist() == [1951, 1901]
    assert order_statistics(values[:9], (0.95,))[0, 0] == np.inf  # of nine values none is high enough


def test_undefined_resamples_count_as_larger_than_anything() -> None:
    values = np.concatenate([np.arange(1.0, 99), [np.nan]])[:, None]
    assert order_statistics(values, (0.97,))[0, 0] == 97
    assert order_statistics(values, (0.99,))[0, 0] == np.inf


def test_intervals_of_one_policy_do_not_depend_on_the_others() -> None:
    weekly = np.random.default_rng(5).normal(size=(22, 3))
    blocks = weeks_of(22)
    together, alone = (
        bootstrap_mean(weekly, blocks).estimates()[1],
        bootstrap_mean(weekly[:, 1:2], blocks).estimates()[0],
    )
    assert [together.lower, together.upper, together.error] == pytest.approx([alone.lower, alone.upper, alone.error])


def test_what_cannot_be_computed_is_none_with_a_reason() -> None:
    blocks = weeks_of(10, 10)
    stakes = np.zeros((20, 5))
    stakes[[0, 10], 1] = 1  # one week of each season
    stakes[[0, 1], 2] = 1  # two weeks, which one resample in ten lacks
    stakes[:, 3:] = 1
    profit = stakes * np.random.default_rng(6).normal(size=stakes.shape)
    profit[:, 3] = 0.5
    its = ratios(profit, stakes, stakes > 0, blocks, drawn(blocks)).estimates()
    assert [it.reason for it in its] == [NO_BETS, FEW_WEEKS, FEW_WEEKS, CONSTANT, None]
    assert its[0].value is None
    assert its[3].value == 0.5
    for it in its[:4]:
        assert (it.lower, it.upper, it.lower_bound, it.upper_bound, it.error, it.method) == (None,) * 6
    percentiles = ratios(profit, stakes, stakes > 0, blocks, drawn(blocks)).percentile_estimates()
    assert [it.reason for it in percentiles] == [NO_BETS, FEW_WEEKS, FEW_WEEKS, CONSTANT, None]


def test_one_week_with_bets_in_each_of_many_seasons_is_too_few() -> None:
    blocks = weeks_of(*[3] * 12)
    stakes = np.zeros((36, 1))
    stakes[::3] = 1
    profit = stakes * np.random.default_rng(8).normal(size=stakes.shape)
    (its,) = ratios(profit, stakes, stakes > 0, blocks, drawn(blocks)).estimates()
    assert (its.lower, its.reason) == (None, FEW_WEEKS)


@pytest.mark.parametrize("weekly", [0.0, 0.1, 1e6 + 0.1])
def test_weeks_that_are_all_alike_but_for_rounding_have_no_interval(weekly: float) -> None:
    its = bootstrap_mean(np.full((30, 1), weekly), weeks_of(10, 20))
    assert its.reasons == (CONSTANT,)
    assert its.values[0] == pytest.approx(weekly)


def test_returns_that_never_vary_have_no_sharpe_ratio() -> None:
    blocks = weeks_of(10)
    (its,) = sharpe_ratios(np.full((10, 1), 0.01), np.full((10, 1), True), blocks, drawn(blocks)).estimates()
    assert (its.value, its.reason) == (None, CONSTANT)


@pytest.mark.parametrize(("wins", "losses"), [(50, 0), (0, 50), (37, 20)])
def test_the_wilson_interval_is_scipys(wins: int, losses: int) -> None:
    from scipy import stats

    its = wilson_estimate(wins, losses)
    test = stats.binomtest(wins, wins + losses)
    two_sided, one_sided = (test.proportion_ci(level, method="wilson") for level in (0.95, 0.9))
    assert (its.lower, its.upper) == pytest.approx((two_sided.low, two_sided.high))
    assert (its.lower_bound, its.upper_bound) == pytest.approx((one_sided.low, one_sided.high))
    assert its.method is Method.WILSON


def test_no_decided_bet_has_no_win_rate() -> None:
    assert wilson_estimate(0, 0) == Estimate(None, reason=NO_BETS)


def test_an_estimate_in_another_unit_has_all_its_ends_in_that_unit() -> None:
    its = Estimate(1.0, 0.5, 2.0, 0.6, 1.8, 0.3, Method.STUDENTISED)
    assert its.times(10) == Estimate(10, 5, 20, 6, 18, 3, Method.STUDENTISED)
    assert its.within(0.7, 1.5) == Estimate(1.0, 0.7, 1.5, 0.7, 1.5, 0.3, Method.STUDENTISED)
    grown = its.mapped(math.exp, math.exp)
    assert (grown.value, grown.lower, grown.error) == pytest.approx((math.e, math.exp(0.5), 0.3 * math.e))
    assert Estimate(None, reason=NO_BETS).times(3).within(0, 1) == Estimate(None, reason=NO_BETS)
