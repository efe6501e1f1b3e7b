"""Betting policies: what each bets on a decision, by what is known before kick-off.

A policy takes `Known`, which has no outcome, so that none can look at one by mistake; the oracle alone takes the
simulator's truth. A decision's bet depends on that decision only: shuffling, dropping or appending rows changes none.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from trainer.config import STAKES
from trainer.data.behaviour import bet_size
from trainer.data.decisions import NO_SIDE, Decisions
from trainer.data.types import Bool, Double, Float, Int
from trainer.evaluation.ensemble import Cut, Opinions
from trainer.evaluation.payoffs import Bets

KELLY_FRACTION = 0.25
"""Share of the Kelly stake that is bet: the probabilities are estimates."""
KELLY_CAP = 0.05
"""The largest stake, as a share of the bankroll; what `Bets.stake` is a share of."""
KELLY_QUANTILES = (0.05, 0.10)
"""Lower quantiles of the ensemble of P(cover) that Kelly with a lower confidence bound is shown for."""


class Known(Struct, frozen=True, eq=False):
    """N decisions as they stand before kick-off; the fields mean what they mean in `Decisions`."""

    game_ids: tuple[str, ...]
    home: Bool
    spread: Double
    market_prob: Double
    p_hat: Double
    net_odds: Double
    """[N, 2]"""

    def __len__(self) -> int:
        return len(self.game_ids)


def known(decisions: Decisions) -> Known:
    """Return the part of decisions that a policy may look at."""
    return Known(
        decisions.game_ids,
        decisions.home,
        decisions.spread,
        decisions.market_prob,
        decisions.p_hat,
        decisions.net_odds,
    )


def never_bet(board: Known) -> Bets:
    """Bet nothing."""
    return _bets(np.full(len(board), NO_SIDE), np.zeros(len(board)))


def random_bets(board: Known, seed: int) -> Bets:
    """Bet every game on a side that a coin tosses, with the size that the behaviour policy bets where it bets.

    The coin is a hash of the seed and the game's id, so that a game's side does not depend on the rows around it.
    """
    side = np.array([_coin(seed, game_id) for game_id in board.game_ids], dtype=np.int64)
    size = bet_size(np.nan_to_num(board.p_hat - board.market_prob))
    return _bets(side, np.asarray(STAKES)[size])


def always_home(board: Known) -> Bets:
    """Bet the largest stake on the home team of every game."""
    return _bets(np.where(board.home, 0, 1), np.ones(len(board)))


def always_favourite(board: Known) -> Bets:
    """Bet the largest stake on the side that gives points; at a spread of 0 on the likelier winner by the market, and
    nothing where neither is."""
    lead = np.where(board.spread == 0, np.nan_to_num(board.market_prob, nan=0.5) - 0.5, board.spread)
    return _bets(_side_of(lead), np.ones(len(board)))


def implied_cover(board: Known) -> Double:
    """Return P(side 0 covers) [N], pushes left out, if the model is right about winning.

    The market's own probability is that of its prices without vig. The model's disagreement about winning, the
    difference of p_hat and market_prob in logits, is added to it in logits: nothing is fitted, and a model that agrees
    with the market says what the prices say. NaN where something is unknown, or a probability is 0 or 1.
    """
    return sigmoid(logit(fair_cover(board.net_odds)) + logit(board.p_hat) - logit(board.market_prob))


def fair_cover(net_odds: Double) -> Double:
    """Return the market's P(side 0 covers) [N] by the prices of both sides [N, 2], without vig."""
    odds = break_even(net_odds)
    return np.asarray(odds[:, 0] / odds.sum(axis=1))


def market_implied(board: Known) -> Bets:
    """Bet the largest stake on the side whose `implied_cover` exceeds the cover probability at which its price breaks
    even (vig included), and nothing where neither does."""
    cover = implied_cover(board)
    excess = np.stack([cover, 1 - cover], axis=1) - break_even(board.net_odds)
    side = np.nan_to_num(excess, nan=-1.0).argmax(axis=1)
    worth = excess[np.arange(len(side)), side] > 0  # NaN is not
    return _bets(np.where(worth, side, NO_SIDE), np.ones(len(side)))


def kelly_share(cover: Double, net_odds: Double) -> Double:
    """Return the share of the bankroll that maximises expected log growth, 0 where the bet does not pay.

    `cover` is the probability to cover given that there is no push: a push returns the stake, so it scales the growth
    of every stake alike and moves no maximum. f = p - (1 - p) / b with net odds b (Kelly 1956). 0 where p or b is NaN.
    """
    share = cover - (1 - cover) / net_odds
    return np.where(share > 0, share, 0.0)


