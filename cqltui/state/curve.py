"""Metrics by epoch as lines that can be drawn: smoothed, thinned, read at an epoch, many of them together. Pure, and
without NumPy, which the screen does not load."""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TypeVar

from msgspec import Struct

MEMBERS = 32
"""Of a group of more, so many make its median, evenly spaced."""
GROUP_POINTS = 1_024
"""Epochs at which a median is computed, evenly spaced where there are more."""
_QUARTERS = (0.25, 0.5, 0.75)
T = TypeVar("T")


class Curve(Struct, frozen=True, eq=False):
    """Values by epoch."""

    epochs: Sequence[int] = ()
    """Ascending."""
    values: Sequence[float] = ()
    """As many; one that is infinite or no number leaves a gap."""
    unknown: int = 0
    """How many values were infinite or no numbers, those included that thinning has left out."""

    def __len__(self) -> int:
        return len(self.epochs)

    def stretches(self) -> list[tuple[int, int]]:
        """Return the parts between gaps, as half-open ranges of indices."""
        if not self.unknown:
            return [(0, len(self))] if len(self) else []
        edges = [-1, *(i for i, value in enumerate(self.values) if not math.isfinite(value)), len(self)]
        return [(a + 1, b) for a, b in pairwise(edges) if a + 1 < b]

    def best(self, *, highest: bool = False) -> tuple[int, float] | None:
        """Return the first epoch of the best value, and that value; None where there is none."""
        found = [value for value in self.values if math.isfinite(value)] if self.unknown else self.values
        if not len(found):
            return None
        value = max(found) if highest else min(found)
        return self.epochs[self.values.index(value)], value

    def at(self, epoch: float) -> tuple[int, float] | None:
        """Return the epoch with a value that is nearest, the earlier of two, and its value; None beyond the ends."""
        if not len(self) or not self.epochs[0] <= epoch <= self.epochs[-1]:
            return None
        after = bisect_left(self.epochs, epoch)
        before = max(0, after - 1)
        place = before if epoch - self.epochs[before] <= self.epochs[after] - epoch else after
        return self.epochs[place], self.values[place]

    def beside(self, epoch: float, by: float) -> int:
        """Return the epoch with a value that is `by` epochs from another one, at least the next; at the end that."""
        place = bisect_left(self.epochs, epoch)
        there = bisect_right(self.epochs, epoch + by) - 1 if by > 0 else bisect_left(self.epochs, epoch + by)
        found = max(there, place + 1) if by > 0 else min(there, place - 1)
        return self.epochs[min(max(found, 0), len(self) - 1)]

    def until(self, epoch: int) -> "Curve":
        """Return what comes no later than an epoch."""
        if not len(self) or self.epochs[-1] <= epoch:
            return self
        place = bisect_right(self.epochs, epoch)
        return curve(self.epochs[:place], self.values[:place])

    def followed(self, epoch: int, value: float) -> "Curve":
        """Return the curve with one point more, if it comes after the others."""
        if len(self) and self.epochs[-1] >= epoch:
            return self
        unknown = self.unknown + (not math.isfinite(value))
        return Curve(array("q", [*self.epochs, epoch]), array("d", [*self.values, value]), unknown)


def curve(epochs: Sequence[int], values: Sequence[float]) -> Curve:
    """Return a curve, its unknown values counted."""
    return Curve(epochs, values, sum(not math.isfinite(value) for value in values))


def smoothed(line: Curve, factor: float) -> Curve:
    """Return the exponential moving average, `factor` of what was before an epoch and the rest of what is new.

    By epochs, not by points: of a curve that is measured every tenth epoch the average forgets as fast. It begins with
    the first value; in a gap nothing is learned.
    """
    if not 0 < factor < 1:
        return line
    if not line.unknown and len(line) and line.epochs[-1] - line.epochs[0] == len(line) - 1:  # each epoch, as mostly
        new = 1 - factor
        means = accumulate(line.values, lambda mean, value: factor * mean + new * value)
        return Curve(line.epochs, array("d", means))
    found = array("d")
    mean, last = math.nan, 0
    spacing, keep = 1, factor
    for epoch, value in zip(line.epochs, line.values, strict=True):
        if not math.isfinite(value):
            found.append(math.nan)
            continue
        if epoch - last != spacing:
            spacing = epoch - last
            keep = factor**spacing
        mean = value if math.isnan(mean) else keep * mean + (1 - keep) * value
        last = epoch
        found.append(mean)
    return Curve(line.epochs, found, line.unknown)


def thinned(epochs: Sequence[int], values: Sequence[float], parts: int) -> list[int]:
    """Return which points to keep, as ascending indices: of each of about `parts` stretches of points the lowest, the
    highest, and one that leaves a gap; the first and the last."""
    count = len(epochs)
    if count <= 2 * parts:
        return list(range(count))
    kept = {0, count - 1}
    for begin, end in _parts(count, parts):
        piece = values[begin:end]
        if all(map(math.isfinite, piece)):
            kept |= {begin + piece.index(min(piece)), begin + piece.index(max(piece))}
            continue
        known = [i for i in range(begin, end) if math.isfinite(values[i])]
        if known:
            kept |= {min(known, key=values.__getitem__), max(known, key=values.__getitem__)}
        kept.add(next(i for i in range(begin, end) if not math.isfinite(values[i])))
    return sorted(kept)


def _parts(count: int, parts: int) -> list[tuple[int, int]]:
    edges = [i * count // parts for i in range(parts + 1)]
    return list(pairwise(edges))


def evenly(items: Sequence[T], most: int) -> list[T]:
    """Return at most so many of the items, evenly spaced, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[i * (len(items) - 1) // (most - 1)] for i in range(most)]


class Band(Struct, frozen=True, eq=False):
    """What many curves have in common."""

    low: Curve
    """The first quartile."""
    middle: Curve
    """The median."""
    high: Curve
    """The third quartile."""
    members: int
    """Curves that it was made of."""


def band(curves: Sequence[Curve]) -> Band | None:
    """Return median and quartiles at the epochs that at least half of the curves, and two, have reached; None where
    there are none.

    A curve without a value at an epoch has the one before, so that curves which were thinned or validated at other
    epochs count too.
    """
    lines = [line for line in curves if len(line)]
    if len(lines) < 2:
        return None
    epochs = evenly(sorted({epoch for line in lines for epoch in line.epochs}), GROUP_POINTS)
    columns: list[list[float]] = [[] for _ in epochs]
    for line in lines:
        end = line.epochs[-1]
        for column, epoch in zip(columns, epochs, strict=True):
            if epoch > end:
                break
            if place := bisect_right(line.epochs, epoch):
                value = line.values[place - 1]
                if math.isfinite(value):
                    column.append(value)
    enough = max(2, (len(lines) + 1) // 2)
    known = [(epoch, sorted(column)) for epoch, column in zip(epochs, columns, strict=True) if len(column) >= enough]
    if not known:
        return None
    places = array("q", [epoch for epoch, _ in known])
    low, middle, high = (
        Curve(places, array("d", [_quantile(column, share) for _, column in known])) for share in _QUARTERS
    )
    return Band(low, middle, high, len(lines))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of ascending values, interpolated between its neighbours as NumPy does."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
