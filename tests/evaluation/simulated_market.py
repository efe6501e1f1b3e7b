"""The project's simulated market as decisions: side 0 is the one that the model prefers, and the truth is known.

Importing it sets one thread, as a worker does: small products are slower with several.
"""

import numpy as np

from trainer.config import DataConfig
from trainer.data.bets import to_transitions
from trainer.data.decisions import Decisions, american_to_net, unit_returns
from trainer.data.margins import cover_probabilities, margin_pmf
from trainer.data.simulated import Market, simulate
from trainer.data.types import Transitions
from trainer.threads import one_thread

one_thread()


def drawn(season_games: tuple[int, ...], edge_size: float, seed: int) -> Market:
    """A market of consecutive seasons."""
    return simulate(season_games, edge_size, np.random.default_rng(seed))


def logged(market: Market, seed: int) -> Transitions:
    """What the behaviour policy made of the market."""
    return to_transitions(market.games, DataConfig(seed=seed))


def decisions(market: Market) -> Decisions:
    """Both sides of each game, as seen from the side that the model prefers."""
    games = market.games
    home = games.p_hat.round(6) >= games.market_prob.round(6)
    sign = np.where(home, 1.0, -1.0)
    odds = np.stack([games.home_odds, games.away_odds], axis=1)
    net_odds = american_to_net(np.where(home[:, None], odds, odds[:, ::-1]))
    spread, margin = sign * games.spread, sign * games.margin
    above, below = cover_probabilities(margin_pmf(market.true_expected), games.spread)
    wins = np.where(home[:, None], np.stack([above, below], axis=1), np.stack([below, above], axis=1))
    return Decisions(
        game_ids=games.game_ids,
        seasons=games.seasons,
        weeks=games.weeks,
        days=7 * games.weeks + 365 * games.seasons,
        home=home,
        spread=spread,
        margin=margin,
        market_prob=np.where(home, games.market_prob, 1 - games.market_prob),
        p_hat=np.where(home, games.p_hat, 1 - games.p_hat),
        net_odds=net_odds,
        returns=unit_returns(np.sign(margin - spread), net_odds),
        true_returns=wins * net_odds - wins[:, ::-1],
    )
