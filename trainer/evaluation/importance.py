"""A log of decisions for off-policy estimates, its importance weights, and what can be said without any.

Weights are either those of the exact action, or, where a reward is stake x unit return, those of betting or not.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from msgspec import Struct

from trainer.config import STAKES
from trainer.data.types import Bool, Double, Float, Int

By = Literal["actions", "bets"]


class Log(Struct, frozen=True, eq=False):
    """N logged decisions. NaN is a reward that is not known."""

    states: Double | Float
    """[N, D]"""
    actions: Int
    """[N], index into `stakes`."""
    rewards: Double | Float
    """[N]"""
    propensities: Double | Float | None = None
    """[N] of the logged action, or [N, A] of every action; None or NaN where they are not known."""
    seasons: Int | None = None
    """[N]; with `weeks`, standard errors are by (season, week), else by row."""
    weeks: Int | None = None
    """[N]"""
    net_odds: Double | Float | None = None
    """[N], the profit per unit of a bet that wins: the best that can happen. None: the best that was seen."""
    stakes: Sequence[float] = STAKES
    """[A], share of the largest stake; 0 is no bet."""
    scaled: bool = True
    """Whether a reward is stake x unit return, so that one without a stake is 0."""

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def bets(self) -> Bool:
        """[N], whether the log bet."""
        return np.asarray(np.asarray(self.stakes)[self.actions] > 0)

    @property
    def blocks(self) -> Int:
        """[N], a number for each (season, week), or for each row."""
        if self.seasons is None or self.weeks is None:
            return np.arange(len(self))
        pairs = np.stack([self.seasons, self.weeks], axis=1)
        return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


class Weighed(Struct, frozen=True, eq=False):
    """Raw weights [N], 0 where the reward is not known, and the rewards [N] that the target would have had."""

    weights: Double
    rewards: Double
    logged: Double
    """[N, K], with which coefficient each model's prediction makes q."""
    wanted: Double
    """[N, K], and v."""


def weigh(log: Log, pi: Double, by: By) -> Weighed:
    """Return the importance weights of a target `pi` [N, A] by the log's propensities, which are known and sound.

    A bet whose reward is unknown has weight 0, and the others stand for it: it is unknown by chance, as far as this is
    concerned, which is why `offpolicy` refuses a log with many of them.
    """
    sizes, rows = np.asarray(log.stakes), np.arange(len(log))
    bets = log.bets
    rewards = np.where(np.isnan(log.rewards), 0.0, log.rewards)
    mu = np.asarray(log.propensities, dtype=np.float64)
    share = pi @ sizes
    if by == "bets":
        betting = sizes > 0
        wanted = pi[:, betting].sum(axis=1)
        stake = share / np.where(wanted > 0, wanted, 1.0)  # of the target's bet, if it bets
        weights = np.where(bets, wanted, pi[:, ~betting].sum(axis=1))
        weights = weights / np.where(bets, mu[:, betting].sum(axis=1), mu[:, ~betting].sum(axis=1))
        rewards = np.where(bets, stake * rewards / np.where(bets, sizes[log.actions], 1.0), 0.0)
        logged = np.where(bets, stake, 0.0)[:, None]
    else:
        weights = pi[rows, log.actions] / (mu if mu.ndim == 1 else mu[rows, log.actions])
        logged = sizes[log.actions][:, None] if log.scaled else np.eye(len(sizes))[log.actions]
    unknown = bets & np.isnan(log.rewards)
    if unknown.any():  # bets whose reward is known stand for those whose is not
        standing = bets.sum() / max(1, (bets & ~unknown).sum())
        weights = weights * np.where(unknown, 0.0, np.where(bets, standing, 1.0))
    return Weighed(weights, rewards, logged, share[:, None] if log.scaled else pi)


def worst_case(log: Log, target: Double | Float) -> tuple[float, float]:
    """Return the target's mean reward on these rows if what was not seen had come out worst, and best (Manski 1990).

    Needs no propensities. Where rewards are scaled, a row on which the log bet shows the unit return, and all others
    lie between -1 and the net odds; infinite where nothing was seen and no odds say how good the best is. Else the
    logged action's reward is known, and others lie between the smallest and the largest reward of the log.
    """
    pi = np.asarray(target, dtype=np.float64)
    rewards = np.asarray(log.rewards, dtype=np.float64)
    finite = np.isfinite(rewards)
    if log.scaled:
        sizes = np.asarray(log.stakes)
        share, seen = pi @ sizes, log.bets & finite
        unit = rewards / np.where(seen, sizes[log.actions], 1.0)
        best = np.full(len(log), unit[seen].max(initial=0.0) if seen.any() else np.inf)
        if log.net_odds is not None:
            best = np.where(np.isnan(log.net_odds), best, log.net_odds)
        low, high = np.where(seen, unit, -1.0) * share, np.zeros(len(log))
        high[share > 0] = (np.where(seen, unit, best)[share > 0]) * share[share > 0]  # where 0 x infinity is not
    else:
        taken = np.where(finite, pi[np.arange(len(log)), log.actions], 0.0)
        known, rest = taken * np.where(finite, rewards, 0.0), 1 - taken
        low = known + rest * rewards[finite].min()
        high = known + rest * rewards[finite].max()
    return float(low.mean()), float(high.mean())


def check(log: Log, pi: Double) -> None:
    """Raise ValueError for arrays that do not fit one another, or contradict what is said of them."""
    shape = (len(log), len(log.stakes))
    if pi.shape != shape or len(log) == 0:
        raise ValueError(f"the target's probabilities are {pi.shape}, where {shape} with rows are needed")
    if (pi < 0).any() or not np.allclose(pi.sum(axis=1), 1, atol=1e-6):
        raise ValueError("the target's probabilities are not probabilities of one decision each")
    idle = np.asarray(log.rewards)[~log.bets]
    if log.scaled and (np.nan_to_num(idle) != 0).any():
        raise ValueError("a reward without a stake is not 0, so rewards are not stake x unit return")
    if not log.scaled and (np.isnan(idle).any() or np.isnan(log.rewards).all()):
        raise ValueError("the rewards of decisions without a bet, and of some bet, are needed where they are not 0")
    if np.isinf(log.rewards).any() or not np.isfinite(log.states).all():
        raise ValueError("a state or a reward is no number")


def propensity_fault(log: Log) -> str | None:
    """Return what is wrong with the propensities, if anything is."""
    if log.propensities is None:
        return "the propensities of the logged actions are unknown"
    mu = np.asarray(log.propensities, dtype=np.float64)
    taken = mu if mu.ndim == 1 else mu[np.arange(len(log)), log.actions]
    bad = ~((taken > 0) & (taken <= 1 + 1e-6))  # NaN is neither
    if mu.ndim == 2:
        bad |= ~((mu >= 0).all(axis=1) & (np.abs(mu.sum(axis=1) - 1) < 1e-4))
    return (
        f"the propensities of {bad.sum()} of {len(log)} decisions are missing or no probabilities"
        if bad.any()
        else None
    )


def unsupported(log: Log, pi: Double, by: By) -> float:
    """Share of the target's bets that the behaviour makes with probability 0; 0 where only logged ones are known."""
    mu = np.asarray(log.propensities, dtype=np.float64)
    if mu.ndim == 1:
        return 0.0
    betting = np.asarray(log.stakes) > 0
    wanted = pi[:, betting]
    offered = mu[:, betting].sum(axis=1, keepdims=True) if by == "bets" else mu[:, betting]
    return float((wanted * (offered <= 0)).sum() / wanted.sum()) if wanted.any() else 0.0
