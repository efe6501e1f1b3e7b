"""Where values and epochs lie on a grid of dots, and which part of the epochs is seen."""

import math

from msgspec import Struct

from cqltui.report.braille import ACROSS, DOWN
from cqltui.report.scales import linear, logarithmic, short

LEAST_EPOCHS = 4.0
"""That a window shows: more cannot be told apart."""
ROWS_PER_TICK, CELLS_PER_TICK = 3, 12


class Scale(Struct, frozen=True):
    """An axis of so many dots between two ends."""

    low: float
    high: float
    dots: int
    log: bool = False

    def dot(self, value: float) -> float:
        """Return where a value lies: 0 is the low end, `dots` - 1 the high one."""
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:  # halves: the ends may be further apart than a number can tell
            share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return share * (self.dots - 1)

    def value(self, dot: float) -> float:
        """Return what lies there."""
        share = dot / max(1, self.dots - 1)
        if self.log:
            return self.low * math.exp(share * math.log(self.high / self.low))
        return self.low * (1 - share) + self.high * share


def scale(low: float, high: float, dots: int, *, log: bool = False) -> Scale:
    """Return a scale over these values, wider where they are one."""
    if log:
        if not high / low > 1 + 1e-9:
            low, high = low / 1.1, high * 1.1
    elif not high / 2 - low / 2 > 1e-9 * max(abs(high), abs(low), 1e-290):
        around = abs(high) * 0.05 or 1.0
        low, high = low - around, high + around
    return Scale(low, high, dots, log)


def value_ticks(axis: Scale) -> dict[int, tuple[int, str]]:
    """Return the ticks of a vertical axis: row of characters from the top -> dot from the top, text."""
    rows = axis.dots // DOWN
    found: dict[int, tuple[int, str]] = {}
    for most in range(max(2, rows // ROWS_PER_TICK), rows + 3):
        for value in (logarithmic if axis.log else linear)(axis.low, axis.high, most):
            dot = axis.dots - 1 - round(axis.dot(value))
            if 0 <= dot < axis.dots:
                found.setdefault(dot // DOWN, (dot, short(value)))
        if len(found) > 1:  # one tells nothing of a scale
            break
    return found


def epoch_ticks(axis: Scale) -> dict[int, str]:
    """Return the ticks of a horizontal axis: dot -> text. Epochs are whole."""
    cells = axis.dots // ACROSS
    values = linear(axis.low, axis.high, max(1, cells // CELLS_PER_TICK))
    return {round(axis.dot(value)): short(value) for value in values if value == int(value)}


class Window(Struct, frozen=True):
    """The epochs that are seen."""

    low: float
    high: float

    @property
    def span(self) -> float:
        """Return how many there are."""
        return self.high - self.low


def zoomed(seen: Window, whole: Window, factor: float, around: float) -> Window | None:
    """Return the window after zooming in by `factor` (out, below 1), an epoch staying where it is; None for all."""
    span = max(seen.span / factor, min(LEAST_EPOCHS, whole.span))
    if span >= whole.span:
        return None
    around = min(max(around, seen.low), seen.high)
    low = around - (around - seen.low) * span / (seen.span or 1.0)
    return within(Window(low, low + span), whole)


def within(window: Window, whole: Window) -> Window:
    """Return the window, moved as little as keeps it inside of what there is; if it is larger, all there is."""
    if window.span >= whole.span:
        return whole
    low = min(max(window.low, whole.low), whole.high - window.span)
    return Window(low, low + window.span)


def showing(window: Window, epoch: float) -> Window:
    """Return the window, moved as little as shows the epoch."""
    by = min(0.0, epoch - window.low) + max(0.0, epoch - window.high)
    return Window(window.low + by, window.high + by) if by else window
