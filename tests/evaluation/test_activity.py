"""Weeks without a bet and their reasons, by hand; and the Sharpe ratio of the weeks with one."""

import math

import numpy as np
import pytest

from tests.evaluation.markets import bets, by_hand, true_market
from trainer.evaluation.activity import Abstaining, Reason, activities, adjusted
from trainer.evaluation.blocks import week_blocks
from trainer.evaluation.figures import policy_figures
from trainer.evaluation.intervals import NO_BETS, Estimate
from trainer.evaluation.payoffs import Bets

SEASONS = [2020, 2020, 2020, 2020, 2021, 2021]
WEEKS = [1, 2, 2, 5, 3, 4]
DECISIONS = by_hand([1, -1, 1, -1, 1, 1], seasons=SEASONS, weeks=WEEKS, odds=100)
POLICIES = {
    "all": bets([0, 0, 0, -1, 0, -1]),
    "sure": bets([0, -1, -1, -1, -1, -1]),
    "never": bets([-1] * 6),
}
KNOWN = np.array([True, False, False, True, True, False])
ABSTAINING = {"all": Abstaining(KNOWN), "sure": Abstaining(KNOWN, surer_than="all"), "never": Abstaining(by_rule=True)}


def test_a_week_without_a_bet_has_the_reason_of_the_game_that_came_closest_to_one() -> None:
    figures = policy_figures(POLICIES, DECISIONS, np.random.default_rng(0), resamples=20)
    found = activities(POLICIES, ABSTAINING, figures, DECISIONS)

    def reasons(name: str) -> list[dict[str, int]]:
        return [{str(reason): n for reason, n in its.reasons.items() if n} for its in found[name].seasons]

    assert reasons("all") == [{"no_edge": 1, "no_game": 2}, {"not_known": 1}]
    assert reasons("sure") == [{"not_confident": 1, "no_edge": 1, "no_game": 2}, {"not_confident": 1, "not_known": 1}]
    assert reasons("never") == [{"by_rule": 3, "no_game": 2}, {"by_rule": 2}]
    first, second = found["all"].seasons
    assert (first.season, first.weeks, first.without_bet) == (2020, 5, 3)
    assert (second.season, second.weeks, second.without_bet) == (2021, 2, 1)
    assert list(first.reasons) == list(Reason), "each is there, with 0"
    assert (found["all"].weeks, found["all"].with_bet, found["all"].utilisation) == (5, 3, 3 / 5)
    assert found["never"].adjusted_sharpe == (Estimate(None, reason=NO_BETS),) * 3


def test_the_adjusted_ratio_is_that_of_the_weeks_with_a_bet_up_to_the_square_of_a_weeks_ratio() -> None:
    its = true_market((285, 285), 2.0, np.random.default_rng(4)).decisions
    taken = Bets(np.where(its.weeks % 3 == 0, 0, -1), (its.weeks % 3 == 0).astype(np.float64))
    figures = policy_figures({"it": taken}, its, np.random.default_rng(0), resamples=200)
    found = activities({"it": taken}, {"it": Abstaining()}, figures, its)["it"]
    assert found.utilisation == pytest.approx(14 / 44)
    rows = np.flatnonzero(taken.placed)
    blocks = week_blocks(its.seasons[rows], its.weeks[rows])
    for bankroll, ratio in zip(figures[0].whole.bankrolls, found.adjusted_sharpe, strict=True):
        days = its.days[rows]
        gained = np.array(
            [
                math.prod(
                    1
                    + bankroll.largest_stake * its.returns[rows, 0][(blocks.of_decision == week) & (days == day)].sum()
                    for day in np.unique(days[blocks.of_decision == week])
                )
                - 1
                for week in range(len(blocks))
            ]
        )
        alone = gained.mean() / gained.std(ddof=1)
        assert ratio.value == pytest.approx(alone * math.sqrt(22), rel=0.05 + alone**2)
        assert ratio.value != pytest.approx(bankroll.sharpe.value, rel=0.5)


def test_the_interval_is_scaled_with_the_ratio() -> None:
    sharpe = Estimate(1.0, -0.5, 2.0, -0.25, 1.5, 0.5)
    assert adjusted(sharpe, 0.25) == Estimate(2.0, -1.0, 4.0, -0.5, 3.0, 1.0)
    assert adjusted(sharpe, 1.0) == sharpe
    assert adjusted(Estimate(None, reason="no"), 0.0) == Estimate(None, reason="no")
