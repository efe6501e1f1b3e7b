"""A small logistic regression with a ridge penalty, by Newton's method, and its predictions of rows it has not seen."""

import math

import numpy as np
from msgspec import Struct

from trainer.data.types import Bool, Double, Int

RIDGE = 1e-3
"""Penalty on each squared weight, of features in standard deviations; keeps a fit finite where the classes can be
separated, and next to nothing beside a few dozen rows."""
NEWTON_STEPS = 50
TOLERANCE = 1e-10
"""Largest change of a weight at which a fit has converged."""
LARGEST_LOGIT = 30.0
FEWEST_SEASONS = 3
"""Seasons from which on each is a fold of its own; fewer leave too little to fit on."""
BLOCKS = 5
"""Folds of consecutive weeks where there are fewer seasons."""


class Logistic(Struct, frozen=True, eq=False):
    """P(won) = 1 / (1 + exp(-(weights[0] + weights[1:] @ (features - mean) / scale)))."""

    weights: Double
    """[1 + D], the intercept first."""
    covariance: Double
    """[1 + D, 1 + D] of the weights: the inverse of the penalised information."""
    mean: Double
    """[D]"""
    scale: Double
    """[D], standard deviations of the fitted rows; 1 where a feature is constant."""

    def probabilities(self, features: Double) -> Double:
        """Return P(won) [N] by features [N, D]."""
        return sigmoid(_with_intercept((features - self.mean) / self.scale) @ self.weights)


def sigmoid(logits: Double) -> Double:
    """Return 1 / (1 + exp(-logits)), of logits limited to +-LARGEST_LOGIT."""
    chances: Double = 1 / (1 + np.exp(-np.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT)))
    return chances


def newton(design: Double, won: Bool, penalties: Double) -> tuple[Double, Double]:
    """Return the weights [P] and their covariance [P, P] that maximise the penalised likelihood.

    `design` is [N, P], a column of ones included; `penalties` [P] times half of the squared weights is what is taken
    from the log likelihood. Steps that would lower it are halved.

    Raises:
        ValueError: a value is not finite, the rows differ in number, or a penalty is negative.
    """
    if not np.isfinite(design).all():
        raise ValueError("features that are not finite cannot be fitted: leave their rows out")
    if len(design) != len(won):
        raise ValueError(f"{len(design)} rows of features for {len(won)} outcomes")
    if not (penalties >= 0).all():
        raise ValueError("a negative penalty has no maximum")
    weights = np.zeros(design.shape[1])
    height = _height(design, won, penalties, weights)
    for _ in range(NEWTON_STEPS):
        chance = sigmoid(design @ weights)
        gradient = design.T @ (won - chance) - penalties * weights
        step = np.linalg.solve(_information(design, chance, penalties), gradient)
        higher = _height(design, won, penalties, weights + step)
        while higher < height - 1e-9 * (1 + abs(height)) and np.abs(step).max() >= TOLERANCE:
            step = step / 2
            higher = _height(design, won, penalties, weights + step)
        weights, height = weights + step, higher
        if np.abs(step).max() < TOLERANCE:
            break
    return weights, np.asarray(np.linalg.inv(_information(design, sigmoid(design @ weights), penalties)), np.float64)


def _height(design: Double, won: Bool, penalties: Double, weights: Double) -> float:
    """Return the penalised log likelihood."""
    logits = design @ weights
    return float((won * logits - np.logaddexp(0, logits)).sum() - (penalties * weights**2).sum() / 2)


def _information(design: Double, chance: Double, penalties: Double) -> Double:
    information: Double = design.T @ (design * (chance * (1 - chance))[:, None]) + np.diag(penalties)
    return information


def _with_intercept(features: Double) -> Double:
    return np.concatenate([np.ones((len(features), 1)), features], axis=1)


def fit(features: Double, won: Bool, ridge: float = RIDGE) -> Logistic:
    """Return the fit of `won` [N] on features [N, D], in standard deviations; the intercept is penalised as little.

    Raises:
        ValueError: there is no row, or as `newton`.
    """
    if not len(features):
        raise ValueError("there is no row to fit")
    features = features.astype(np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 1e-12 * np.maximum(1, np.abs(mean)), scale, 1.0)
    design = _with_intercept((features - mean) / scale)
    weights, covariance = newton(design, won, np.full(design.shape[1], ridge))
    return Logistic(weights, covariance, mean, scale)


def cross_fitted(features: Double, won: Bool, folds: Int, ridge: float = RIDGE) -> Double:
    """Return P(won) [N] of each row by a fit on the rows of all other folds [N].

    Probabilities of different folds come from different fits: compare them within a fold (`stratified_auc`).

    Raises:
        ValueError: there is only one fold, or as `newton`.
    """
    known = np.unique(folds)
    if len(known) < 2:
        raise ValueError("cross-fitting needs two folds or more")
    chances = np.full(len(won), math.nan)
    for fold in known:
        inside = folds == fold
        chances[inside] = fit(features[~inside], won[~inside], ridge).probabilities(features[inside])
    return chances


def time_folds(seasons: Int, weeks: Int, blocks: int = BLOCKS) -> Int:
    """Return the fold [N] of each row: its season, or one of `blocks` runs of consecutive weeks of like many rows.

    Seasons are folds where there are FEWEST_SEASONS or more. No (season, week) is in two folds; there are fewer folds
    than `blocks` where there are fewer weeks.

    Raises:
        ValueError: `blocks` is less than 1.
    """
    if blocks < 1:
        raise ValueError(f"{blocks} blocks hold no row: use 1 or more")
    known, season = np.unique(seasons, return_inverse=True)
    if len(known) >= FEWEST_SEASONS:
        return season.astype(np.int64)
    _, week, counts = np.unique(np.stack([seasons, weeks], axis=1), axis=0, return_inverse=True, return_counts=True)
    middle = counts.cumsum() - counts / 2
    block = np.floor(middle * blocks / max(1, len(seasons))).astype(np.int64)
    return block[week.ravel()]  # NumPy 2.0 keeps an axis
