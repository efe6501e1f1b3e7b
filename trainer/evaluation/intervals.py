"""Intervals of figures that are functions of weekly sums, by resampling weeks; many policies at once.

A figure is a smooth function of the means of two weekly features x and y: a ratio (ROI: profit and stakes), a mean
(y = 1), or a Sharpe ratio (a return and its square). Its standard error is that of its influence function, stratified
as the weeks are drawn. The interval is studentised (bootstrap-t: Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, section 12.5; Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 2.4): the
error is computed anew in each resample, so that the quantiles are those of t and not of the figure.

A figure whose interval cannot be computed has none, and a reason. J policies, B resamples, K weeks.
"""

import math
from collections.abc import Callable, Sequence
from enum import StrEnum
from statistics import NormalDist

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from trainer.data.types import Bool, Double, Int
from trainer.evaluation.blocks import Blocks, Resamples

LEVEL = 0.05
"""What two-sided intervals and one-sided bounds leave out."""
NO_BETS = "no bets"
FEW_WEEKS = "bets in too few weeks of a season"
CONSTANT = "does not vary between weeks"
CONSTANT_BELOW = 1e-12
"""A variance that is this share of the mean square is rounding."""

Function = Callable[[Double, Double], tuple[Double, Double, Double]]
"""From the means of x and y to the figure and its derivatives by both."""


class Method(StrEnum):
    """How an interval was computed."""

    STUDENTISED = "bootstrap-t over weeks"
    PERCENTILE = "percentile over weeks"
    WILSON = "Wilson, bets taken to be independent"
    DOUBLY_ROBUST = "doubly robust, Student's t over weeks"


class Estimate(Struct, frozen=True):
    """A figure with its two-sided 95 % interval and both one-sided 95 % bounds. What cannot be computed is None."""

    value: float | None
    lower: float | None = None
    upper: float | None = None
    lower_bound: float | None = None
    """One-sided: the figure is above it with 95 % confidence."""
    upper_bound: float | None = None
    error: float | None = None
    """Standard error."""
    method: Method | None = None
    reason: str | None = None
    """Why there is no interval, or no value."""

    def mapped(self, function: Callable[[float], float], slope: Callable[[float], float]) -> "Estimate":
        """Return an increasing function of the figure. `slope` is its derivative, for the standard error."""
        places = (self.value, self.lower, self.upper, self.lower_bound, self.upper_bound)
        value, lower, upper, lower_bound, upper_bound = (None if it is None else function(it) for it in places)
        error = None if self.error is None or self.value is None else self.error * slope(self.value)
        return Estimate(value, lower, upper, lower_bound, upper_bound, error, self.method, self.reason)

    def times(self, factor: float) -> "Estimate":
        """Return the figure in another unit; `factor` is positive."""
        return self.mapped(lambda it: it * factor, lambda _: factor)

    def within(self, least: float, most: float) -> "Estimate":
        """Return it with every bound clipped to what is possible."""
        places = (self.lower, self.upper, self.lower_bound, self.upper_bound)
        lower, upper, lower_bound, upper_bound = (None if it is None else min(max(it, least), most) for it in places)
        return replace(self, lower=lower, upper=upper, lower_bound=lower_bound, upper_bound=upper_bound)


