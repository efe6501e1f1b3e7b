"""The bankroll week by week: its path, and what becomes of it in histories of resampled weeks.

A history has as many weeks of each season as there were, drawn as for the intervals. Its bankroll after k weeks is the
product of the growth of its first k weeks, so that bands are pointwise: of all histories at one week, and of no history
as a whole. They show how far chance alone takes the same bets, and are no interval of the figures of
`trainer.evaluation.figures`, which are studentised.
"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from trainer.data.decisions import Decisions
from trainer.data.types import Double
from trainer.evaluation.bankroll import LARGEST_STAKES, follow
from trainer.evaluation.blocks import RESAMPLES, resample, week_blocks
from trainer.evaluation.ensemble import histogram
from trainer.evaluation.payoffs import Bets

REFERENCE_STAKE = LARGEST_STAKES[-1]
"""The largest stake that trajectories are of: what Kelly's stakes are a share of."""
BINS = 30
DIGITS = 6
"""Significant ones, of paths, bands and edges: a page of them is drawn, and none is calculated with."""


class Bands(Struct, frozen=True):
    """Quantiles over the histories, each [K]."""

    q05: tuple[float, ...]
    """With `q95` the band of 90 %."""
    q25: tuple[float, ...]
    """With `q75` the band of 50 %."""
    q50: tuple[float, ...]
    q75: tuple[float, ...]
    q95: tuple[float, ...]


class Finals(Struct, frozen=True):
    """The bankroll at the end of the histories, as a multiple of that at the start."""

    histories: int
    lost: int
    """Histories in which all was lost; they are in no bin."""
    below_start: float
    """Share of the histories that end with less than they began with."""
    edges: tuple[float, ...]
    """[bins + 1], equally far apart in logarithms; the last bin holds its upper edge too. Empty where all was lost in
    every history."""
    counts: tuple[int, ...]
    """[bins]"""
    q05: float
    q25: float
    q50: float
    q75: float
    q95: float


class Trajectory(Struct, frozen=True):
    """One policy's bankroll."""

    largest_stake: float
    path: tuple[float, ...]
    """[K], at the end of each week, as a multiple of that at the start."""
    bands: Bands
    final: Finals


class Trajectories(Struct, frozen=True):
    """The bankrolls of all policies through the same K weeks, and the same histories."""

    seasons: tuple[int, ...]
    """[K]"""
    weeks: tuple[int, ...]
    """[K], those in which anything was offered, in order of time."""
    of: Mapping[str, Trajectory]
    """By the policy's name."""


def trajectories(
    policies: Mapping[str, Bets],
    decisions: Decisions,
    rng: np.random.Generator,
    *,
    resamples: int = RESAMPLES,
    largest_stake: float = REFERENCE_STAKE,
) -> Trajectories:
    """Return the bankroll of each policy. Every policy has a bet, or none, at each decision [N].

    Raises:
        ValueError: there is no decision, or a bet is on one whose outcome is not known.
    """
    blocks = week_blocks(decisions.seasons, decisions.weeks)
    draws = resample(blocks, rng, resamples).draws
    found: dict[str, Trajectory] = {}
    for name, bets in policies.items():
        bankroll = follow(bets, decisions, blocks, largest_stake)
        with np.errstate(divide="ignore"):  # a week in which all was lost is -inf, and so is all after it
            logs = np.log1p(bankroll.weekly_returns)[draws].cumsum(axis=1)  # [B, K]
        found[name] = Trajectory(largest_stake, _short(bankroll.weekly_path), _bands(logs), _finals(logs[:, -1]))
    return Trajectories(tuple(blocks.seasons.tolist()), tuple(blocks.weeks.tolist()), found)


def _bands(logs: Double) -> Bands:
    return Bands(*map(_short, _quantiles(np.exp(logs))))


def _finals(logs: Double) -> Finals:
    """Return what the logarithms [B] of the bankrolls at the end come to."""
    # Sums that are equal but for their last bits are to fall into the same bin.
    left = np.round(logs[np.isfinite(logs)], 9)
    bins = histogram(left, BINS) if len(left) else None
    return Finals(
        len(logs),
        len(logs) - len(left),
        float((np.round(logs, 9) < 0).mean()),
        () if bins is None else _short(np.exp(bins.edges)),
        () if bins is None else tuple(bins.counts.tolist()),
        *_short(_quantiles(np.exp(logs))),
    )


def _quantiles(histories: Double) -> Double:
    """Return the quantiles 5, 25, 50, 75 and 95 % over the first axis."""
    return np.asarray(np.quantile(histories, (0.05, 0.25, 0.5, 0.75, 0.95), axis=0))


def _short(values: Double) -> tuple[float, ...]:
    return tuple(float(f"{value:.{DIGITS}g}") for value in values.tolist())
