"""The policy that logged the bets: stakes grow with the edge, and now and then it explores.

Known, non-zero propensities of every action are what off-policy evaluation by importance weights needs.
"""

import numpy as np

from trainer.config import ACTIONS
from trainer.data.types import Double, Int

NO_BET_BELOW = 0.01
SMALL_BELOW = 0.03
MEDIUM_BELOW = 0.06
EPSILON = 0.2
"""Share of the decisions that are drawn uniformly from all actions."""


def bet_size(edge: Double) -> Int:
    """Return the bet's action by size of edge [N]: small (1) below 0.03, medium (2) below 0.06, else large (3)."""
    return 1 + np.digitize(np.abs(edge), (SMALL_BELOW, MEDIUM_BELOW)).astype(np.int64)


def preferred_action(edge: Double) -> Int:
    """Return what the policy does when it does not explore [N]: `bet_size`, or no bet (0) below 0.01."""
    return np.where(np.abs(edge) < NO_BET_BELOW, 0, bet_size(edge)).astype(np.int64)


def propensities(edge: Double) -> Double:
    """Probability of each action [N, A]: 1 - EPSILON on the preferred one, and EPSILON spread over all."""
    chances = np.full((len(edge), len(ACTIONS)), EPSILON / len(ACTIONS))
    chances[np.arange(len(edge)), preferred_action(edge)] += 1 - EPSILON
    return chances


def draw_actions(edge: Double, rng: np.random.Generator) -> tuple[Int, Double]:
    """Return the logged actions [N] and the probability [N] with which each was taken."""
    draws = rng.random((len(edge), 2))  # row by row: what was logged does not change when rows are appended
    explores = draws[:, 0] < EPSILON
    anything = np.floor(draws[:, 1] * len(ACTIONS))
    actions = np.where(explores, anything, preferred_action(edge)).astype(np.int64)
    return actions, propensities(edge)[np.arange(len(edge)), actions]