class Bootstrap(Struct, frozen=True, eq=False):
    """One figure of J policies and its bootstrap."""

    values: Double
    """[J], NaN where the figure is not defined."""
    errors: Double
    """[J], standard errors; NaN where there is none."""
    resampled: Double
    """[B, J], the figure in each resample; NaN where it is not defined."""
    pivots: Double
    """[B, J], (resampled - value) / (standard error in the resample); NaN where there is none."""
    reasons: tuple[str | None, ...]
    """[J], why a policy has no interval."""
    weeks: Int
    """[J], weeks in which it bets."""

    def estimates(self) -> tuple[Estimate, ...]:
        """Return each policy's figure with its studentised interval."""
        high = order_statistics(self.pivots, (1 - LEVEL / 2, 1 - LEVEL))
        low = -order_statistics(-self.pivots, (1 - LEVEL / 2, 1 - LEVEL))
        return tuple(self._estimate(policy, low[:, policy], high[:, policy]) for policy in range(len(self.values)))

    def _estimate(self, policy: int, low: Double, high: Double) -> Estimate:
        value = _known(self.values[policy])
        if value is None or self.reasons[policy] is not None:
            return Estimate(value, reason=self.reasons[policy] or NO_BETS)
        if not np.isfinite([low, high]).all():
            return Estimate(value, reason=FEW_WEEKS)
        error = float(self.errors[policy])
        lower, lower_bound = (value - high * error).tolist()
        upper, upper_bound = (value - low * error).tolist()
        return Estimate(value, lower, upper, lower_bound, upper_bound, error, Method.STUDENTISED)

    def percentile_estimates(self) -> tuple[Estimate, ...]:
        """Return each policy's figure with its percentile interval, for comparison: it covers too rarely."""
        return tuple(
            Estimate(_known(value), reason=reason)
            if reason is not None
            else percentile_estimate(float(value), self.resampled[:, policy])
            for policy, (value, reason) in enumerate(zip(self.values, self.reasons, strict=True))
        )


def ratios(numerators: Double, denominators: Double, active: Bool, blocks: Blocks, resamples: Resamples) -> Bootstrap:
    """Return the bootstrap of sum / sum over all weeks, of weekly sums [K, J]; `active` [K, J] says where bets are.

    With denominators of 1 it is a mean of weekly values.
    """
    return _bootstrap(numerators, denominators, active, _ratio, blocks, resamples)


def means(weekly: Double, active: Bool, blocks: Blocks, resamples: Resamples) -> Bootstrap:
    """Return the bootstrap of the mean of weekly values [K, J], idle weeks included."""
    return ratios(weekly, np.ones_like(weekly), active, blocks, resamples)


def sharpe_ratios(weekly: Double, active: Bool, blocks: Blocks, resamples: Resamples) -> Bootstrap:
    """Return the bootstrap of mean / standard deviation of weekly returns [K, J], not annualised.

    The deviation is that of a sample, K - 1. The error is that of the influence function (Mertens, Comments on variance
    of the IID estimator in Lo, 2002, equation 5).
    """
    centre, spread = weekly.mean(axis=0), weekly.std(axis=0)
    varies = spread > CONSTANT_BELOW
    offset = np.where(varies, centre / np.where(varies, spread, 1), np.nan)
    standard = np.where(varies, (weekly - centre) / np.where(varies, spread, 1), 0.0)
    small_sample = math.sqrt((len(weekly) - 1) / len(weekly))

    def sharpe(first: Double, second: Double) -> tuple[Double, Double, Double]:
        variance = second - first**2
        deviation = np.sqrt(np.where(variance > CONSTANT_BELOW, variance, np.nan)) / small_sample
        value = (offset + first) / deviation
        return value, 1 / deviation + value * first / variance, -value / (2 * variance)

    return _bootstrap(standard, standard**2, active, sharpe, blocks, resamples)


def percentile_estimate(value: float, resampled: Double) -> Estimate:
    """Return the figure with the percentile interval of its values in resamples [B], for one without standard error."""
    levels = (1 - LEVEL / 2, 1 - LEVEL)
    upper, upper_bound = order_statistics(resampled[:, None], levels)[:, 0].tolist()
    lower, lower_bound = (-order_statistics(-resampled[:, None], levels)[:, 0]).tolist()
    if not np.isfinite([upper, lower]).all():
        return Estimate(_known(value), reason=FEW_WEEKS)
    return Estimate(value, lower, upper, lower_bound, upper_bound, float(np.nanstd(resampled)), Method.PERCENTILE)


def wilson_estimate(wins: int, losses: int) -> Estimate:
    """Return a win rate with its score interval (Wilson, 1927), for one that does not vary between weeks.

    Where nearly all bets are won, weeks do not differ and the bootstrap knows no error; that must not hide how much the
    bets tell.
    """
    decided = wins + losses
    if not decided:
        return Estimate(None, reason=NO_BETS)
    rate = wins / decided
    (lower, upper), (lower_bound, upper_bound) = (wilson(rate, decided, tail) for tail in (LEVEL / 2, LEVEL))
    error = math.sqrt(rate * (1 - rate) / decided)
    return Estimate(rate, lower, upper, lower_bound, upper_bound, error, Method.WILSON)


