"""What confidence is worth: the confident bets of an ensemble against the rest of its bets, in the same weeks.

The difference of two ratios (wins / decided bets, profit / staked) is resampled by weeks, both ratios in the same
resamples: a good week is good for both. Its standard error is that of its influence function, stratified as the weeks
are drawn, and computed anew in each resample, as in `intervals`.
"""

import numpy as np
from msgspec import Struct

from trainer.data.decisions import NO_SIDE, Decisions
from trainer.data.types import Bool, Double
from trainer.evaluation.blocks import RESAMPLES, Blocks, Resamples, resample, week_blocks
from trainer.evaluation.figures import roi_estimates, win_rate_bootstrap, win_rate_estimate
from trainer.evaluation.intervals import CONSTANT, CONSTANT_BELOW, FEW_WEEKS, NO_BETS, Bootstrap, Estimate
from trainer.evaluation.payoffs import Bets, Record, break_even, outcomes, profits, record


class BetFigures(Struct, frozen=True):
    """What a set of bets won."""

    record: Record
    win_rate: Estimate
    break_even: float | None
    roi: Estimate


class ConfidentEffect(Struct, frozen=True):
    """The confident bets against the rest of the bets."""

    rest: BetFigures
    """The bets that the cut leaves out."""
    win_rate: Estimate
    """Of the confident bets, minus that of the rest."""
    roi: Estimate
    """The same of the ROI."""


def confident_effect(
    everything: Bets, confident: Bool, decisions: Decisions, rng: np.random.Generator, *, resamples: int = RESAMPLES
) -> ConfidentEffect:
    """Return how the bets at `confident` [N] differ from the others of `everything` [N].

    Raises:
        ValueError: there is no decision, or a bet is on one whose outcome or price is not known.
    """
    blocks = week_blocks(decisions.seasons, decisions.weeks)
    drawn = resample(blocks, rng, resamples)
    chosen, rest = _part(everything, confident), _part(everything, ~confident)
    wins, returns = ([of(bets, decisions, blocks) for bets in (chosen, rest)] for of in (_wins, _returns))
    return ConfidentEffect(
        rest=_figures(rest, decisions, blocks, drawn),
        win_rate=difference(wins[0], wins[1], blocks, drawn).within(-1, 1),
        roi=difference(returns[0], returns[1], blocks, drawn),
    )


def difference(one: Double, other: Double, blocks: Blocks, resamples: Resamples) -> Estimate:
    """Return the ratio of the sums of `one` minus that of `other`; both [K, 2], numerator and denominator of each week.

    The denominators are not negative, and 0 in weeks without bets.
    """
    weekly = np.concatenate([one, other], axis=1)  # [K, 4]
    active = (weekly[:, [1, 3]] > 0).astype(np.float64)
    value, error = _evaluate(weekly, np.ones((1, len(blocks))), blocks)
    resampled, their_errors = _evaluate(weekly, resamples.counts, blocks)
    with np.errstate(divide="ignore", invalid="ignore"):
        pivots = (resampled - value) / their_errors
    reason = _reason(active, error, blocks)
    weeks = np.array([int(active.any(axis=1).sum())])
    bootstrap = Bootstrap(value, error, resampled[:, None], pivots[:, None], (reason,), weeks)
    return bootstrap.estimates()[0]


def _part(bets: Bets, chosen: Bool) -> Bets:
    return Bets(np.where(chosen, bets.side, NO_SIDE), np.where(chosen, bets.stake, 0.0))


def _wins(bets: Bets, decisions: Decisions, blocks: Blocks) -> Double:
    """[K, 2], wins and decided bets of each week."""
    returned = outcomes(bets, decisions)
    return blocks.sums(np.stack([returned > 0, returned != 0], axis=1).astype(np.float64))


def _returns(bets: Bets, decisions: Decisions, blocks: Blocks) -> Double:
    """[K, 2], profit and stakes of each week."""
    return blocks.sums(np.stack([profits(bets, decisions), bets.stake], axis=1))


def _figures(bets: Bets, decisions: Decisions, blocks: Blocks, drawn: Resamples) -> BetFigures:
    found = record(bets, decisions)
    rate = win_rate_bootstrap([bets], decisions, blocks, drawn).estimates()[0]
    roi = roi_estimates([bets], decisions, blocks, drawn)[0]
    return BetFigures(found, win_rate_estimate(found, rate), break_even(bets, decisions), roi)


def _evaluate(weekly: Double, counts: Double, blocks: Blocks) -> tuple[Double, Double]:
    """Return the difference and its standard error, each [R], with weeks as often as `counts` [R, K] says.

    The influence of a week is g . f up to a constant, f being its four sums, g [R, 4] the derivatives by their means.
    """
    products = (weekly[:, :, None] * weekly[:, None, :]).reshape(len(weekly), 16)
    whole = counts @ weekly / len(blocks)
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where(whole[:, [1, 3]] > 0, whole[:, [1, 3]], np.nan)
        ratios = whole[:, [0, 2]] / below
        by_first, by_other = 1 / below, -ratios / below
        slopes = np.stack([by_first[:, 0], by_other[:, 0], -by_first[:, 1], -by_other[:, 1]], axis=1)
        variance, scale = np.zeros(len(counts)), np.zeros(len(counts))
        for stratum in blocks.strata:
            weeks = stratum.stop - stratum.start
            sums = counts[:, stratum] @ weekly[stratum]  # [R, 4]
            squares = (counts[:, stratum] @ products[stratum]).reshape(-1, 4, 4)
            of_squares = np.einsum("ri,rij,rj->r", slopes, squares, slopes)
            variance += (of_squares - (slopes * sums).sum(axis=1) ** 2 / weeks) * weeks / max(weeks - 1, 1)
            scale += np.einsum("ri,rii->r", slopes**2, squares)
        error = np.sqrt(np.where(variance > CONSTANT_BELOW * scale, variance, np.nan)) / len(blocks)
    return ratios[:, 0] - ratios[:, 1], error


def _reason(active: Double, error: Double, blocks: Blocks) -> str | None:
    """Return why there is no interval, as far as the bets tell before the resamples are looked at."""
    fewest = min(max(active[stratum, part].sum() for stratum in blocks.strata) for part in (0, 1))
    if not fewest:
        return NO_BETS
    if fewest < 2:
        return FEW_WEEKS
    return CONSTANT if np.isnan(error).any() else None
