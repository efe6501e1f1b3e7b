"""The bankroll by week and its histories: by hand, on weeks that are alike, and on bets that lose everything."""

import math

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.markets import bets, by_hand, true_market
from tests.science.intervals import by_edge
from trainer.data.decisions import Decisions
from trainer.data.types import Int
from trainer.evaluation.blocks import resample, week_blocks
from trainer.evaluation.payoffs import Bets
from trainer.evaluation.trajectories import Trajectories, trajectories

TWO_SEASONS = [2020] * 4 + [2021] * 4


def through(policies: dict[str, Bets], decisions: Decisions, *, stake: float = 0.1) -> Trajectories:
    return trajectories(policies, decisions, np.random.default_rng(3), resamples=400, largest_stake=stake)


def test_the_path_is_the_bankroll_at_the_end_of_each_week_whatever_the_order_of_the_rows() -> None:
    decisions = by_hand([1, 1, -1, 1], weeks=[1, 2, 4, 4], odds=100)
    order: Int = np.array([3, 1, 0, 2])
    for rows in (np.arange(4), order):
        found = through({"it": bets([0, -1, 0, 0]).take(rows)}, decisions.take(rows))
        assert (found.seasons, found.weeks) == ((2020, 2020, 2020), (1, 2, 4))
        assert found.of["it"].path == pytest.approx((1.1, 1.1, 1.1)), "a won and a lost bet of one day are even"
        assert found.of["it"].largest_stake == 0.1


def test_histories_of_weeks_that_are_all_alike_are_one_path() -> None:
    found = through({"it": bets([0] * 8)}, by_hand([1] * 8, weeks=[1, 2, 3, 4] * 2, seasons=TWO_SEASONS, odds=100))
    its = found.of["it"]
    for band in (its.bands.q05, its.bands.q25, its.bands.q50, its.bands.q75, its.bands.q95):
        assert band == pytest.approx(its.path, rel=1e-5)
    assert (its.final.histories, its.final.lost, its.final.below_start) == (400, 0, 0.0)
    assert max(its.final.counts) == 400


def test_weeks_are_drawn_within_their_season() -> None:
    # All is won in one season and lost in the other: every history knows its bankroll between them, and at the end.
    decisions = by_hand([1.0] * 4 + [-1.0] * 4, weeks=[1, 2, 3, 4] * 2, seasons=TWO_SEASONS, odds=100)
    its = through({"it": bets([0] * 8)}, decisions).of["it"]
    assert its.bands.q05[3] == its.bands.q95[3] == pytest.approx(1.1**4)
    assert its.bands.q05[7] == its.bands.q95[7] == pytest.approx(1.1**4 * 0.9**4, rel=1e-5)
    assert its.final.below_start == 1


def test_bands_and_the_final_bankroll_are_quantiles_of_the_histories_that_were_drawn() -> None:
    its = true_market((60, 60), 0.0, np.random.default_rng(1))
    taken = by_edge(its)
    found = through({"other": bets([-1] * len(taken)), "it": taken}, its.decisions, stake=0.03).of["it"]
    blocks = week_blocks(its.decisions.seasons, its.decisions.weeks)
    draws = resample(blocks, np.random.default_rng(3), 400).draws
    growth = np.array(found.path) / np.array([1.0, *found.path[:-1]])
    histories = np.array([np.cumprod(growth[weeks]) for weeks in draws])
    for share, band in ((0.05, found.bands.q05), (0.25, found.bands.q25), (0.95, found.bands.q95)):
        assert band == pytest.approx(np.quantile(histories, share, axis=0), rel=1e-4)
    final = histories[:, -1]
    assert found.final.q75 == pytest.approx(np.quantile(final, 0.75), rel=1e-4)
    assert found.final.q05 == found.bands.q05[-1]
    assert found.final.below_start == pytest.approx((final < 1).mean(), abs=0.01)
    assert sum(found.final.counts) == 400
    assert (found.final.edges[0], found.final.edges[-1]) == pytest.approx((final.min(), final.max()), rel=1e-4)
    widths = np.diff(np.log(found.final.edges))
    assert widths == pytest.approx(np.full(len(found.final.counts), widths.mean()), rel=1e-3)


def test_what_was_lost_stays_lost_and_is_in_no_bin() -> None:
    decisions = by_hand([1, -1, 1, 1], odds=100)
    its = through({"it": bets([0] * 4), "never": bets([-1] * 4)}, decisions, stake=1.0)
    found = its.of["it"]
    assert found.path == (2, 0, 0, 0)
    assert found.final.lost == pytest.approx(400 * (1 - 0.75**4), rel=0.1), "those in which the lost week was drawn"
    assert found.final.lost + sum(found.final.counts) == found.final.histories
    assert found.final.edges[-1] > 16 > found.final.edges[0], "the others doubled four times"
    assert (found.final.q05, found.final.below_start) == (0, found.final.lost / 400)
    never = its.of["never"]
    assert (never.path, never.final.below_start) == ((1, 1, 1, 1), 0), "what it began with is not less"
    gone = through({"it": bets([0, 0])}, replace(by_hand([-1, -1], odds=100)), stake=1.0).of["it"].final
    assert (gone.lost, gone.edges, gone.counts, gone.q95) == (400, (), (), 0)


def test_equal_histories_fall_into_one_bin_whatever_their_last_bits() -> None:
    # 1.1^n 0.9^(4 - n) in whatever order the weeks came: five values, of which one may lie on an edge of the bins.
    decisions = by_hand([1, 1, -1, -1], odds=100)
    final = through({"it": bets([0] * 4)}, decisions).of["it"].final
    assert sum(count > 0 for count in final.counts) == 5
    assert final.edges[-1] == pytest.approx(1.1**4, rel=1e-5)
    assert math.isclose(final.edges[0], 0.9**4, rel_tol=1e-5)
