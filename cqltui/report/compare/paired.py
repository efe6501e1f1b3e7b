"""The difference of a figure between two runs, over the seeds that both have. Pure."""

import math
from collections.abc import Sequence

from msgspec import Struct
from scipy.special import stdtrit

LEVEL = 0.95
METHOD = "Student's t over paired seeds, 95 %"


class Difference(Struct, frozen=True):
    """Means over the seeds at which both runs have the figure, and their difference."""

    n: int
    first: float | None
    other: float | None
    value: float | None = None
    """The other less the first; None: the two are not to be compared, or there is no pair."""
    lower: float | None = None
    upper: float | None = None
    """Of 95 %, by Student's t; None with fewer than two pairs."""


def difference_of(pairs: Sequence[tuple[float | None, float | None]], *, is_comparable: bool = True) -> Difference:
    """Return the difference over (first, other) of each seed; pairs of which one is missing or not finite do not count.

    `is_comparable` False: the means alone, each of its own.
    """
    known = [(a, b) for a, b in pairs if a is not None and b is not None and math.isfinite(a) and math.isfinite(b)]
    n = len(known)
    if not n:
        return Difference(0, None, None)
    first, other = (math.fsum(column) / n for column in zip(*known, strict=True))
    if not is_comparable:
        return Difference(n, first, other)
    changes = [b - a for a, b in known]
    mean = math.fsum(changes) / n
    if n < 2:
        return Difference(n, first, other, mean)
    error = math.sqrt(math.fsum((change - mean) ** 2 for change in changes) / (n - 1) / n)
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * error
    return Difference(n, first, other, mean, mean - half, mean + half)
