"""What bets paid, worked out by hand."""

import numpy as np
import pytest

from tests.evaluation.markets import bets, by_hand
from trainer.data.decisions import american_to_net, unit_returns
from trainer.evaluation.payoffs import Bets, Record, break_even, of_side_taken, profits, record


def test_a_won_bet_pays_its_odds_a_lost_one_costs_its_stake_and_a_push_costs_nothing() -> None:
    decisions = by_hand([1, -1, 0, 1], odds=120)
    taken = bets([0, 0, 0, 1], [1.0, 0.5, 1.0, 0.25])
    assert profits(taken, decisions).tolist() == [1.2, -0.5, 0.0, -0.25]


def test_the_other_side_wins_where_side_0_does_not_cover_and_at_its_own_price() -> None:
    covers = np.array([-1.0, 1.0])
    odds = np.stack([american_to_net(np.array([-105.0, -105.0])), american_to_net(np.array([-115.0, -115.0]))], axis=1)
    assert unit_returns(covers, odds)[:, 1].tolist() == pytest.approx([100 / 115, -1])
    assert of_side_taken(odds, bets([1, 0])).tolist() == pytest.approx([100 / 115, 100 / 105])


def test_no_bet_pays_nothing_whatever_the_outcome_even_an_unknown_one() -> None:
    assert profits(bets([-1, -1, 0]), by_hand([1, float("nan"), -1])).tolist() == [0, 0, -1]


def test_a_bet_without_an_outcome_is_refused_and_named() -> None:
    with pytest.raises(ValueError, match="1 bets have no outcome, the first on g1"):
        profits(bets([0, 0]), by_hand([1, float("nan")]))


def test_a_bet_without_a_price_has_no_break_even() -> None:
    decisions = by_hand([-1, -1])
    decisions.net_odds[1, 0] = np.nan
    with pytest.raises(ValueError, match="1 bets have no price"):
        break_even(bets([0, 0]), decisions)


def test_pushes_are_counted_apart_and_are_in_no_win_rate() -> None:
    its = record(bets([0, 0, 0, 0, 1, -1]), by_hand([1, 1, -1, 0, 0, 1]))
    assert its == Record(wins=2, losses=1, pushes=2)
    assert (its.bets, its.decided, str(its)) == (5, 3, "2-1-2")
    assert its.win_rate == pytest.approx(2 / 3)
    assert record(bets([0, -1]), by_hand([0, 1])).win_rate is None


def test_break_even_is_the_rate_at_which_equal_stakes_at_the_decided_bets_prices_gain_nothing() -> None:
    decisions = by_hand([1, -1, 0, 1])
    decisions.net_odds[:, 0] = [100 / 110, 1.2, 5.0, 1.0]
    taken = bets([0, 0, 0, -1], [1.0, 0.1, 1.0, 0.0])
    assert break_even(taken, decisions) == pytest.approx(1 / (1 + (10 / 11 + 1.2) / 2))
    assert break_even(bets([0, 0, -1, -1]), by_hand([1, -1, 0, 1])) == pytest.approx(11 / 21)
    assert break_even(bets([-1, -1, 0, -1]), by_hand([1, -1, 0, 1])) is None


@pytest.mark.parametrize(
    ("side", "stake"),
    [
        ([0], [0.0]),
        ([-1], [0.5]),
        ([0], [1.5]),
        ([1], [-0.5]),
        ([0], [float("nan")]),
        ([2], [1.0]),
        ([0, 1], [1.0]),
    ],
)
def test_bets_that_contradict_themselves_are_refused(side: list[int], stake: list[float]) -> None:
    with pytest.raises(ValueError, match="side"):
        Bets(np.array(side, dtype=np.int64), np.array(stake))


def test_bets_of_other_decisions_are_refused() -> None:
    with pytest.raises(ValueError, match="2 bets for 3 decisions"):
        profits(bets([0, 1]), by_hand([1, 1, 1]))
