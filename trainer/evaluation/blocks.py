"""Weeks as the blocks that a bootstrap draws: bets of one week are not independent, weeks nearly are.

Blocks are drawn with replacement within each season (stratified), so that every resample has as many weeks of each
season as there were. A season of which there is one week only joins the season before it, or the one after it where it
is the first: alone it would be drawn every time and count as certain (collapsed strata: Cochran, Sampling Techniques,
3rd ed., section 5A.12).
"""

import itertools

import numpy as np
from msgspec import Struct

from trainer.data.types import Double, Int

RESAMPLES = 2_000
"""The number of resamples of a bootstrap."""


class Blocks(Struct, frozen=True, eq=False):
    """K weeks in which anything was offered, in order of time, and where N decisions lie in them."""

    seasons: Int
    """[K]"""
    weeks: Int
    """[K]"""
    of_decision: Int
    """[N], index of each decision's week."""
    strata: tuple[slice, ...]
    """The weeks of each season, or of more than one where a season has one week only."""

    def __len__(self) -> int:
        return len(self.seasons)

    @property
    def weeks_a_season(self) -> float:
        """Mean number of weeks of a season."""
        return len(self) / len(np.unique(self.seasons))

    def sums(self, values: Double) -> Double:
        """Return the sum of each week [K] or [K, J] of values [N] or [N, J]."""
        order = np.argsort(self.of_decision, kind="stable")
        starts = np.searchsorted(self.of_decision[order], np.arange(len(self)))
        return np.asarray(np.add.reduceat(values[order], starts, axis=0, dtype=np.float64))


class Resamples(Struct, frozen=True, eq=False):
    """B resamples of K blocks, to be shared by all policies and figures, so that these can be compared."""

    draws: Int
    """[B, K], index of the week that stands in each week's place."""
    counts: Double
    """[B, K], how often each week was drawn."""

    def __len__(self) -> int:
        return len(self.draws)


def week_blocks(seasons: Int, weeks: Int) -> Blocks:
    """Return the (season, week) blocks of N decisions, in whatever order these are.

    Raises:
        ValueError: there is no decision.
    """
    if not len(seasons):
        raise ValueError("no decisions: there is nothing to evaluate")
    keys, of_decision = np.unique(np.stack([seasons, weeks], axis=1), axis=0, return_inverse=True)
    return Blocks(keys[:, 0], keys[:, 1], of_decision.reshape(-1).astype(np.int64), _strata(keys[:, 0]))


def _strata(seasons: Int) -> tuple[slice, ...]:
    """Slices of at least two blocks each, as far as there are as many, at the borders of seasons [K]."""
    starts = [0, *(np.flatnonzero(np.diff(seasons)) + 1).tolist(), len(seasons)]
    strata: list[slice] = []
    for start, stop in itertools.pairwise(starts):
        if strata and (stop - start == 1 or strata[-1].stop - strata[-1].start == 1):
            strata[-1] = slice(strata[-1].start, stop)
        else:
            strata.append(slice(start, stop))
    return tuple(strata)


def resample(blocks: Blocks, rng: np.random.Generator, count: int = RESAMPLES) -> Resamples:
    """Draw `count` resamples of the weeks, with replacement within each stratum."""
    draws = np.empty((count, len(blocks)), dtype=np.int64)
    for stratum in blocks.strata:
        draws[:, stratum] = rng.integers(stratum.start, stratum.stop, size=(count, stratum.stop - stratum.start))
    places = np.arange(count)[:, None] * len(blocks) + draws
    counts = np.bincount(places.reshape(-1), minlength=count * len(blocks)).reshape(count, len(blocks))
    return Resamples(draws, counts.astype(np.float64))
