"""Off-policy estimates: what a target policy would have earned, by a log that shows its own actions' rewards only.

Weights are either those of the exact action, or, where a reward is stake x unit return, those of betting or not: the
unit return of a bet is then known whatever its size was, and the stake of the target is put in. Notation: pi the
target, mu the behaviour, w = pi / mu, r the reward, q the model's prediction of it, v = sum over a of pi(a) q(a).

    IPS        mean(w r)                           Horvitz and Thompson (1952)
    SNIPS      sum(w r) / sum(w)                   Swaminathan and Joachims (2015)
    DM         mean(v)
    DR         mean(v + w (r - q))                 Dudik, Langford and Li (2011), equation 2
    switch-DR  DR with w = 0 above a threshold     Wang, Agarwal and Dudik (2017), section 3

Clipped weights are min(w, clip); shrunk ones w / (1 + shrinkage w^2), which is the optimistic shrinkage of Su et al.
(2020), section 3, with lambda = 1 / shrinkage. Values are per decision, in units of the largest stake.
"""

from statistics import NormalDist
from typing import Any

import numpy as np
from msgspec import Struct

from trainer.data.types import Double, Float, Int
from trainer.evaluation.importance import By, Log, Weighed, check, propensity_fault, unsupported, weigh, worst_case
from trainer.evaluation.rewardmodel import RewardModels, draw_folds, fit

CLIPS = (5.0, 10.0, 20.0)
SHRINKAGES = (0.0, 0.1, 0.2)
SWITCH = 10.0
"""The weight above which switch-DR takes the model's word, outside of the grid; within it the clip is."""
LEVEL = 0.95
"""Of the intervals."""
MIN_ESS = 100.0
MIN_ESS_SHARE = 0.2
"""An estimate needs an effective sample of at least MIN_ESS and of this share of the target's bets."""
MAX_MISSING = 0.05
"""Share of the target's bets whose outcome may be unknown."""


class Estimate(Struct, frozen=True):
    """One estimator's answer."""

    name: str
    value: float
    standard_error: float
    low: float
    high: float
    clip: float | None
    """The largest weight (switch-DR: above which none counts); None: as they are."""
    shrinkage: float
    ess: float | None
    """Effective sample size of the weights as clipped and shrunk, of the raw ones see `OffPolicy`; DM has none."""

    def to_document(self) -> dict[str, Any]:
        """Return what JSON can hold; null is a figure that is not defined."""
        document = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: None if value != value else value for name, value in document.items()}


class OffPolicy(Struct, frozen=True):
    """What a log tells about a target policy; no estimates where it was refused."""

    by: By
    """What the weights are of."""
    rows: int
    bets: float
    """Expected number of the target's bets on these rows."""
    stake: float
    """Mean stake of the target a decision: an estimate divided by it is an ROI."""
    ess: float
    """Raw effective sample size of the rows on which the log bet; NaN without propensities."""
    mean_weight: float
    """Raw, of all rows: 1 but for chance, unless the target does what the log never does."""
    largest_weight: float
    missing: float
    """Share of the target's bets whose outcome is unknown although the log bet, or that the log never makes."""
    bounds: tuple[float, float]
    """The value if every outcome that was not seen had been the worst, and the best. For these rows: no sampling."""
    refusals: tuple[str, ...]
    estimates: tuple[Estimate, ...] = ()
    """As the weights are, but for switch-DR's threshold."""
    grid: tuple[Estimate, ...] = ()
    """Each estimator with weights, over clip and shrinkage."""

    def to_document(self) -> dict[str, Any]:
        """Return what JSON can hold; null is a figure that is not defined."""
        names = ("by", "rows", "bets", "stake", "ess", "mean_weight", "largest_weight")
        plain = {name: getattr(self, name) for name in names}
        return {name: None if value != value else value for name, value in plain.items()} | {
            "missing": self.missing,
            "bounds": [bound if np.isfinite(bound) else None for bound in self.bounds],
            "refusals": list(self.refusals),
            "estimates": [estimate.to_document() for estimate in self.estimates],
            "grid": [estimate.to_document() for estimate in self.grid],
        }


def off_policy(
    log: Log, target: Double | Float, rng: np.random.Generator, by: By | None = None, *, grid: bool = True
) -> OffPolicy:
    """Return what a log tells about a policy that takes actions with probabilities `target` [N, A].

    By default the weights are of betting or not where that is all that matters and every action's propensity is known,
    else of the action. `rng` draws the folds of the reward model; without `grid` there is none.

    Raises:
        ValueError: arrays do not fit, `target` holds no probabilities, or a reward contradicts `scaled`.
    """
    pi = np.asarray(target, dtype=np.float64)
    check(log, pi)
    every = log.propensities is None or np.ndim(log.propensities) == 2
    by = by or ("bets" if log.scaled and every else "actions")
    if by == "bets" and not (log.scaled and every):
        raise ValueError("weights of betting or not need scaled rewards and the propensities of every action")
    sizes = np.asarray(log.stakes)
    chance = pi[:, sizes > 0].sum(axis=1)  # that the target bets
    unknown = log.bets & np.isnan(log.rewards)
    seen = chance[log.bets].sum()
    refusals = []
    missing = float(chance[unknown].sum() / seen) if seen > 0 else 0.0  # of the bets that the log made
    ess = mean = largest = float("nan")
    if fault := propensity_fault(log):
        refusals.append(fault)
    else:
        never = unsupported(log, pi, by)
        missing = never + (1 - never) * missing
        weights = weigh(log, pi, by).weights
        ess, mean, largest = effective(weights[log.bets]), float(weights.mean()), float(weights.max(initial=0.0))
        least = max(MIN_ESS, MIN_ESS_SHARE * chance.sum())
        if ess < least:
            refusals.append(f"an effective sample of {ess:.0f} bets, where {least:.0f} are needed")
    if missing > MAX_MISSING:
        refusals.append(
            f"the outcome of {missing:.0%} of the policy's bets is unknown; at most {MAX_MISSING:.0%} may be"
        )
    fitted = None if refusals else _fitted(log, pi, rng, by)
    return OffPolicy(
        by=by,
        rows=len(log),
        bets=float(chance.sum()),
        stake=float((pi @ sizes).mean()),
        ess=ess,
        mean_weight=mean,
        largest_weight=largest,
        missing=missing,
        bounds=worst_case(log, pi),
        refusals=tuple(refusals),
        estimates=() if fitted is None else _plain(fitted, log.blocks),
        grid=() if fitted is None or not grid else _grid(fitted, log.blocks),
    )