def wilson(rate: float, count: int, tail: float = LEVEL / 2) -> tuple[float, float]:
    """Return the score interval of a share of `count` >= 1 rows (Wilson, 1927), with `tail` left out on each side."""
    z = NormalDist().inv_cdf(1 - tail)
    centre = (rate + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(rate * (1 - rate) / count + z**2 / (4 * count**2))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def order_statistics(values: Double, levels: Sequence[float]) -> Double:
    """Return the quantiles [Q, J] of values [B, J]: the ceil((B + 1) level)-th smallest (Davison and Hinkley, 2.4).

    NaN counts as larger than anything, so that an undefined resample only ever widens what is made of it; a quantile
    that falls on one is inf, and so is one beyond the largest value.
    """
    places = [math.ceil(round((len(values) + 1) * level, 9)) - 1 for level in levels]
    padded = np.concatenate([values, np.full((1, values.shape[1]), np.inf)])
    ordered = np.partition(np.where(np.isnan(padded), np.inf, padded), places, axis=0)
    return np.asarray(ordered[places])


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _ratio(numerator: Double, denominator: Double) -> tuple[Double, Double, Double]:
    some = np.where(denominator > 0, denominator, np.nan)
    value = numerator / some
    return value, 1 / some, -value / some


def _bootstrap(
    x: Double, y: Double, active: Bool, function: Function, blocks: Blocks, resamples: Resamples
) -> Bootstrap:
    once = np.ones((1, len(blocks)))
    values, errors = (them[0] for them in _evaluate(x, y, once, function, blocks))
    resampled, their_errors = _evaluate(x, y, resamples.counts, function, blocks)
    with np.errstate(divide="ignore", invalid="ignore"):
        pivots = (resampled - values) / their_errors
    return Bootstrap(values, errors, resampled, pivots, _reasons(values, errors, active, blocks), active.sum(axis=0))


def _evaluate(x: Double, y: Double, counts: Double, function: Function, blocks: Blocks) -> tuple[Double, Double]:
    """Return the figure and its standard error, each [R, J], with weeks as often as `counts` [R, K] says.

    The influence of week k is g_x x_k + g_y y_k up to a constant, g being the derivatives. Its stratified variance is a
    quadratic form in sums of x, y, x^2, xy and y^2, which are matrix products of the counts.
    """
    shape = (len(counts), 5, x.shape[1])
    features = np.concatenate([x, y, x**2, x * y, y**2], axis=1)
    sums = [(counts[:, stratum] @ features[stratum]).reshape(shape) for stratum in blocks.strata]
    whole = np.sum(sums, axis=0) / len(blocks)
    with np.errstate(divide="ignore", invalid="ignore"):
        value, by_x, by_y = function(whole[:, 0], whole[:, 1])
        variance = np.zeros_like(value)
        for stratum, part in zip(blocks.strata, sums, strict=True):
            weeks = stratum.stop - stratum.start
            squares = by_x**2 * part[:, 2] + 2 * by_x * by_y * part[:, 3] + by_y**2 * part[:, 4]
            around = squares - (by_x * part[:, 0] + by_y * part[:, 1]) ** 2 / weeks
            variance += around * weeks / max(weeks - 1, 1)
        rounding = CONSTANT_BELOW * len(blocks) * (by_x**2 * whole[:, 2] + by_y**2 * whole[:, 4])
        error = np.sqrt(np.where(variance > rounding, variance, np.nan)) / len(blocks)
    return value, error


def _reasons(values: Double, errors: Double, active: Bool, blocks: Blocks) -> tuple[str | None, ...]:
    """Why each policy has no interval, as far as its bets tell before the resamples are looked at."""
    most = np.max([active[stratum].sum(axis=0) for stratum in blocks.strata], axis=0)

    def reason(policy: int) -> str | None:
        if not most[policy]:
            return NO_BETS
        if most[policy] < 2:
            return FEW_WEEKS
        return CONSTANT if np.isnan(values[policy]) or np.isnan(errors[policy]) else None

    return tuple(reason(policy) for policy in range(len(values)))
