"""Figures of many policies at once: the best of J is not what it would be alone.

The studentised maximum over all policies, standard errors computed anew in each resample (Romano and Wolf, Stepwise
multiple testing as formalized data snooping, Econometrica 73, 2005, algorithm 4.1 with studentised statistics), gives
lower bounds and p-values that hold for all policies together. For lists of p-values: Holm, and Benjamini and Hochberg.
"""

import math

import numpy as np
from msgspec import Struct

from trainer.data.types import Double
from trainer.evaluation.intervals import FEW_WEEKS, LEVEL, Bootstrap, order_statistics

LEAST_WEEKS = 10
"""Weeks in which a policy has to bet to be compared. The t of one that bets in fewer has such long tails that it is the
largest in most resamples, and costs all others their power. Its bets decide that, not how they came out."""
MOST_UNDEFINED = 0.001
"""Share of the resamples in which the t of a policy that is compared may be undefined, its weeks being alike."""
NOT_COMPARED = f"{FEW_WEEKS} to be compared"


class Compared(Struct, frozen=True):
    """What remains of one policy's figure if all J are looked at. None where it was not compared, with the reason."""

    value: float | None
    raw_p: float | None = None
    """One-sided p-value of the policy alone, against the null value."""
    adjusted_p: float | None = None
    """Of the maximum over all policies (single step)."""
    step_down_p: float | None = None
    """Of the maximum over the policies that are not better than it (step-down): never above `adjusted_p`."""
    holm_p: float | None = None
    """`raw_p` adjusted for all policies, whatever their dependence (Holm)."""
    fdr_p: float | None = None
    """`raw_p` as of a bound on the share of false discoveries (Benjamini and Hochberg)."""
    adjusted_lower: float | None = None
    """All policies' figures are above their bounds with 95 % confidence."""
    reason: str | None = None


def max_t(bootstrap: Bootstrap, null: float = 0.0, level: float = LEVEL) -> tuple[Compared, ...]:
    """Compare the figures of J policies with `null`, one-sided, by the maximum of their t.

    p-values are (1 + resamples at least as large) / (1 + B).
    """
    undefined = np.isnan(bootstrap.pivots).mean(axis=0)
    tested = [
        policy
        for policy, reason in enumerate(bootstrap.reasons)
        if reason is None and bootstrap.weeks[policy] >= LEAST_WEEKS and undefined[policy] <= MOST_UNDEFINED
    ]
    results = [
        Compared(float(value) if math.isfinite(value) else None, reason=reason or NOT_COMPARED)
        for value, reason in zip(bootstrap.values, bootstrap.reasons, strict=True)
    ]
    if not tested:
        return tuple(results)
    values, errors = bootstrap.values[tested], bootstrap.errors[tested]
    seen = (values - null) / errors
    pivots = bootstrap.pivots[:, tested]
    pivots = np.where(np.isnan(pivots), np.inf, pivots)
    largest = pivots.max(axis=1)
    critical = float(order_statistics(largest[:, None], (1 - level,))[0, 0])
    raw = _p_values(pivots, seen)
    adjusted = _p_values(largest[:, None], seen)
    stepped = _step_down(pivots, seen)
    by_holm, by_share = holm(raw), benjamini_hochberg(raw)
    for place, policy in enumerate(tested):
        lower = float(values[place] - critical * errors[place])
        results[policy] = Compared(
            value=float(values[place]),
            raw_p=float(raw[place]),
            adjusted_p=float(adjusted[place]),
            step_down_p=float(stepped[place]),
            holm_p=float(by_holm[place]),
            fdr_p=float(by_share[place]),
            adjusted_lower=lower if math.isfinite(lower) else None,
            reason=None if math.isfinite(lower) else NOT_COMPARED,
        )
    return tuple(results)


def _p_values(pivots: Double, seen: Double) -> Double:
    """Return the p-value [J] of each t seen [J] under resampled ones [B, J] or [B, 1]."""
    return np.asarray((1 + (pivots >= seen).sum(axis=0)) / (1 + len(pivots)))


def _step_down(pivots: Double, seen: Double) -> Double:
    """Return p-values [J] of the maximum over the policies that are not better, made monotone from the best on."""
    from_best = np.argsort(-seen, kind="stable")
    remaining = np.maximum.accumulate(pivots[:, from_best[::-1]], axis=1)[:, ::-1]
    stepped = np.empty(len(seen))
    stepped[from_best] = np.maximum.accumulate(_p_values(remaining, seen[from_best]))
    return stepped


def holm(p_values: Double) -> Double:
    """Return p-values [M] that hold for all M tests together, whatever their dependence (Holm, 1979)."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return adjusted


def benjamini_hochberg(p_values: Double) -> Double:
    """Return p-values [M] that bound the share of false discoveries (Benjamini and Hochberg, 1995)."""
    order = np.argsort(p_values, kind="stable")[::-1]
    factors = len(p_values) / np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.minimum.accumulate(p_values[order] * factors), 1)
    return adjusted
