"""How much a training run depends on its seed alone: what differences between configurations are compared with. Free of
NumPy at run time."""

import math
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from cqltui.campaign.model import TaskSpec
from cqltui.judging.outcomes import Left, deviation

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Kept(Struct, frozen=True, eq=False):
    """What is kept of a task: the metric's last value, and of a seed its curve."""

    last: float | None
    last_epoch: int = 0
    """At which the metric was measured last."""
    epochs: Sequence[int] = ()
    """At which the metric was measured, in order."""
    values: Sequence[float] = ()

    def around(self, epoch: int) -> Sequence[int]:
        """Return the measured epochs nearest to this one: it itself, or the last before it and the first after it."""
        at = bisect_left(self.epochs, epoch)
        return self.epochs[at : at + 1] if epoch in self.epochs[at : at + 1] else self.epochs[max(at - 1, 0) : at + 1]

    def value(self, epoch: int) -> float | None:
        """Return the metric's value at exactly that epoch, or None if it was not measured there."""
        at = bisect_left(self.epochs, epoch)
        return self.values[at] if epoch in self.epochs[at : at + 1] else None


class Spread(Struct, frozen=True):
    """How far the seeds of one configuration lie apart."""

    value: float
    """Sample standard deviation of the metric."""
    seeds: int
    epoch: int
    """At which it was read."""


def kept_of(task: TaskSpec, left: Left, metric: str, seeds_from: str) -> Kept:
    """Return the metric's last value, and of tasks of the phase `seeds_from` its curve."""
    points = left.points(metric) if task.phase == seeds_from else []
    epochs, values = tuple(epoch for epoch, _ in points), array("d", (value for _, value in points))
    epoch, last = left.last(metric) or (0, None)
    return Kept(last, epoch, epochs, values)


def spread_at(repeated: Sequence[Kept], wanted: int) -> Spread | None:
    """Return the spread over the repetitions of one configuration, read where two or more of them were measured nearest
    to the wanted epoch.

    None where fewer trained as far as that, or one of them diverged: where they would stand there, nobody knows.
    """
    epoch = _nearest_shared(repeated, wanted)
    if epoch is None:
        return None
    values = [value for kept in repeated if (value := kept.value(epoch)) is not None]
    return Spread(deviation(values), len(values), epoch) if all(map(math.isfinite, values)) else None


def q_deviation(members: "Sequence[npt.NDArray[np.floating]]") -> "npt.NDArray[np.float64]":
    """Return the sample standard deviation of Q over two members or more, [N, A] as each of them.

    Counted from the first member, so that members that are equal give exactly 0, without rounding. One member after
    the other: all at once in double precision would take hundreds of megabytes of a large ensemble.
    """
    first = members[0].astype(float)
    mean = sum((q.astype(float) - first for q in members), start=0 * first) / len(members)
    variance = sum(((q.astype(float) - first - mean) ** 2 for q in members), start=0 * mean) / (len(members) - 1)
    deviations: npt.NDArray[np.float64] = variance**0.5
    return deviations


def _nearest_shared(repeated: Sequence[Kept], wanted: int) -> int | None:
    """Return the epoch nearest to the wanted one, of two as near the earlier, at which two repetitions or more were
    measured.

    None if they did not train as far as that.
    """
    counts = Counter(epoch for kept in repeated for epoch in kept.around(wanted))
    shared = [epoch for epoch, count in counts.items() if count > 1]
    if not shared or max(shared) < wanted:
        return None
    return min(shared, key=lambda epoch: (abs(epoch - wanted), epoch))
