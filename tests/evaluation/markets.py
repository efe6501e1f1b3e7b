"""Markets to evaluate on: a simulated one with its truth, and decisions written down by hand."""

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from trainer.data.bets import to_decisions
from trainer.data.decisions import Decisions, american_to_net, own_side_first, unit_returns
from trainer.data.margins import cover_probabilities, margin_pmf
from trainer.data.simulated import simulate
from trainer.data.types import Double
from trainer.evaluation.payoffs import Bets, of_side_taken


class TrueMarket(Struct, frozen=True, eq=False):
    """A simulated market as evaluation sees it, and what evaluation does not see."""

    decisions: Decisions
    edge: Double
    """[N], by how much the model's probability is above the market's, side 0 being the one that it prefers."""
    wins: Double
    """[N, 2], true probability that a bet on the side wins."""
    loses: Double
    """[N, 2]"""

    def true_roi(self, bets: Bets) -> float:
        """What the bets return in expectation, as a share of what they stake."""
        return float((bets.stake * of_side_taken(self.decisions.true_returns, bets)).sum() / bets.stake.sum())

    def true_win_rate(self, bets: Bets) -> float:
        """Expected wins / expected decided bets."""
        return float(of_side_taken(self.wins, bets).sum() / of_side_taken(self.wins + self.loses, bets).sum())

    def zero_mean(self) -> Decisions:
        """The decisions, with payoffs shifted so that every bet is worth 0 in expectation."""
        returns = self.decisions.returns - self.decisions.true_returns
        return replace(self.decisions, returns=returns, true_returns=np.zeros_like(returns))


def true_market(season_games: tuple[int, ...], edge_size: float, rng: np.random.Generator) -> TrueMarket:
    """Draw a market of `edge_size` points (see `trainer.data.simulated`)."""
    market = simulate(season_games, edge_size, rng)
    decisions = to_decisions(market.games)
    covers = cover_probabilities(margin_pmf(market.true_expected), market.games.spread)
    wins = own_side_first(decisions.home, np.stack(covers, axis=1))
    return TrueMarket(decisions, decisions.p_hat - decisions.market_prob, wins, wins[:, ::-1])


def by_hand(
    covers: list[float], *, weeks: list[int] | None = None, seasons: list[int] | None = None, odds: float = -110
) -> Decisions:
    """Decisions of which side 0 covers (1), does not (-1), pushes (0) or is not known (NaN), at one price, a day a
    week."""
    count = len(covers)
    week = np.array(weeks if weeks is not None else range(1, count + 1), dtype=np.int64)
    season = np.array(seasons if seasons is not None else [2020] * count, dtype=np.int64)
    net_odds = np.broadcast_to(american_to_net(np.array(float(odds))), (count, 2)).copy()
    margin = np.array(covers, dtype=np.float64)
    blank = np.zeros(count)
    return Decisions(
        game_ids=tuple(f"g{row}" for row in range(count)),
        seasons=season,
        weeks=week,
        days=season * 1000 + week * 7,
        home=np.ones(count, dtype=np.bool_),
        spread=blank,
        margin=margin,
        market_prob=blank + 0.5,
        p_hat=blank + 0.5,
        net_odds=net_odds,
        returns=unit_returns(margin, net_odds),
        true_returns=np.full((count, 2), np.nan),
    )


def bets(side: list[int], stake: list[float] | None = None) -> Bets:
    """Bets on the given sides, of 1 unit where nothing is said."""
    taken = np.array(side, dtype=np.int64)
    return Bets(taken, (taken >= 0).astype(np.float64) if stake is None else np.array(stake, dtype=np.float64))
