"""Fewer points that look the same. A line of 2,000 epochs on a panel 300 points wide has seven points for each place
where one can be drawn."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


def kept(x: Floats, y: Floats, buckets: int, *, log: bool = False) -> Places:
    """Return which points of a line to draw, as ascending indices: of each of `buckets` equal parts of the axis the
    lowest and the highest, and the ends. Of a gap (where x or y is not finite, or cannot be shown on a logarithmic
    axis) one point is kept. A line that goes back in x is kept whole, since its parts cross."""
    everything = np.arange(len(x))
    if len(x) <= 2 * buckets:
        return everything
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.log10(x) if log else x
    there = np.isfinite(place) & np.isfinite(y)
    known = everything[there]
    if not len(known) or (np.diff(place[known]) < 0).any():
        return everything
    low, high = place[known[0]], place[known[-1]]
    bucket = np.minimum((place[known] - low) / (high - low or 1.0) * buckets, buckets - 1).astype(np.int64)
    stretch = np.cumsum(~there)[known]  # what lies between two gaps
    group = stretch * buckets + bucket
    by_size = np.lexsort((y[known], group))
    ends_group = np.flatnonzero(np.diff(group, append=-1))
    begins_group = np.concatenate(([0], ends_group[:-1] + 1))
    ends = np.flatnonzero(np.diff(stretch, append=-1))
    begins = np.concatenate(([0], ends[:-1] + 1))
    wanted = known[np.concatenate((by_size[begins_group], by_size[ends_group], begins, ends))]
    gaps = known[ends[:-1]] + 1
    return np.unique(np.concatenate((wanted, gaps)))


def buckets_for(lines: int, points: int = 8_000) -> int:
    """Return into how many parts an axis is divided where so many lines share `points`."""
    return max(30, min(400, points // (2 * max(1, lines))))
