"""Curves in words, for a screen that is read out. Pure."""

from collections.abc import Sequence

from cqltui.ui import format as fmt
from cqltui.ui.line import Line

TOLD = 10
"""Points of a curve that are told."""
STEADY = 0.005
"""A change below this share over the last third is none."""


def curve_words(curve: Sequence[tuple[float, float]], name: str = "Loss") -> list[Line]:
    """Return where a curve is, its lowest point, how it goes, and some of its points, the newest first.

    `curve`: (epoch, value), by epoch.
    """
    if not curve:
        return [((f"No {name.lower()} yet.", "dim"),)]
    (epoch, value), (at, lowest) = curve[-1], min(curve, key=lambda point: (point[1], point[0]))
    earlier = curve[(len(curve) - 1) * 2 // 3][1]
    change = (value - earlier) / abs(earlier) if earlier else 0.0
    goes = "steady" if abs(change) < STEADY else "falling" if change < 0 else "rising"
    step = max(1, -(-len(curve) // TOLD))
    return [
        ((f"{name} {fmt.number(value)} at epoch {fmt.count(epoch)}, {goes}.", "text"),),
        ((f"Lowest {fmt.number(lowest)} at epoch {fmt.count(at)}.", "text"),),
        *(((f"Epoch {fmt.count(x)}: {fmt.number(y)}", "text"),) for x, y in list(curve)[::-1][::step]),
    ]
