"""What a log tells of policies by its own rewards alone: off-policy estimates, refusals, and a verdict in words.

Targets take the actions of the log, on side 0: a policy that bets on the other side, or other stakes, is not among
them. Where outcomes are known these estimates are for comparison: what the bets returned is the answer.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from trainer.config import STAKES
from trainer.data.types import Double, Int, Transitions, Unrewarded
from trainer.evaluation.importance import Log
from trainer.evaluation.intervals import LEVEL, Estimate, Method
from trainer.evaluation.offpolicy import OffPolicy, off_policy, student_bound

LARGE, NEVER, OWN = "always large", "never bet", "the log's own"
HEADLINE = "DR"
"""The estimator that is judged, its weights neither clipped nor shrunk."""
OFF_POLICY_STREAM = 4
"""Keeps these draws apart from others with the same seed."""
SAME_COST = 0.02
"""Relative difference of what a lost unit costs, between actions, that is still the same."""


class EstimateVerdict(StrEnum):
    """What an estimate may be called."""

    LEAK = "leak"
    EDGE = "edge (off-policy estimate)"
    LOSES = "loses"
    UNDECIDED = "not distinguishable from break-even"


class PolicyEstimate(Struct, frozen=True):
    """What the log tells of one policy."""

    name: str
    found: OffPolicy
    value: float | None
    """Profit a decision, in units of the largest stake: the doubly robust estimate; 0 where it never bets. None where
    it is refused."""
    roi: Estimate
    """`value` / stake. `lower_bound` is adjusted for all policies that are estimated (Bonferroni)."""
    verdict: EstimateVerdict | None
    """None where it is refused, or never bets."""
    sentence: str


class Estimates(Struct, frozen=True):
    """What the log tells of every policy."""

    rows: int
    """Decisions of the log, those without a reward included."""
    unrewarded: int
    """Bets of the log without a reward."""
    scaled: bool
    """Whether rewards are stake x unit return."""
    policies: tuple[PolicyEstimate, ...]


def bet_log(rows: Transitions, unrewarded: Unrewarded | None = None) -> Log:
    """Return the rows as off-policy estimates look at them, and behind them the log's bets without a reward."""
    extra = Unrewarded(rows.states[:0], rows.actions[:0]) if unrewarded is None else unrewarded
    count = len(extra)
    scaled = _scaled(rows)
    propensities = rows.chances if scaled and rows.chances is not None else rows.propensities
    # What has no reward has no weight, so that its propensities only need to be sound.
    blank = {1: np.ones(count), 2: np.full((count, len(STAKES)), 1 / len(STAKES))}
    odds = None if rows.decisions is None else rows.decisions.net_odds[:, 0]
    seasons = weeks = None
    if rows.seasons is not None and rows.weeks is not None:
        seasons = np.concatenate([rows.seasons, np.full(count, -1)])
        weeks = np.concatenate([rows.weeks, np.arange(count)])
    return Log(
        states=np.concatenate([rows.states, extra.states]),
        actions=np.concatenate([rows.actions, extra.actions]),
        rewards=np.concatenate([rows.rewards.astype(np.float64), np.full(count, np.nan)]),
        propensities=None if propensities is None else np.concatenate([propensities, blank[propensities.ndim]]),
        seasons=seasons,
        weeks=weeks,
        net_odds=None if odds is None else np.concatenate([odds, np.full(count, np.nan)]),
        scaled=scaled,
    )


def worth(log: Log, actions: Int, seed: int) -> float | None:
    """Return the profit a decision of a policy that takes `actions` [N]: the doubly robust estimate, or None where it
    is refused. A policy that never bets is worth 0, whatever the log."""
    found = off_policy(log, _certain(actions), _folds(seed), grid=False)
    return _value(found)


