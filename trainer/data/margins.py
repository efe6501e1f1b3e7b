"""How NFL games end, given what is expected: a normal distribution of the margin, reweighted at the key numbers.

P(margin = m | centre) is proportional to exp(-(m - centre)^2 / 2 SIGMA^2) x KEY_WEIGHTS[|m|], and the centre is the one
whose mean is the expected margin. The constants were fitted once, by iterative proportional fitting, to the figures of
7,276 games 1999-2025 (nflverse schedules): frequencies of the final margins in %, 3: 15.1, 7: 9.0, 6: 6.0, 10: 5.5,
4: 4.9, 14: 4.9, 1: 4.2, 2: 4.1, 8: 3.7, 17: 3.6, 5: 3.6, ties 0.21; margin minus spread sd 13.20; spread mean 2.25, sd
5.96. They are fixed: no result of training changes them.
"""

import numpy as np

from trainer.data.types import Double

MARGINS = np.arange(-80, 81)
SIGMA = 14.8
"""Points; wider than the deviation of the margins, because the key numbers lie near 0."""
KEY_WEIGHTS = {
    0: 0.14, 1: 1.41, 2: 1.38, 3: 5.13, 4: 1.68, 5: 1.25, 6: 2.13, 7: 3.25, 8: 1.37, 10: 2.16, 14: 2.23, 17: 1.90,
}  # fmt: skip
"""Weight of a final margin, by its size; 1 for every other."""
OVERROUND = 0.0245
"""Sum of both sides' implied probabilities minus 1, spreads of 2013-2022: a fair pair is -105/-105."""
LINES = np.arange(-35.0, 35.5, 0.5)
"""Half-point spreads that a market may post."""

_CENTRES = np.arange(-90.0, 90.5, 0.5)
_WEIGHTS = np.array([KEY_WEIGHTS.get(abs(int(margin)), 1.0) for margin in MARGINS])


def _pmf_around(centre: Double) -> Double:
    weights = np.exp(-0.5 * ((MARGINS - centre[:, None]) / SIGMA) ** 2) * _WEIGHTS
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


_MEANS = _pmf_around(_CENTRES) @ MARGINS.astype(np.float64)


def margin_pmf(expected: Double) -> Double:
    """P(final margin = MARGINS) [N, M] of games with the expected margins [N], in points within +-40."""
    return _pmf_around(np.interp(expected, _MEANS, _CENTRES))


def win_probability(pmf: Double) -> Double:
    """P(margin > 0), ties left out [N], of distributions [N, M]."""
    won = pmf[:, MARGINS > 0].sum(axis=1)
    return np.asarray(won / (won + pmf[:, MARGINS < 0].sum(axis=1)))


def draw_margins(pmf: Double, rng: np.random.Generator) -> Double:
    """Return one final margin [N] of each distribution [N, M]."""
    below = pmf.cumsum(axis=1) < rng.random((len(pmf), 1))
    drawn: Double = MARGINS[np.minimum(below.sum(axis=1), len(MARGINS) - 1)].astype(np.float64)
    return drawn


def cover_probabilities(pmf: Double, spread: Double) -> tuple[Double, Double]:
    """P(margin > spread) and P(margin < spread), each [N]; what they lack to 1 is a push."""
    above = np.where(spread[:, None] < MARGINS, pmf, 0).sum(axis=1)
    below = np.where(spread[:, None] > MARGINS, pmf, 0).sum(axis=1)
    return np.asarray(above), np.asarray(below)


def fair_line(pmf: Double) -> Double:
    """Return the half-point spread [N] that splits the outcomes most evenly, pushes left out: lines gather at key
    numbers."""
    cumulated = np.concatenate([np.zeros((len(pmf), 1)), pmf.cumsum(axis=1)], axis=1)
    below = cumulated[:, np.searchsorted(MARGINS, LINES, side="left")]
    above = 1 - cumulated[:, np.searchsorted(MARGINS, LINES, side="right")]
    return np.asarray(LINES[np.abs((above - below) / (above + below)).argmin(axis=1)])


def fair_prices(pmf: Double, spread: Double) -> tuple[Double, Double]:
    """American odds of both sides, each [N], at which either loses the vig: prices tell what half points round away."""
    above, below = cover_probabilities(pmf, spread)
    share = above / (above + below)
    return _american(share * (1 + OVERROUND)), _american((1 - share) * (1 + OVERROUND))


def _american(implied: Double) -> Double:
    exact: Double = np.where(implied >= 0.5, -100 * implied / (1 - implied), 100 * (1 - implied) / implied)
    return exact.round()
