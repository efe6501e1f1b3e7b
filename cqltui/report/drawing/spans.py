"""From where to where an axis goes, by what is drawn on it."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from cqltui.report.figure import Axis, Band, Bars, Line, Mark, Panel, Points, Rule, Values

LARGEST = 1e200
"""A number beyond it is not drawn: arithmetic on it would overflow."""
SMALLEST = 1e-200
"""A number nearer to 0 is drawn as 0."""
SAME = 1e-9
"""Ends that differ by no more than this share are one."""
MARGIN = 0.04
"""Of the axis, left free at either end."""
Floats = npt.NDArray[np.float64]


class Span(Struct, frozen=True):
    """The ends of an axis. `first` is left or at the bottom, and above `last` where the axis goes down."""

    first: float
    last: float
    log: bool = False

    @property
    def low(self) -> float:
        """The lower end."""
        return min(self.first, self.last)

    @property
    def high(self) -> float:
        """The upper end."""
        return max(self.first, self.last)


def drawable(values: Values) -> Floats:
    """Return the values as they are drawn, NaN for those that cannot be."""
    found = np.asarray(values, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(abs(found) < SMALLEST, 0.0, np.where(abs(found) <= LARGEST, found, np.nan))


def span(panel: Panel, *, upright: bool) -> Span:
    """Return the ends of a panel's y axis (`upright`) or x axis. A logarithmic axis without anything above 0 is
    linear."""
    axis = panel.y if upright else panel.x
    if axis.categories:
        last = len(axis.categories) - 0.4
        return Span(last, -0.6) if upright else Span(-0.6, last)
    parts = [drawable(values) for mark in panel.marks for values in _values(mark, upright)]
    values = np.concatenate([*parts, np.array([])])
    values = values[np.isfinite(values)]
    above = values[values > SMALLEST]
    log = axis.scale == "log" and len(above) > 0
    if log:
        low, high = _widened(math.log10(above.min()), math.log10(above.max()), MARGIN)
        low, high = 10.0**low, 10.0**high
    else:
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        zero = any(_from_zero(mark, upright) for mark in panel.marks)
        low, high = (min(low, 0.0), max(high, 0.0)) if zero else (low, high)
        floor, ceiling = zero and low == 0, zero and high == 0
        wide_low, wide_high = _widened(low, high, MARGIN)
        low, high = (low if floor else wide_low), (high if ceiling and not floor else wide_high)
    return _as_asked(axis, low, high, log)


def _as_asked(axis: Axis, low: float, high: float, log: bool) -> Span:
    if axis.low is not None and abs(axis.low) <= LARGEST and (axis.low > SMALLEST or not log):
        low = axis.low
    if axis.high is not None and abs(axis.high) <= LARGEST and (axis.high > SMALLEST or not log):
        high = axis.high
    if high - low <= SAME * max(abs(low), abs(high)):
        low, high = (low / 2, low * 2) if log else _widened(low, low, MARGIN)
    return Span(float(low), float(high), log)


def _widened(low: float, high: float, share: float) -> tuple[float, float]:
    width = high - low
    if width <= SAME * max(abs(low), abs(high)):
        width, share = max(abs(low), abs(high)) or 1.0, 0.1
    return low - share * width, high + share * width


def _from_zero(mark: Mark, upright: bool) -> bool:
    return isinstance(mark, Bars) and not mark.base and mark.across != upright


def _values(mark: Mark, upright: bool) -> Iterator[Values]:
    """Yield what a mark has on the axis."""
    match mark:
        case Line():
            yield mark.y if upright else mark.x
        case Band():
            yield from (mark.low, mark.high) if upright else (mark.x,)
        case Points():
            yield mark.y if upright else mark.x
            if mark.across != upright:
                yield from (mark.low, mark.high)
        case Bars():
            if mark.across == upright:
                half = mark.width / 2
                yield from (tuple(x - half for x in mark.x), tuple(x + half for x in mark.x))
            else:
                yield from (mark.values, mark.base)
        case Rule():
            yield () if mark.vertical == upright else (mark.at,)
