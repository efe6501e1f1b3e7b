"""What must not change a figure, on whatever games: their order, bets in two halves, their unit, results of no bet."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.evaluation.markets import bets, by_hand
from tests.evaluation.test_figures import figures_of, same
from trainer.data.decisions import NO_SIDE, Decisions, american_to_net, unit_returns
from trainer.data.types import Int
from trainer.evaluation.bankroll import LARGEST_STAKES
from trainer.evaluation.payoffs import Bets

Game = tuple[int, int, int, int, float, int]
"""Season, week, who covers, side, stake, price."""
GAMES = st.lists(
    st.tuples(
        st.sampled_from((2020, 2021)),
        st.integers(1, 6),
        st.sampled_from((-1, 0, 1)),
        st.sampled_from((NO_SIDE, 0, 1)),
        st.sampled_from((0.2, 0.6, 1.0)),
        st.sampled_from((-250, -110, 100, 130)),
    ),
    min_size=1,
    max_size=40,
)
FEW = settings(max_examples=12, derandomize=True)
RESAMPLES = 60


def market(games: list[Game]) -> tuple[Bets, Decisions]:
    """The games in order of time, and the bets on them."""
    seasons, weeks, covers, sides, stakes, prices = zip(*sorted(games), strict=True)
    decisions = by_hand(list(map(float, covers)), weeks=list(weeks), seasons=list(seasons))
    odds = np.repeat(american_to_net(np.array(prices, dtype=np.float64))[:, None], 2, axis=1)
    placed = [stake if side != NO_SIDE else 0.0 for side, stake in zip(sides, stakes, strict=True)]
    priced = replace(decisions, net_odds=odds, returns=unit_returns(decisions.margin, odds))
    return bets(list(sides), placed), priced


@FEW
@given(GAMES, st.integers(0, 100))
@example([(2020, 1, 1, 0, 1.0, -110)] * 3, 0)
def test_the_order_of_the_rows(games: list[Game], seed: int) -> None:
    taken, decisions = market(games)
    order: Int = np.random.default_rng(seed).permutation(len(taken))
    same(
        figures_of(taken.take(order), decisions.take(order), resamples=RESAMPLES),
        figures_of(taken, decisions, resamples=RESAMPLES),
    )


@FEW
@given(GAMES)
def test_two_halves_of_each_bet(games: list[Game]) -> None:
    taken, decisions = market(games)
    twice: Int = np.repeat(np.arange(len(taken)), 2)
    halves = figures_of(Bets(taken.side[twice], taken.stake[twice] / 2), decisions.take(twice), resamples=RESAMPLES)
    whole = figures_of(taken, decisions, resamples=RESAMPLES)
    # Weeks that are all alike leave the bets to tell how sure a win rate is, and there are twice as many.
    same(halves, whole, but=("decisions", "win_rate"))
    assert halves.record.win_rate == whole.record.win_rate


@FEW
@given(GAMES, st.sampled_from((0.5, 0.25)))
def test_the_unit_of_the_stakes(games: list[Game], factor: float) -> None:
    taken, decisions = market(games)
    smaller = figures_of(Bets(taken.side, factor * taken.stake), decisions, resamples=RESAMPLES)
    bankrolls = tuple(str(largest) for largest in LARGEST_STAKES)
    same(smaller, figures_of(taken, decisions, resamples=RESAMPLES), but=("profit", *bankrolls))


@FEW
@given(GAMES)
def test_results_of_games_that_were_not_bet_on(games: list[Game]) -> None:
    taken, decisions = market(games)
    margin = np.where(taken.placed, decisions.margin, -decisions.margin)
    flipped = replace(decisions, margin=margin, returns=unit_returns(margin, decisions.net_odds))
    same(figures_of(taken, flipped, resamples=RESAMPLES), figures_of(taken, decisions, resamples=RESAMPLES))
