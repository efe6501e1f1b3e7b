"""P(cover), which Kelly needs: p_hat is the probability to win, and a favourite may win without covering.

    P(side 0 covers | no push) = sigmoid(b0 (logit p_hat - logit market_prob) + b1 spread / 10)

has no intercept, so that the two sides' probabilities add up to 1 from whichever a game is seen. b0 says how much of
the model's disagreement about winning shows against the spread: 1 takes it at face value, 0 says that it knows
nothing. Both have a normal prior with mean 0 and deviation 1, which a few hundred games outweigh.
A season is predicted by what was fitted on the seasons before it; from the first test season on, the fit is frozen.
"""

import numpy as np
from msgspec import Struct

from trainer.data.decisions import Decisions
from trainer.data.types import Bool, Double, Int
from trainer.evaluation.policies import logit, sigmoid

SPREAD_UNIT = 10.0
"""Points of spread that count as 1, so that both coefficients are of the prior's scale."""
PRIOR_PRECISION = 1.0
"""Of each coefficient; 1 / variance."""
MIN_GAMES = 100
"""Games without a push that a fit needs; before, no probability is given."""
MEMBERS = 500
"""Bootstrap fits of an ensemble: enough for a 5 % quantile."""
STEPS = 25
"""Newton steps at most; six are enough on real data."""
TOLERANCE = 1e-10
"""Change of the coefficients at which the steps end."""
COVERING_STREAM = 7
"""Keeps these draws apart from others with the same seed."""


class Covering(Struct, frozen=True, eq=False):
    """Probabilities, and the coefficients that they came from."""

    cover: Double
    """P(side 0 covers), pushes left out: [N], or [B, N] of an ensemble. NaN where there was too little to fit on."""
    coefficients: dict[int, Double]
    """(b0, b1) [2], or [B, 2], by the season before which the games are that it was fitted on."""
    games: dict[int, int]
    """How many games each was fitted on."""


def features(decisions: Decisions) -> Double:
    """Return what P(cover) is told by [N, 2]: the model's disagreement in logits, the spread in units of 10 points.
    NaN where a probability is unknown, 0 or 1."""
    return np.stack(
        [logit(decisions.p_hat) - logit(decisions.market_prob), decisions.spread / SPREAD_UNIT],
        axis=1,
    )


def fit(x: Double, covers: Double, weights: Double) -> Double:
    """Return the coefficients [B, K] that maximise the weighted posterior, by Newton's method.

    `x` [N, K], `covers` [N] of 1 or -1, `weights` [B, N] how often each game counts in each of B fits. The posterior
    is strictly concave, and steps that would lower it are halved, so that this ends for any data.
    """
    target = (covers + 1) / 2
    beta = np.zeros((len(weights), x.shape[1]))
    prior = PRIOR_PRECISION * np.eye(x.shape[1])
    value = _posterior(beta, x, covers, weights)
    for _ in range(STEPS):
        p = sigmoid(beta @ x.T)  # [B, N]
        gradient = (weights * (target - p)) @ x - PRIOR_PRECISION * beta
        hessian = np.einsum("bn,nk,nl->bkl", weights * p * (1 - p), x, x, optimize=True) + prior
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        size = np.ones((len(weights), 1))
        found = _posterior(beta + step, x, covers, weights)
        while (worse := found < value - 1e-9 * np.abs(value)).any() and size.min() > 1e-6:
            size[worse] /= 2
            found = _posterior(beta + size * step, x, covers, weights)
        beta, value = beta + size * step, found
        if np.abs(size * step).max(initial=0.0) < TOLERANCE:
            break
    return beta


def walk_forward(decisions: Decisions, first_test_season: int | None = None) -> Covering:
    """Return P(side 0 covers) [N], each season by a fit on the seasons before it that are before the first test
    season. Pushes, and games without a result, are not fitted on. The probability of a game depends on no result of
    its own season, of a later one, or of a test season."""
    fitted = _fits(decisions, first_test_season, None, 0)
    coefficients = {season: beta[0] for season, beta in fitted.coefficients.items()}
    return Covering(fitted.cover[0], coefficients, fitted.games)


def ensemble(
    decisions: Decisions, first_test_season: int | None = None, members: int = MEMBERS, seed: int = 0
) -> Covering:
    """Return P(side 0 covers) [B, N] by B = `members` fits as in `walk_forward`, each on (season, week) blocks that
    were drawn with replacement within their season. A season's draws depend on the seed and that season's number of
    weeks only."""
    return _fits(decisions, first_test_season, members, seed)


def _fits(decisions: Decisions, first_test_season: int | None, members: int | None, seed: int) -> Covering:
    x = features(decisions)
    covers = decisions.covers
    usable = np.isfinite(x).all(axis=1) & (np.abs(covers) == 1)
    cover = np.full((members or 1, len(decisions)), np.nan)
    coefficients: dict[int, Double] = {}
    for season in np.unique(decisions.seasons).tolist():
        before = season if first_test_season is None else min(season, first_test_season)
        if before not in coefficients:
            found = _fit_before(decisions, before, x, covers, usable, members, seed)
            if found is None:
                continue
            coefficients[before] = found
        rows = decisions.seasons == season
        cover[:, rows] = sigmoid(coefficients[before] @ x[rows].T)
    games = {before: int((usable & (decisions.seasons < before)).sum()) for before in coefficients}
    return Covering(cover, coefficients, games)


def _fit_before(
    decisions: Decisions, season: int, x: Double, covers: Double, usable: Bool, members: int | None, seed: int
) -> Double | None:
    """Fit on the usable games before a season: coefficients [B, 2], or None if they are too few."""
    rows = np.flatnonzero(usable & (decisions.seasons < season))
    if len(rows) < MIN_GAMES:
        return None
    # Pure of the rows' order to the last bit: sums of floats are not.
    rows = rows[np.lexsort((covers[rows], x[rows, 1], x[rows, 0], decisions.weeks[rows], decisions.seasons[rows]))]
    if members is None:
        weights = np.ones((1, len(rows)))
    else:
        weights = _block_weights(decisions.seasons[rows], decisions.weeks[rows], members, seed)
    return fit(x[rows], covers[rows], weights)


def _block_weights(seasons: Int, weeks: Int, members: int, seed: int) -> Double:
    """How often each row is drawn [B, N], if (season, week) blocks are drawn with replacement within seasons."""
    weights = np.empty((members, len(seasons)))
    for season in np.unique(seasons).tolist():
        rows = np.flatnonzero(seasons == season)
        names, block = np.unique(weeks[rows], return_inverse=True)
        rng = np.random.default_rng((seed, COVERING_STREAM, season))
        drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=members)
        weights[:, rows] = drawn[:, block]
    return weights


def _posterior(beta: Double, x: Double, covers: Double, weights: Double) -> Double:
    """Log posterior [B], up to a constant: log sigmoid of the signed scores, and the prior."""
    likelihood = -np.logaddexp(0, -covers * (beta @ x.T))
    return np.asarray((weights * likelihood).sum(axis=1) - PRIOR_PRECISION * (beta**2).sum(axis=1) / 2)
