"""Whether probabilities are what they say: a table of bins, Brier score, log loss, and Cox's slope and intercept."""

import math

import numpy as np
from msgspec import Struct

from trainer.data.types import Bool, Double
from trainer.evaluation.intervals import wilson
from trainer.evaluation.logistic import RIDGE, newton
from trainer.evaluation.ranking import midranks

BINS = 10
SMALLEST = float(np.finfo(np.float64).eps)
"""Probabilities are kept that far from 0 and 1 where their logarithm is taken, as scikit-learn does."""


class Bin(Struct, frozen=True):
    """Rows of similar predictions."""

    count: int
    predicted: float
    """Mean prediction."""
    observed: float
    """Share of the rows that were won."""
    low: float
    """Of the observed share's 95 % interval (Wilson 1927)."""
    high: float


class Calibration(Struct, frozen=True):
    """How well probabilities of N rows agree with their outcomes."""

    bins: tuple[Bin, ...]
    """By increasing prediction."""
    brier: float
    """Mean squared difference of probability and outcome."""
    log_loss: float
    """Mean negative log likelihood, in nats."""
    intercept: float
    """Of logit P(won) = intercept + slope x logit(prediction): 0 where calibrated."""
    intercept_se: float
    slope: float
    """1 where calibrated, less where predictions are too extreme. NaN where all predictions are equal."""
    slope_se: float
    p_value: float
    """Of intercept 0 and slope 1 together (Wald, chi-square with 2 degrees of freedom, or 1 where predictions are
    all equal)."""


def calibration(predicted: Double, won: Bool, bins: int = BINS) -> Calibration:
    """Return how well P(won) [N] is calibrated, with at most `bins` bins of equal count.

    Equal predictions share a bin, so that the order of the rows changes nothing. Errors take the rows as independent.

    Source: Cox (1958), "Two further applications of a model for binary regression", Biometrika 45, for slope and
    intercept; they are fitted with a ridge of RIDGE, which keeps them finite.

    Raises:
        ValueError: there is no row, a prediction is not in [0, 1], or `bins` is less than 1.
    """
    if not len(predicted) or len(predicted) != len(won):
        raise ValueError(f"{len(predicted)} predictions for {len(won)} outcomes")
    if not ((predicted >= 0) & (predicted <= 1)).all():
        raise ValueError("predictions have to be probabilities between 0 and 1")
    if bins < 1:
        raise ValueError(f"{bins} bins hold no row: use 1 or more")
    inside = np.clip(predicted, SMALLEST, 1 - SMALLEST)
    logits = np.log(inside) - np.log1p(-inside)
    varies = bool((logits != logits[0]).any())
    design = np.stack([np.ones(len(logits)), logits], axis=1) if varies else np.ones((len(logits), 1))
    offset = np.array([0.0, 1.0]) if varies else logits[:1]
    """What the weights are where the predictions are calibrated."""
    weights, covariance = newton(design, won, np.full(design.shape[1], RIDGE))
    off = weights - offset
    wald = float(off @ np.linalg.solve(covariance, off))
    return Calibration(
        bins=_bins(predicted, won, bins),
        brier=float(((predicted - won) ** 2).mean()),
        log_loss=float(-np.where(won, np.log(inside), np.log1p(-inside)).mean()),
        intercept=float(off[0]),
        intercept_se=math.sqrt(covariance[0, 0]),
        slope=float(weights[1]) if varies else math.nan,
        slope_se=math.sqrt(covariance[1, 1]) if varies else math.nan,
        p_value=math.exp(-wald / 2) if varies else math.erfc(math.sqrt(wald / 2)),
    )


def _bins(predicted: Double, won: Bool, bins: int) -> tuple[Bin, ...]:
    place = np.floor((midranks(predicted) - 0.5) * bins / len(predicted)).astype(np.int64)
    table = []
    for chosen in np.unique(place):
        rows = place == chosen
        count, hits = int(rows.sum()), int(won[rows].sum())
        low, high = wilson(hits / count, count)
        table.append(Bin(count, float(predicted[rows].mean()), hits / count, low, high))
    return tuple(table)
