"""What each policy bets, worked by hand, and that none but the oracle can see an outcome."""

from collections.abc import Callable

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.simulated_market import decisions, drawn
from trainer.config import STAKES
from trainer.data.decisions import NO_SIDE, Decisions, american_to_net
from trainer.data.types import Double
from trainer.evaluation.covering import ensemble, walk_forward
from trainer.evaluation.ensemble import choose_cut, opinions
from trainer.evaluation.payoffs import Bets
from trainer.evaluation.policies import (
    Known,
    always_favourite,
    always_home,
    break_even,
    ensemble_confident,
    ensemble_cql,
    implied_cover,
    kelly,
    kelly_lcb,
    kelly_share,
    known,
    logit,
    market_implied,
    never_bet,
    oracle,
    random_bets,
    sigmoid,
    single_cql,
)

SEASON = 4
MARKET = decisions(drawn((60, 60, 60, 60), 1.0, SEASON))


def board(**columns: list[object]) -> Known:
    """A board of as many games as `columns` have, -110 on both sides, with nothing else to choose by."""
    count = len(next(iter(columns.values())))
    plain: dict[str, object] = {
        "game_ids": tuple(f"g{number}" for number in range(count)),
        "home": np.ones(count, dtype=np.bool_),
        "spread": np.zeros(count),
        "market_prob": np.full(count, 0.5),
        "p_hat": np.full(count, 0.5),
        "net_odds": np.full((count, 2), 100 / 110),
    }
    given = {name: np.array(values) for name, values in columns.items()}
    return Known(**(plain | given))  # type: ignore[arg-type]


def same(one: Bets, other: Bets) -> bool:
    return one.side.tobytes() == other.side.tobytes() and one.stake.tobytes() == other.stake.tobytes()


def every_policy(market: Decisions) -> dict[str, Bets]:
    """Each policy but the oracle; networks are drawn at random, and covering was fitted before the last season."""
    last = int(market.seasons.max())
    past = market.seasons < last
    fitted = replace(market, margin=np.where(past, market.margin, np.nan))
    q = np.random.default_rng(1).normal(size=(5, len(market), 4))
    found = opinions(q)
    before = known(market)
    covers = ensemble(fitted, last, members=20, seed=3).cover
    return {
        "never": never_bet(before),
        "random": random_bets(before, 5),
        "home": always_home(before),
        "favourite": always_favourite(before),
        "market implied": market_implied(before),
        "kelly": kelly(before, walk_forward(fitted, last).cover),
        "kelly lcb": kelly_lcb(before, covers, 0.05),
        "single": single_cql(q[0]),
        "ensemble": ensemble_cql(found),
        "confident": ensemble_confident(found, choose_cut(found.uncertainty[past])),
    }


def test_never_bets_nothing() -> None:
    bets = never_bet(known(MARKET))
    assert set(bets.side.tolist()) == {NO_SIDE}
    assert not bets.stake.any()


def test_home_is_side_1_where_the_state_is_seen_from_the_visitor() -> None:
    bets = always_home(board(home=[True, False]))
    assert bets.side.tolist() == [0, 1]
    assert bets.stake.tolist() == [1, 1]


def test_favourite_gives_points_and_at_a_spread_of_zero_is_the_likelier_winner() -> None:
    bets = always_favourite(
        board(spread=[3.5, -0.5, 0.0, 0.0, 0.0, np.nan, 0.0], market_prob=[0.4, 0.6, 0.55, 0.45, 0.5, 0.9, np.nan])
    )
    assert bets.side.tolist() == [0, 1, 0, 1, NO_SIDE, NO_SIDE, NO_SIDE]
    assert bets.stake.tolist() == [1, 1, 1, 1, 0, 0, 0]


