"""Off-policy estimates beside the truth: logs that the behaviour policy makes of fresh simulated markets.

The truth of a replication is the target's expected return on its games; that of the market is the mean over all
replications. An estimate's error against its own games' truth has the bias of its error against the market's, and less
noise. Coverage is of the market's truth.
"""

from collections.abc import Iterator

import numpy as np

from tests.evaluation.simulated_market import decisions, drawn, logged
from trainer.config import STAKES
from trainer.data.behaviour import propensities
from trainer.data.types import Double
from trainer.evaluation.importance import By, Log, weigh
from trainer.evaluation.offpolicy import effective, unguarded

SEASON_GAMES = (285, 285)
EDGE_SIZE = 1.0
LARGE = len(STAKES) - 1
EDGE = 5
"""Column of the states."""
BET_FROM = 0.03
"""Edge from which the second target bets."""

COVERAGE = (0.92, 0.97)
RMSE: dict[By, tuple[float, float]] = {"bets": (0.042, 0.062), "actions": (0.12, 0.19)}
"""Of IPS for "always large", about the .052 and .152 that were measured before."""
ESS_SHARE: dict[By, tuple[float, float]] = {"bets": (0.47, 0.57), "actions": (0.04, 0.08)}
"""About .52 and .06."""


def targets(edge: Double) -> dict[str, Double]:
    """Probabilities [N, A] of the policies that are estimated."""
    always = np.eye(len(STAKES))[np.full(len(edge), LARGE)]
    return {"always large": always, "large from .03": np.eye(len(STAKES))[np.where(edge >= BET_FROM, LARGE, 0)]}


def rows(replications: int, seed: int) -> Iterator[tuple[str, float, float, float]]:
    """(name, measured, lowest accepted, highest accepted)."""
    found: dict[tuple[str, By, str], list[tuple[float, float, float, float]]] = {}  # value, low, high, its games' truth
    shares: dict[By, list[float]] = {"bets": [], "actions": []}
    for child in np.random.SeedSequence(seed).spawn(replications):
        market_seed, log_seed, fold_seed = (int(number) for number in child.generate_state(3))
        market = drawn(SEASON_GAMES, EDGE_SIZE, market_seed)
        transitions, truth = logged(market, log_seed), decisions(market).true_returns[:, 0]
        assert transitions.decisions is not None
        edge = transitions.states[:, EDGE].astype(np.float64)
        log = Log(
            states=transitions.states,
            actions=transitions.actions,
            rewards=transitions.rewards,
            propensities=propensities(edge),
            seasons=transitions.seasons,
            weeks=transitions.weeks,
            net_odds=transitions.decisions.net_odds[:, 0],
        )
        for target, pi in targets(edge).items():
            expected = float(((pi @ np.asarray(STAKES)) * truth).mean())
            for by in shares:
                for estimate in unguarded(log, pi, np.random.default_rng(fold_seed), by):
                    entry = (estimate.value, estimate.low, estimate.high, expected)
                    found.setdefault((target, by, estimate.name), []).append(entry)
                if target == "always large":
                    shares[by].append(effective(weigh(log, pi, by).weights[log.bets]) / len(log))
    for (target, by, name), entries in found.items():
        value, low, high, own = np.array(entries).T
        truth_of_market = own.mean()
        error = value - own
        if by == "bets":
            bias = error.mean() / (error.std(ddof=1) / np.sqrt(replications))
            yield f"{target}, {name}: bias / its standard error", float(bias), -2.0, 2.0
            covered = (low <= truth_of_market) & (truth_of_market <= high)
            yield f"{target}, {name}: coverage", float(covered.mean()), *COVERAGE
        if target == "always large":
            rmse = float(np.sqrt(((value - truth_of_market) ** 2).mean()))
            accepted = RMSE[by] if name == "IPS" else (0.0, RMSE[by][1])
            yield f"{target}, {name} by {by}: RMSE", rmse, *accepted
    for by, share in shares.items():
        yield f"always large, by {by}: ESS / N", float(np.mean(share)), *ESS_SHARE[by]