def unguarded(log: Log, target: Double | Float, rng: np.random.Generator, by: By) -> tuple[Estimate, ...]:
    """Return the estimates without clip and shrinkage, whether or not the log suffices for them: to study the
    estimators by. Arguments and errors as of `off_policy`; the propensities have to be known."""
    pi = np.asarray(target, dtype=np.float64)
    check(log, pi)
    if fault := propensity_fault(log):
        raise ValueError(fault)
    return _plain(_fitted(log, pi, rng, by), log.blocks)


def effective(weights: Double) -> float:
    """Return the effective sample size (sum w)^2 / sum w^2 (Kish 1965); 0 where all weights are."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def clustered_error(terms: Double, blocks: Int) -> float:
    """Return the standard error of the mean of `terms` [N], whose blocks are independent of one another; NaN for
    fewer than two blocks."""
    _, place = np.unique(blocks, return_inverse=True)
    sums = np.bincount(place, terms - terms.mean())
    count = len(sums)
    return float(np.sqrt(count / (count - 1) * (sums**2).sum()) / len(terms)) if count > 1 else float("nan")


def student_quantile(chance: float, freedom: int) -> float:
    """Return the quantile of Student's t with `freedom` >= 1 degrees, by its expansion about the normal one
    (Abramowitz and Stegun, 26.7.5): 0.1 % off at 5 degrees, less above."""
    z = NormalDist().inv_cdf(chance)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return float(z + sum(term / freedom ** (power + 1) for power, term in enumerate(terms)))


def student_bound(estimate: Estimate, chance: float, blocks: int) -> float:
    """Return the bound that the value is below with `chance`, by Student's t over so many blocks; NaN of one block."""
    if blocks < 2:
        return float("nan")
    return estimate.value + student_quantile(chance, blocks - 1) * estimate.standard_error


class _Fitted(Struct, frozen=True, eq=False):
    weighed: Weighed
    models: RewardModels


def _fitted(log: Log, pi: Double, rng: np.random.Generator, by: By) -> _Fitted:
    """Fit the reward model: of the unit return on the log's bets, or of the reward for each action."""
    known = ~np.isnan(log.rewards)
    rewards = np.where(known, log.rewards, 0.0)
    if log.scaled:
        fitted_on = (log.bets & known)[:, None]
        responses = rewards / np.where(log.bets, np.asarray(log.stakes)[log.actions], 1.0)
    else:
        fitted_on = (np.eye(len(log.stakes), dtype=np.bool_)[log.actions]) & known[:, None]
        responses = rewards
    folds = draw_folds(log.blocks, rng)
    return _Fitted(weigh(log, pi, by), fit(np.asarray(log.states, np.float64), responses, fitted_on, folds))


def _grid(fitted: _Fitted, blocks: Int) -> tuple[Estimate, ...]:
    return tuple(
        _estimate(name, fitted, blocks, clip, shrinkage)
        for clip in CLIPS
        for shrinkage in SHRINKAGES
        for name in ("IPS", "SNIPS", "DR", "switch-DR")
    )


def _plain(fitted: _Fitted, blocks: Int) -> tuple[Estimate, ...]:
    names = ("IPS", "SNIPS", "DM", "DR", "switch-DR")
    return tuple(_estimate(name, fitted, blocks, SWITCH if name == "switch-DR" else None, 0.0) for name in names)


def _estimate(name: str, fitted: _Fitted, blocks: Int, clip: float | None, shrinkage: float) -> Estimate:
    """Estimate, with the interval of the terms [N] whose mean the estimate is, or behaves like."""
    weighed, models = fitted.weighed, fitted.models
    weights, rewards = weighed.weights, weighed.rewards
    if name == "DM":
        weights = np.zeros_like(weights)
    elif clip is not None:
        weights = np.where(weights > clip, 0.0 if name == "switch-DR" else clip, weights)
    weights = weights / (1 + shrinkage * weights**2)
    terms = weights * rewards
    if name == "SNIPS":
        mean = float(weights.mean())
        value = float(terms.mean()) / mean if mean > 0 else float("nan")
        terms = value + (terms - weights * value) / mean if mean > 0 else np.full_like(terms, np.nan)
    elif name == "IPS":
        value = float(terms.mean())
    else:
        coefficients = weighed.wanted - weights[:, None] * weighed.logged
        terms = terms + (coefficients * models.predictions).sum(axis=1)
        value = float(terms.mean())
        terms = terms + models.correction(coefficients)
    error = clustered_error(terms, blocks)
    count = len(np.unique(blocks))
    reach = student_quantile((1 + LEVEL) / 2, count - 1) * error if count > 1 else float("nan")
    ess = None if name == "DM" else effective(weights)
    return Estimate(name, value, error, value - reach, value + reach, clip, shrinkage, ess)