def test_random_bets_every_game_on_either_side_with_the_behaviours_size() -> None:
    count = 2000
    edges = np.tile([0.0, 0.02, -0.05, 0.3], count // 4)
    bets = random_bets(board(p_hat=list(0.5 + edges)), 11)
    assert bets.stake.tolist() == [0.2, 0.2, 0.6, 1.0] * (count // 4)
    assert abs((bets.side == 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(count)
    assert set(bets.side.tolist()) == {0, 1}
    assert not same(bets, random_bets(board(p_hat=list(0.5 + edges)), 12)), "the seed changes nothing"


def test_market_implied_needs_the_disagreement_to_pay_the_vig() -> None:
    # Prices of -110 break even at 0.5238: in logits 0.0953, which the disagreement has to exceed.
    just_below, just_above = sigmoid(np.array([0.0952, 0.0954]))
    bets = market_implied(board(p_hat=[just_below, just_above, 1 - just_above, 0.5, np.nan, 1.0]))
    assert bets.side.tolist() == [NO_SIDE, 0, 1, NO_SIDE, NO_SIDE, NO_SIDE]
    assert bets.stake.tolist() == [0, 1, 1, 0, 0, 0]


def test_market_implied_reads_prices_of_both_signs() -> None:
    # +120 / -145: break-even 0.4545 and 0.5918, fair 0.4344 for side 0. The model agrees: neither pays.
    net_odds = american_to_net(np.array([[120.0, -145.0]] * 3))
    agreeing = board(p_hat=[0.45] * 3, market_prob=[0.45] * 3, net_odds=list(net_odds))
    assert implied_cover(agreeing) == pytest.approx(0.4344, abs=1e-4)
    assert market_implied(agreeing).side.tolist() == [NO_SIDE] * 3
    # 0.1 in logits above the market's 0.45 makes 0.4591 of 0.4344: more than the 0.4545 that +120 needs.
    higher = board(p_hat=[float(sigmoid(logit(np.array([0.45])) + 0.1)[0])], market_prob=[0.45], net_odds=[net_odds[0]])
    assert implied_cover(higher) == pytest.approx(0.4591, abs=1e-4)
    assert market_implied(higher).side.tolist() == [0]


@pytest.mark.parametrize(
    ("cover", "odds", "share"),
    [
        (0.55, -110, 0.055),  # 0.55 - 0.45 / 0.90909
        (0.5, 120, 1 / 12),  # 0.5 - 0.5 / 1.2
        (0.5238, -110, 0.0),  # below break-even, 0.52381
        (0.6, -150, 0.0),  # exactly fair
        (1.0, -110, 1.0),
        (np.nan, -110, 0.0),
    ],
)
def test_kelly_share_is_what_is_worked_by_hand(cover: float, odds: float, share: float) -> None:
    assert kelly_share(np.array([cover]), american_to_net(np.array([odds]))) == pytest.approx(share, abs=1e-12)


def test_kelly_share_maximises_log_growth_and_a_push_moves_it_not() -> None:
    push, cover, net = 0.1, 0.56, 100 / 105
    shares = np.linspace(0, 0.5, 500_001)
    growth = (1 - push) * (cover * np.log1p(net * shares) + (1 - cover) * np.log1p(-shares))
    assert kelly_share(np.array([cover]), np.array([net])) == pytest.approx(shares[growth.argmax()], abs=2e-6)


def test_kelly_bets_a_quarter_up_to_five_percent_of_the_bankroll_on_either_side() -> None:
    bets = kelly(board(spread=[0.0] * 5), np.array([0.55, 0.45, 0.9, 0.51, np.nan]))
    assert bets.side.tolist() == [0, 1, 0, NO_SIDE, NO_SIDE]
    assert bets.stake == pytest.approx([0.25 * 0.055 / 0.05, 0.25 * 0.055 / 0.05, 1, 0, 0], abs=1e-12)


def test_kelly_with_a_bound_asks_the_pessimists_of_each_side() -> None:
    spread = np.linspace(-0.1, 0.1, 101)[:, None]  # members: 5 % quantile 0.09 below the middle
    covers = np.array([0.62, 0.38, 0.60, 0.5]) + spread
    bets = kelly_lcb(board(spread=[0.0] * 4), covers, 0.05)
    assert bets.side.tolist() == [0, 1, NO_SIDE, NO_SIDE]
    share = 0.53 - 0.47 * 1.1
    assert bets.stake == pytest.approx([0.25 * share / 0.05] * 2 + [0, 0], abs=1e-9)
    bolder = kelly_lcb(board(spread=[0.0] * 4), covers, 0.10)
    assert bolder.stake[0] > bets.stake[0]


def test_kelly_with_a_bound_of_equal_members_is_kelly() -> None:
    cover = walk_forward(MARKET).cover
    assert same(kelly_lcb(known(MARKET), np.stack([cover] * 3), 0.05), kelly(known(MARKET), cover))


def test_cql_bets_side_0_with_the_stake_of_its_action_and_the_smaller_of_equals() -> None:
    q = np.array([[0, 1, 2, 3], [0, 0, 0, 0], [0, 0.1, 0.1, -1], [-1, -2, 0.5, 0.4]])
    bets = single_cql(q)
    assert bets.side.tolist() == [0, NO_SIDE, 0, 0]
    assert bets.stake.tolist() == [1.0, 0, 0.2, 0.6]
    assert single_cql(q, (0, 0.1, 0.2, 0.3)).stake.tolist() == [0.3, 0, 0.1, 0.2]


def test_ensemble_bets_by_the_mean_and_the_confident_ones_are_a_part_of_it() -> None:
    certain, torn, losing = np.array(
        [
            [[0, 0, 0, 1], [0, 0, 0, 1.5]],  # uncertainty 0.35
            [[0, 0, 3, 0], [0, 0, -1, 0]],  # mean 1: bets 0.6, uncertainty 4.7
            [[0, 0, 1, 0], [0, 0, -2, 0]],  # mean -0.5: no bet
        ]
    )
    q = np.stack([certain, torn, losing], axis=1)
    found = opinions(q)
    assert ensemble_cql(found).stake.tolist() == [1, 0.6, 0]
    assert ensemble_cql(found).side.tolist() == [0, 0, NO_SIDE]
    confident = ensemble_confident(found, choose_cut(found.uncertainty, 0.5))
    assert confident.stake.tolist() == [1, 0, 0]
    assert confident.side.tolist() == [0, NO_SIDE, NO_SIDE]


def test_oracle_bets_the_better_side_where_it_pays() -> None:
    truth = np.array([[0.1, -0.2], [-0.2, 0.05], [-0.02, -0.03], [0.01, 0.02]])
    bets = oracle(replace(MARKET.take(np.arange(4)), true_returns=truth))
    assert bets.side.tolist() == [0, 1, NO_SIDE, 1]
    assert bets.stake.tolist() == [1, 1, 0, 1]


def test_oracle_refuses_a_market_whose_truth_is_unknown() -> None:
    truth = MARKET.true_returns.copy()
    truth[3] = np.nan
    with pytest.raises(ValueError, match="only a simulator knows"):
        oracle(replace(MARKET, true_returns=truth))


def _nothing(values: Double) -> Double:
    return np.full(values.shape, np.nan)


def _opposite(values: Double) -> Double:
    return -values[::-1] - 1


@pytest.mark.parametrize("poison", [_nothing, _opposite])
def test_no_policy_sees_an_outcome_of_the_games_that_it_bets_on(poison: Callable[[Double], Double]) -> None:
    last = MARKET.seasons == MARKET.seasons.max()
    fields = {name: getattr(MARKET, name).copy() for name in ("margin", "returns", "true_returns")}
    for values in fields.values():
        values[last] = poison(values[last])
    clean, poisoned = every_policy(MARKET), every_policy(replace(MARKET, **fields))
    for name, bets in clean.items():
        assert same(bets, poisoned[name]), name
    if poison is _opposite:
        assert not same(oracle(MARKET), oracle(replace(MARKET, **fields)))


def test_a_games_bet_does_not_depend_on_the_rows_around_it() -> None:
    order = np.random.default_rng(2).permutation(len(MARKET))
    cover = walk_forward(MARKET).cover
    for policy in (lambda b: random_bets(b, 5), always_home, always_favourite, market_implied, never_bet):
        bets, shuffled = policy(known(MARKET)), policy(known(MARKET.take(order)))
        assert same(Bets(bets.side[order], bets.stake[order]), shuffled)
    bets, shuffled = kelly(known(MARKET), cover), kelly(known(MARKET.take(order)), cover[order])
    assert same(Bets(bets.side[order], bets.stake[order]), shuffled)


def test_every_bet_has_a_side_and_a_stake_of_at_most_the_largest() -> None:
    found = every_policy(MARKET) | {"oracle": oracle(MARKET)}
    for name, bets in found.items():
        assert ((bets.side == NO_SIDE) == (bets.stake == 0)).all(), name
        assert set(bets.side.tolist()) <= {NO_SIDE, 0, 1}, name
        assert ((bets.stake >= 0) & (bets.stake <= 1)).all(), name
    assert all(bets.stake.any() for name, bets in found.items() if name != "never" and "kelly" not in name)


def test_break_even_of_the_usual_price_is_52_4_percent() -> None:
    assert break_even(american_to_net(np.array([-110.0, 100.0, 150.0]))) == pytest.approx([0.52381, 0.5, 0.4], abs=1e-5)


def test_stakes_of_the_actions_are_the_trainers() -> None:
    assert single_cql(np.eye(4)).stake.tolist() == list(STAKES)


def test_what_is_certain_has_no_logit() -> None:
    assert logit(np.array([0.0, 1.0, -0.1, np.nan, 0.5, 0.75])) == pytest.approx(
        [np.nan] * 4 + [0, np.log(3)], nan_ok=True
    )
