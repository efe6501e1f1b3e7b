"""Whether an ensemble's uncertainty tells which of its bets are wrong, and whether its Q values are what bets return.

All figures are of the bets of the mean's greedy action that were won or lost, and per unit of stake: multiplying the
stakes changes none.
"""

import numpy as np
from msgspec import Struct

from trainer.data.decisions import Decisions
from trainer.data.types import Double, Int
from trainer.evaluation.ensemble import Opinions
from trainer.evaluation.ranking import (
    Auc,
    Correlation,
    CoverageCurve,
    auc,
    coverage_curve,
    risk_coverage,
    spearman_within_weeks,
)

LEAST_BETS = 20
"""Fewer decided bets tell nothing of an order among them."""
PERMUTATIONS = 2_000
ROUNDING = 1e-20
"""Share of the mean square that is no variation."""
WEEKS_A_SEASON = 100
"""More than there are: tells (season, week) blocks apart."""


class Uncertainty(Struct, frozen=True):
    """What the uncertainty of bets says of how they end."""

    bets: int
    """Decided bets that it is about."""
    losing: Auc | None
    """Of the uncertainty for being lost: above .5 where uncertain bets lose more often. None where all ended alike."""
    with_losses: Correlation
    """Spearman, of the uncertainty with being lost (1) or won (0); permuted within weeks."""
    with_returns: Correlation
    """Spearman, of the uncertainty with the unit return."""
    aurc: float
    """Area under risk (share of lost bets) against coverage, the most certain first (Geifman & El-Yaniv 2017)."""
    random_aurc: float
    """What abstaining at random has in expectation."""
    random_sd: float
    oracle_aurc: float
    """The smallest that any order has."""
    q_slope: float
    """Of the unit return on the advantage over no bet, per unit of stake, by least squares: 1 where Q is calibrated, 0
    where it says nothing."""
    q_slope_error: float
    """Its standard error, by (season, week) blocks."""
    q_bias: float
    """Mean advantage minus mean unit return: how much Q promises too much, per unit of stake."""
    curve: CoverageCurve
    """Risk against coverage, whose area is `aurc`."""


def uncertainty_of(
    view: Opinions, decisions: Decisions, rng: np.random.Generator, permutations: int = PERMUTATIONS
) -> Uncertainty | None:
    """Return what the uncertainty says of N decisions; None where too few bets were decided.

    Bets are on side 0, from which a state is seen.
    """
    returned = decisions.returns[:, 0]
    rows = np.flatnonzero(view.bets & np.isfinite(returned) & (returned != 0))
    if len(rows) < LEAST_BETS:
        return None
    lost, doubt = returned[rows] < 0, view.uncertainty[rows]
    weeks = WEEKS_A_SEASON * decisions.seasons[rows] + decisions.weeks[rows]
    kept = risk_coverage(doubt, lost.astype(np.float64))
    slope, error = _slope(view.advantage[rows], returned[rows], weeks)
    return Uncertainty(
        bets=len(rows),
        losing=auc(doubt, lost) if lost.any() and not lost.all() else None,
        with_losses=spearman_within_weeks(doubt, lost.astype(np.float64), weeks, permutations, rng),
        with_returns=spearman_within_weeks(doubt, returned[rows], weeks, permutations, rng),
        aurc=kept.aurc,
        random_aurc=kept.random,
        random_sd=kept.random_sd,
        oracle_aurc=kept.oracle,
        q_slope=slope,
        q_slope_error=error,
        q_bias=float(view.advantage[rows].mean() - returned[rows].mean()),
        curve=coverage_curve(kept, lost.astype(np.float64)),
    )


def _slope(x: Double, y: Double, blocks: Int) -> tuple[float, float]:
    """Return the least-squares slope of y on x [N], and its standard error by blocks (Liang & Zeger 1986); NaN where x
    does not vary."""
    deviation = x - x.mean()
    spread = float(deviation @ deviation)
    if spread <= ROUNDING * float(x @ x):
        return float("nan"), float("nan")
    slope = float(deviation @ y) / spread
    residuals = y - y.mean() - slope * deviation
    _, place = np.unique(blocks, return_inverse=True)
    scores = np.bincount(place, deviation * residuals)
    count = len(scores)
    correction = count / (count - 1) if count > 1 else float("nan")
    return slope, float(np.sqrt(correction * (scores @ scores))) / spread