def estimates(
    log: Log,
    actions: Mapping[str, Int],
    *,
    seed: int,
    leaks: Sequence[str] = (),
    contradicted: str | None = None,
) -> Estimates:
    """Return what the log tells of networks, by name with their actions [N], of simple policies, and of its own.

    Args:
        log: of `bet_log`.
        actions: of the networks.
        seed: draws the folds of the reward model, the same ones for all.
        leaks: what the leak audit found, in words: no figure of a network then counts.
        contradicted: that the logged actions contradict their propensities, which refuses all but the log's own.
    """
    simple = {LARGE: np.full(len(log), len(STAKES) - 1), NEVER: np.zeros(len(log), dtype=np.int64)}
    found = {name: off_policy(log, _certain(its), _folds(seed)) for name, its in {**actions, **simple}.items()}
    if contradicted is not None:
        found = {
            name: replace(its, refusals=(*its.refusals, contradicted), estimates=(), grid=())
            for name, its in found.items()
        }
    # Of what it did the log is a sample without weights, whatever its propensities.
    did = _certain(log.actions)
    found[OWN] = off_policy(replace(log, propensities=did), did, _folds(seed))
    judged = sum(bool(its.estimates) for its in found.values())
    blocks = len(np.unique(log.blocks))
    return Estimates(
        rows=len(log),
        unrewarded=int((log.bets & np.isnan(log.rewards)).sum()),
        scaled=log.scaled,
        policies=tuple(
            _judged(name, its, blocks, judged, leaks if name in actions else ()) for name, its in found.items()
        ),
    )


def _judged(name: str, found: OffPolicy, blocks: int, judged: int, leaks: Sequence[str]) -> PolicyEstimate:
    value = _value(found)
    if not found.bets:
        return PolicyEstimate(name, found, value, Estimate(None, reason="no bets"), None, "It never bets.")
    if value is None:
        low, high = found.bounds
        why = "; ".join(found.refusals)
        between = f"at least {_percent(low / found.stake)}"
        if np.isfinite(high):
            between = f"{_percent(low / found.stake)} to {_percent(high / found.stake)}"
        sentence = f"The log tells too little: {why}. On these decisions {between} of its stakes is possible."
        return PolicyEstimate(name, found, None, Estimate(None, reason=why), None, sentence)
    roi = _roi(found, blocks, judged)
    verdict, sentence = _verdict(roi, judged, leaks)
    return PolicyEstimate(name, found, value, roi, verdict, sentence)


def _roi(found: OffPolicy, blocks: int, judged: int) -> Estimate:
    headline = next(its for its in found.estimates if its.name == HEADLINE)
    error = headline.standard_error
    lower, upper = (student_bound(headline, chance, blocks) for chance in (LEVEL / judged, 1 - LEVEL))
    places = (headline.value, headline.low, headline.high, lower, upper, error)
    value, low, high, lower_bound, upper_bound, its_error = (
        float(it / found.stake) if np.isfinite(it) else None for it in places
    )
    return Estimate(value, low, high, lower_bound, upper_bound, its_error, Method.DOUBLY_ROBUST)


def _verdict(roi: Estimate, judged: int, leaks: Sequence[str]) -> tuple[EstimateVerdict, str]:
    if leaks:
        return EstimateVerdict.LEAK, f"The features know the outcome, so no figure counts: {'; '.join(leaks)}."
    said = f"By the log it returns {_percent(roi.value)} of what it stakes"
    if roi.lower_bound is not None and roi.lower_bound > 0:
        return EstimateVerdict.EDGE, (
            f"{said}, more than {_percent(roi.lower_bound)} with 95 % confidence, all {judged} estimates being counted."
        )
    if roi.upper_bound is not None and roi.upper_bound < 0:
        return EstimateVerdict.LOSES, f"{said}: with 95 % confidence it loses."
    between = "" if roi.lower is None else f" ({_percent(roi.lower)} to {_percent(roi.upper)})"
    return EstimateVerdict.UNDECIDED, f"{said}{between}: that is not distinguishable from luck."


def _value(found: OffPolicy) -> float | None:
    if not found.bets:
        return 0.0
    return next((its.value for its in found.estimates if its.name == HEADLINE), None)


def _scaled(rows: Transitions) -> bool:
    """Say whether rewards are stake x unit return: none without a bet, and a lost unit costs the same in all."""
    rewards = rows.rewards.astype(np.float64)
    if (rewards[np.asarray(STAKES)[rows.actions] == 0] != 0).any():
        return False
    lost = rewards < 0
    costs = [
        float(np.median(-rewards[lost & (rows.actions == action)])) / STAKES[action]
        for action in np.unique(rows.actions[lost]).tolist()
    ]
    return not costs or max(costs) <= (1 + SAME_COST) * min(costs)


def _certain(actions: Int) -> Double:
    """Return the probabilities [N, A] of a policy that takes these actions for certain."""
    return np.asarray(np.eye(len(STAKES))[actions])


def _folds(seed: int) -> np.random.Generator:
    return np.random.default_rng((seed, OFF_POLICY_STREAM))


def _percent(value: float | None) -> str:
    return "an unknown share" if value is None else f"{100 * value:+.1f} %"
