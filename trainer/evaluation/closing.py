"""Closing line value: what a bet was worth at the price it was taken, by the closing market without its vig.

The closing prices of both sides, scaled to sum 1, say with which probability the side covers the closing line (pushes
left out). The one expected margin for which the distribution of final margins agrees (`trainer.data.margins`, with its
key numbers: 15 % of games end by 3 points, 9 % by 7) then gives the chances at the line that was taken. Half a point
from 3 to 2.5 so counts as much more than one from 5 to 4.5.

It is no result: a bet is good where it was taken at better terms than the close, whether it wins or loses.
"""

import numpy as np
from msgspec import Struct

from trainer.data.margins import cover_probabilities, margin_pmf
from trainer.data.types import Bool, Double
from trainer.evaluation.blocks import Blocks, Resamples
from trainer.evaluation.intervals import Estimate, ratios

_FARTHEST = 40.0
"""Points; `margin_pmf` knows no larger expected margin."""
_ROUNDING = 1e-9
"""A bet at the closing terms is worth as much as these, but for this."""
_HALVINGS = 40
"""Of 80 points: what is left is less than what a price tells."""


class ClosingValue(Struct, frozen=True):
    """The closing line value of bets that were taken before the close."""

    bets: int
    value: Estimate
    """Mean expected return of a unit at the taken terms, by the close without vig: 0.01 is 100 basis points."""
    beat: float
    """Share of the bets that are worth something by it: they beat the close without its vig."""
    better: float
    """Share of the bets at better terms than those that the close posted, vig included."""


def expected_margins(spread: Double, net_odds: Double) -> Double:
    """Return the margin [N] that the closing market expects, for the side that it is seen from.

    Args:
        spread: [N], points by which the side is favoured at the close.
        net_odds: [N, 2], closing net odds of the side and of the other one.
    """
    implied = 1 / (1 + net_odds)
    wanted = implied[:, 0] / implied.sum(axis=1)
    low, high = np.full(len(spread), -_FARTHEST), np.full(len(spread), _FARTHEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above, below = cover_probabilities(margin_pmf(middle), spread)
        too_low = above / (above + below) < wanted
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    return np.asarray((low + high) / 2)


def expected_returns(expected: Double, spread: Double, net_odds: Double) -> Double:
    """Return what one unit on a side returns in expectation [N]: expected margin, line and price are the side's."""
    above, below = cover_probabilities(margin_pmf(expected), spread)
    return np.asarray(above * net_odds - below)


def closing_values(taken: Double, odds: Double, close: Double, close_odds: Double) -> tuple[Double, Double]:
    """Return what a unit was worth by the close without vig, each [N]: at the terms taken, and at those posted.

    Args:
        taken: [N], points by which the side was favoured when the bet was taken.
        odds: [N], net odds of the bet.
        close: [N], points by which the side was favoured at the close.
        close_odds: [N, 2], closing net odds of the side and of the other one.
    """
    expected = expected_margins(close, close_odds)
    return expected_returns(expected, taken, odds), expected_returns(expected, close, close_odds[:, 0])


def summarised(values: Double, posted: Double, measured: Bool, blocks: Blocks, resamples: Resamples) -> ClosingValue:
    """Return the summary of the bets [N] that are `measured`, at least one; `blocks` are of all N."""
    counted = measured.astype(np.float64)
    worth = blocks.sums(np.where(measured, values, 0.0))[:, None]
    bets = blocks.sums(counted)[:, None]
    (mean,) = ratios(worth, bets, bets > 0, blocks, resamples).estimates()
    return ClosingValue(
        bets=int(measured.sum()),
        value=mean,
        beat=float((values > 0)[measured].mean()),
        better=float((values > posted + _ROUNDING)[measured].mean()),
    )