def kelly(board: Known, cover: Double, fraction: float = KELLY_FRACTION) -> Bets:
    """Bet `fraction` of the Kelly stake, at most KELLY_CAP of the bankroll, on the side that it is larger for.

    `cover` is P(side 0 covers) [N], pushes left out; NaN where it is not known, where nothing is bet.
    """
    return _kelly(board, np.stack([cover, 1 - cover], axis=1), fraction)


def kelly_lcb(board: Known, covers: Double, quantile: float, fraction: float = KELLY_FRACTION) -> Bets:
    """Bet as `kelly`, with the lower confidence bound of each side's own probability.

    `covers` is P(side 0 covers) [B, N] of an ensemble; the bound is its `quantile` for side 0, and that of 1 - covers
    for side 1, so that a side is bet only if it pays to the pessimists of that side.
    """
    low = np.quantile(covers, quantile, axis=0)
    return _kelly(board, np.stack([low, np.quantile(1 - covers, quantile, axis=0)], axis=1), fraction)


def single_cql(q: Double | Float, stakes: Sequence[float] = STAKES) -> Bets:
    """Bet what one network's Q values [N, A] are largest for: always on side 0, from which its state is seen. Equal
    values go to the smaller stake."""
    return sized(np.asarray(q).argmax(axis=1), stakes)


def ensemble_cql(opinions: Opinions, stakes: Sequence[float] = STAKES) -> Bets:
    """Bet what the members' mean Q values are largest for."""
    return sized(opinions.actions, stakes)


def ensemble_confident(opinions: Opinions, cut: Cut, stakes: Sequence[float] = STAKES) -> Bets:
    """Bet as `ensemble_cql` where the cut, chosen on validation, calls the bet confident, and nothing elsewhere."""
    return sized(np.where(cut.confident(opinions.uncertainty), opinions.actions, 0), stakes)


def sized(actions: Int, stakes: Sequence[float] = STAKES) -> Bets:
    """Bet the stakes of the actions [N] on side 0, from which a state is seen."""
    return _bets(np.zeros(len(actions), dtype=np.int64), np.asarray(stakes, dtype=np.float64)[actions])


def oracle(decisions: Decisions) -> Bets:
    """Bet the largest stake on the side with the larger true expectation, where it is positive.

    Raises:
        ValueError: the truth is not known of every decision, as only a simulator knows it.
    """
    if np.isnan(decisions.true_returns).any():
        raise ValueError("the oracle needs the true expected returns of every decision, which only a simulator knows")
    side = decisions.true_returns.argmax(axis=1)
    return _bets(np.where(decisions.true_returns.max(axis=1) > 0, side, NO_SIDE), np.ones(len(side)))


def break_even(net_odds: Double) -> Double:
    """Return the win probability, pushes left out, at which a bet with these net odds breaks even: 0.524 at -110."""
    return np.asarray(1 / (1 + net_odds))


def logit(chance: Double) -> Double:
    """Return log(p / (1 - p)); NaN outside of (0, 1)."""
    inside = np.where((chance > 0) & (chance < 1), chance, np.nan)
    return np.log(inside) - np.log1p(-inside)


def sigmoid(x: Double) -> Double:
    """Return 1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def _coin(seed: int, game_id: str) -> int:
    return hashlib.sha256(f"{seed}\0{game_id}".encode()).digest()[0] & 1


def _side_of(lead: Double) -> Int:
    """Side 0 where `lead` is positive, 1 where it is negative, none where it is 0 or NaN."""
    return np.where(lead > 0, 0, np.where(lead < 0, 1, NO_SIDE))


def _kelly(board: Known, bounds: Double, fraction: float) -> Bets:
    shares = kelly_share(bounds, board.net_odds)
    side = shares.argmax(axis=1)
    stake = np.minimum(fraction * shares[np.arange(len(side)), side], KELLY_CAP) / KELLY_CAP
    return _bets(side, stake)


def _bets(side: Int, stake: Double) -> Bets:
    """No side without a stake, and no stake without a side."""
    bet = (side != NO_SIDE) & (stake > 0)
    return Bets(np.where(bet, side, NO_SIDE).astype(np.int64), np.where(bet, stake, 0.0))
