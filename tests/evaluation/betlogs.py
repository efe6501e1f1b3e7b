"""Logs of bets for the off-policy tests: a small one worked by hand, and one of the simulated market."""

import numpy as np
from msgspec.structs import replace

from tests.evaluation.simulated_market import drawn, logged
from trainer.data.behaviour import propensities
from trainer.data.types import Double
from trainer.evaluation.importance import Log
from trainer.evaluation.offpolicy import (
    Estimate,
)

LARGE = 3


def always(action: int, count: int) -> Double:
    """Probabilities [N, 4] of a policy with one action."""
    return np.asarray(np.eye(4)[np.full(count, action)])


def log_of(seasons: int = 4, seed: int = 5) -> Log:
    """What the behaviour policy logs of a simulated market."""
    transitions = logged(drawn((285,) * seasons, 1.0, seed), seed)
    assert transitions.decisions is not None
    return Log(
        states=transitions.states,
        actions=transitions.actions,
        rewards=transitions.rewards.astype(np.float64),
        propensities=propensities(transitions.states[:, 5].astype(np.float64)),
        seasons=transitions.seasons,
        weeks=transitions.weeks,
        net_odds=transitions.decisions.net_odds[:, 0],
    )


LOG = log_of()


def seeded() -> np.random.Generator:
    return np.random.default_rng(3)


def by_name(estimates: tuple[Estimate, ...]) -> dict[str, Estimate]:
    return {estimate.name: estimate for estimate in estimates}


def small(**changed: object) -> Log:
    """Four decisions: no bet, a small one that won at even money, a medium one that lost, a large one that won 0.5."""
    log = Log(
        states=np.zeros((4, 1)),
        actions=np.array([0, 1, 2, 3]),
        rewards=np.array([0, 0.2, -0.6, 0.5]),
        propensities=np.array([[0.5, 0.3, 0.1, 0.1], [0.2, 0.4, 0.3, 0.1], [0.5, 0.2, 0.2, 0.1], [0.0, 0.2, 0.3, 0.5]]),
    )
    return replace(log, **changed)
