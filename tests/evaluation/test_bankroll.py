"""What a bankroll becomes, worked out by hand."""

import math

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.markets import bets, by_hand
from trainer.data.decisions import Decisions
from trainer.evaluation.bankroll import Bankroll, follow, resampled_drawdowns
from trainer.evaluation.blocks import week_blocks
from trainer.evaluation.payoffs import Bets


def followed(taken: Bets, decisions: Decisions, largest_stake: float) -> Bankroll:
    return follow(taken, decisions, week_blocks(decisions.seasons, decisions.weeks), largest_stake)


def test_games_of_one_day_do_not_see_each_others_outcome() -> None:
    one_day = by_hand([1, 1, -1], weeks=[1, 1, 2], odds=100)
    assert followed(bets([0, 0, 0]), one_day, 0.1).path.tolist() == pytest.approx([1.2, 1.2 * 0.9])
    two_days = replace(one_day, days=np.array([1, 2, 8]))
    its = followed(bets([0, 0, 0]), two_days, 0.1)
    assert its.path.tolist() == pytest.approx([1.1, 1.21, 1.21 * 0.9])
    assert its.weekly_path.tolist() == pytest.approx([1.21, 1.21 * 0.9])
    assert its.exposure.tolist() == pytest.approx([0.1, 0.1, 0.1])


def test_idle_weeks_count_as_weeks_that_return_nothing() -> None:
    its = followed(bets([0, -1, 0, -1]), by_hand([1, 1, -1, 1], odds=100), 0.1)
    assert its.weekly_returns.tolist() == pytest.approx([0.1, 0, -0.1, 0])
    assert its.log_growth == pytest.approx((math.log(1.1) + math.log(0.9)) / 4)
    assert its.staked == pytest.approx(0.05)
    assert its.largest_exposure == pytest.approx(0.1)


def test_sharpe_is_mean_over_deviation_of_all_weeks_times_the_root_of_a_seasons_weeks() -> None:
    its = followed(bets([0, -1, 0, -1]), by_hand([1, 1, 1, 1], odds=100), 0.1)
    expected = 0.05 / math.sqrt((2 * 0.05**2 + 2 * 0.05**2) / 3) * math.sqrt(22)
    assert its.sharpe(22) == pytest.approx(expected)
    assert followed(bets([0, 0]), by_hand([1, 1]), 0.1).sharpe(22) is None


def test_the_drawdown_is_from_the_highest_peak_so_far_the_start_included() -> None:
    assert followed(bets([0] * 4), by_hand([1, -1, -1, 1], odds=100), 0.5).max_drawdown == pytest.approx(0.75)
    assert followed(bets([0, 0]), by_hand([-1, 1], odds=100), 0.5).max_drawdown == pytest.approx(0.5)
    assert followed(bets([0, 0]), by_hand([1, 1], odds=100), 0.5).max_drawdown == 0


def test_stakes_above_the_bankroll_are_scaled_down_to_all_of_it_and_told() -> None:
    decisions = by_hand([1, -1, -1, 1], weeks=[1, 1, 1, 2], odds=100)
    its = followed(bets([0, 0, 0, 0]), decisions, 0.5)
    assert its.exposure.tolist() == pytest.approx([1.0, 0.5])
    assert its.scaled_days.tolist() == [decisions.days[0]]
    assert its.path.tolist() == pytest.approx([2 / 3, 1.0])
    assert not len(followed(bets([0, 0, -1, 0]), decisions, 0.5).scaled_days)


def test_losing_all_of_it_is_ruin_and_has_no_growth() -> None:
    its = followed(bets([0, 0]), by_hand([-1, 1], odds=100), 1.0)
    assert its.ruined
    assert (its.final, its.log_growth, its.max_drawdown) == (0, None, 1)
    with pytest.raises(ValueError, match="all was lost"):
        resampled_drawdowns(its, np.array([[0, 1]]))


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_a_largest_stake_that_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share of the bankroll"):
        followed(bets([0]), by_hand([1]), share)


def test_a_day_with_games_of_two_weeks_counts_to_the_earlier_one() -> None:
    decisions = replace(by_hand([1, 1, 1], weeks=[2, 1, 2], odds=100), days=np.array([5, 5, 9]))
    its = followed(bets([0, 0, 0]), decisions, 0.1)
    assert its.day_weeks.tolist() == [0, 1]
    assert its.weekly_returns.tolist() == pytest.approx([0.2, 0.1])


def test_resampled_drawdowns_are_those_of_the_days_in_the_order_drawn() -> None:
    rng = np.random.default_rng(3)
    covers = rng.choice([-1.0, 0.0, 1.0], size=40).tolist()
    decisions = by_hand(covers, weeks=[1 + row // 5 for row in range(40)])
    decisions = replace(decisions, days=decisions.days + np.arange(40) % 5 % 3)  # one to three days a week
    its = followed(bets([0] * 40), decisions, 0.2)
    draws = np.concatenate([np.arange(8)[None], rng.integers(0, 8, size=(50, 8))])
    for drawn, drawdown in zip(draws, resampled_drawdowns(its, draws), strict=True):
        days = np.concatenate([its.returns[its.day_weeks == week] for week in drawn])
        path = np.concatenate([[1.0], np.cumprod(1 + days)])
        assert drawdown == pytest.approx((1 - path / np.maximum.accumulate(path)).max())
    assert resampled_drawdowns(its, draws)[0] == pytest.approx(its.max_drawdown)
