"""The difference that confidence makes: by hand, against a bootstrap written out, and what may not change it."""

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.markets import bets, by_hand, true_market
from tests.science.intervals import by_edge
from trainer.data.decisions import Decisions
from trainer.data.types import Bool, Double
from trainer.evaluation.blocks import Blocks, Resamples, resample, week_blocks
from trainer.evaluation.effects import ConfidentEffect, confident_effect, difference
from trainer.evaluation.intervals import FEW_WEEKS, NO_BETS, Estimate, Method, ratios
from trainer.evaluation.payoffs import Bets, Record

WEEKS = 12
COUNT = 200


def weekly(seed: int, seasons: int = 2) -> tuple[Double, Double, Blocks, Resamples]:
    """Weekly sums of two sets of bets over some seasons, and resamples."""
    rng = np.random.default_rng(seed)
    blocks = week_blocks(np.repeat(np.arange(seasons), WEEKS), np.tile(np.arange(WEEKS), seasons))
    count = seasons * WEEKS
    one = np.stack([rng.normal(0.1, 1, count), rng.uniform(1, 3, count)], axis=1)
    other = np.stack([rng.normal(0, 2, count), rng.uniform(4, 9, count)], axis=1)
    return one, other, blocks, resample(blocks, rng, COUNT)


def by_definition(one: Double, other: Double, blocks: Blocks, counts: Double) -> tuple[float, float]:
    """The difference of two ratios and its stratified standard error, week by week, `counts` [K] of each."""
    rows = np.repeat(np.arange(len(blocks)), counts.astype(int))
    means = [side[rows].mean(axis=0) for side in (one, other)]
    influence = sum(
        sign * (side[:, 0] - mean[0] / mean[1] * side[:, 1]) / mean[1]
        for sign, side, mean in zip((1, -1), (one, other), means, strict=True)
    )
    variance = 0.0
    for stratum in blocks.strata:
        own = influence[rows[(rows >= stratum.start) & (rows < stratum.stop)]]
        variance += len(own) * own.var(ddof=1)
    return float(means[0][0] / means[0][1] - means[1][0] / means[1][1]), float(np.sqrt(variance) / len(blocks))


def test_the_interval_is_the_bootstrap_t_of_both_ratios_in_the_same_weeks() -> None:
    one, other, blocks, drawn = weekly(1)
    found = difference(one, other, blocks, drawn)
    value, error = by_definition(one, other, blocks, np.ones(len(blocks)))
    pairs = [by_definition(one, other, blocks, counts) for counts in drawn.counts]
    pivots = np.sort([(its - value) / their_error for its, their_error in pairs])
    assert found.value == pytest.approx(value)
    assert found.error == pytest.approx(error)
    assert found.lower == pytest.approx(value - error * pivots[int(np.ceil(0.975 * (COUNT + 1))) - 1])
    assert found.upper == pytest.approx(value - error * pivots[COUNT - int(np.ceil(0.975 * (COUNT + 1)))])
    assert found.method is Method.STUDENTISED


def test_against_bets_that_never_vary_it_is_the_ratio_itself_moved() -> None:
    one, other, blocks, drawn = weekly(2)
    other[:, 0] = 0.25 * other[:, 1]
    found = difference(one, other, blocks, drawn)
    alone = ratios(one[:, :1], one[:, 1:], np.ones((len(blocks), 1), dtype=bool), blocks, drawn).estimates()[0]
    for name in ("value", "lower", "upper", "lower_bound", "upper_bound"):
        assert getattr(found, name) == pytest.approx(getattr(alone, name) - 0.25)
    assert found.error == pytest.approx(alone.error)


def test_the_other_way_round_it_has_the_other_sign() -> None:
    one, other, blocks, drawn = weekly(3)
    found, turned = difference(one, other, blocks, drawn), difference(other, one, blocks, drawn)
    assert (turned.value, turned.lower, turned.upper) == pytest.approx(
        tuple(-it for it in (found.value, found.upper, found.lower) if it is not None)
    )


def effect(taken: Bets, confident: list[bool] | Bool, decisions: Decisions) -> ConfidentEffect:
    return confident_effect(taken, np.asarray(confident), decisions, np.random.default_rng(5), resamples=COUNT)


def test_the_rest_is_what_the_cut_leaves_out() -> None:
    """Of the confident bets one wins and one is pushed; of the rest one of three wins, and one game has no bet."""
    decisions = by_hand([1, 0, 1, -1, -1, 1], weeks=[1, 2, 1, 2, 3, 3], odds=100)
    taken = bets([0, 0, 0, 0, 0, -1], [1, 0.6, 0.2, 0.6, 1, 0])
    found = effect(taken, [True, True, False, False, False, False], decisions)
    assert found.rest.record == Record(1, 2, 0)
    assert found.rest.win_rate.value == pytest.approx(1 / 3)
    assert found.rest.break_even == 0.5
    assert found.rest.roi.value == pytest.approx((0.2 - 0.6 - 1) / 1.8)
    assert found.win_rate.value == pytest.approx(1 - 1 / 3), "a push is in no win rate"
    assert found.roi.value == pytest.approx(1 / 1.6 - (0.2 - 0.6 - 1) / 1.8), "and in the stakes"


def test_without_bets_on_one_side_there_is_no_difference() -> None:
    decisions = by_hand([1, -1, 1, -1], weeks=[1, 2, 3, 4])
    taken = bets([0, 0, 0, 0])
    for confident in ([True] * 4, [False] * 4):
        assert effect(taken, confident, decisions).win_rate == Estimate(None, reason=NO_BETS)
    one_week = effect(taken, [True, False, False, False], decisions)
    assert (one_week.win_rate.lower, one_week.win_rate.reason) == (None, FEW_WEEKS)


def test_shuffled_rows_and_larger_stakes_change_nothing() -> None:
    market = true_market((60, 60), 0.0, np.random.default_rng(6))
    taken, decisions = by_edge(market), market.decisions
    confident = np.random.default_rng(7).random(len(taken)) < 0.3
    found = effect(taken, confident, decisions)
    order = np.random.default_rng(8).permutation(len(taken))
    shuffled = effect(taken.take(order), confident[order], decisions.take(order))
    smaller = effect(replace(taken, stake=taken.stake / 2), confident, decisions)
    assert found.roi.lower is not None
    for other in (shuffled, smaller):
        for name in ("win_rate", "roi"):
            one, its = getattr(found, name), getattr(other, name)
            assert (its.value, its.lower, its.upper) == pytest.approx((one.value, one.lower, one.upper)), name
