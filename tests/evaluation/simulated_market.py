"""The project's simulated market as decisions: side 0 is the one that the model prefers, and the truth is known.

Importing it sets one thread, as a worker does: small products are slower with several.
"""

import numpy as np

from trainer.config import DataConfig
from trainer.data.bets import to_decisions, to_transitions
from trainer.data.decisions import Decisions
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
    return to_decisions(market.games)
