"""What several figures are made of."""

from collections.abc import Sequence
from typing import Literal, TypeVar

import numpy as np

from cqltui.report.figure import Axis, Panel, Values
from cqltui.report.material import Curves, Floats
from cqltui.report.thinning import kept

MANY_EPOCHS = 100
"""From here on epochs are on a logarithmic axis: most happens at the beginning."""
WIDE = 30.0
"""Values above 0 of which the largest is so many times the smallest are on a logarithmic axis."""
DIVERGED = 1e4
"""Values so many times the median in size are outside of the axis."""
T = TypeVar("T")


def spaced(items: Sequence[T], most: int) -> list[T]:
    """Return at most so many of the items, evenly spaced, with the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]


def thinned(x: Floats, y: Floats, buckets: int, *, log: bool) -> tuple[Values, Values]:
    """Return those points of a line that are drawn (`cqltui.report.thinning`)."""
    places = kept(x, y, buckets, log=log)
    return tuple(x[places].tolist()), tuple(y[places].tolist())


def epoch_axis(curves: Sequence[Curves]) -> Axis:
    """Return the axis of epochs: logarithmic where there are many."""
    longest = max((float(curve.epochs[-1]) for curve in curves if len(curve.epochs)), default=0.0)
    return Axis("epoch", "log" if longest >= MANY_EPOCHS else "linear")


def value_scale(values: Sequence[float] | Floats) -> Literal["linear", "log"]:
    """Return "log" for values above 0 that are of very different size."""
    found = np.asarray(values, dtype=np.float64)
    found = found[np.isfinite(found)]
    return "log" if len(found) and found.min() > 0 and found.max() / WIDE > found.min() else "linear"


def bounds(values: Sequence[float] | Floats) -> tuple[float | None, float | None]:
    """Return where to end an axis at the bottom and at the top so that a run that diverged does not flatten all others;
    None where the data may say."""
    found = np.asarray(values, dtype=np.float64)
    found = found[np.isfinite(found)]
    limit = DIVERGED * float(np.median(abs(found))) if len(found) else 0.0
    within = found[abs(found) <= limit]
    if not len(within) or len(within) == len(found):
        return None, None
    return (
        float(within.min()) if found.min() < -limit else None,
        float(within.max()) if found.max() > limit else None,
    )


def value_axis(label: str, values: Sequence[float] | Floats, *, loss: bool) -> Axis:
    """Return the axis of a metric, logarithmic for losses of very different size."""
    low, high = bounds(values)
    found = np.asarray(values, dtype=np.float64)
    within = found[(found >= (-np.inf if low is None else low)) & (found <= (np.inf if high is None else high))]
    return Axis(label, value_scale(within) if loss else "linear", low=low, high=high)


def beyond(panels: Sequence[Panel]) -> str:
    """Return a sentence on what lies outside of the axes of `value_axis`, or nothing."""
    cut = [panel for panel in panels if panel.y.low is not None or panel.y.high is not None]
    return f" Values of more than {DIVERGED:,.0f} times the median in size lie outside of the axes." if cut else ""
