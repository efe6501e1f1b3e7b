"""What a chart shows, and how it is wanted."""

import math
from collections.abc import Iterator

from msgspec import Struct

from cqltui.state.curve import Band, Curve
from cqltui.ui.chart.scale import Window

FACTORS = (0.0, 0.6, 0.9, 0.97)
"""Strengths of smoothing: what an epoch keeps of the average before it."""
LINES = 8
"""Curves over each other; of more the first are drawn."""


class Series(Struct, frozen=True):
    """A curve with what the legend says of it."""

    name: str
    curve: Curve
    style: int = 0
    """Its place among patterns and colours."""
    number: int = 0
    """Stands at its end, and before its name; 0: none."""


class Chart(Struct, frozen=True):
    """Curves of one metric."""

    series: tuple[Series, ...] = ()
    band: Band | None = None
    """Drawn in place of the series."""
    loss: bool = True
    """Whether a logarithmic scale is what one expects."""
    baseline: float | None = None
    best: tuple[int, float, str] | None = None
    """Epoch, value in this chart, and what is said of it."""
    notes: tuple[str, ...] = ()
    """What is not drawn, and why."""

    def curves(self) -> Iterator[Curve]:
        """Yield all that is drawn."""
        if self.band is not None:
            yield from (self.band.low, self.band.middle, self.band.high)
        else:
            yield from (each.curve for each in self.series)

    @property
    def whole(self) -> Window | None:
        """The epochs that there are; None without two."""
        ends = [(line.epochs[0], line.epochs[-1]) for line in self.curves() if len(line)]
        low, high = min((a for a, _ in ends), default=0), max((b for _, b in ends), default=0)
        return Window(low, high) if high > low else None

    @property
    def longest(self) -> Curve:
        """The curve with most points, by whose epochs values are read."""
        return max(self.curves(), key=len, default=Curve())

    @property
    def unknown(self) -> int:
        """Values that are infinite or no numbers."""
        return sum(line.unknown for line in self.curves())

    def positive(self) -> bool:
        """Return whether all values, the baseline included, have a place on a logarithmic scale."""
        lows = [min(line.values) for line in self.curves() if len(line) and not line.unknown]
        lows += [
            min((v for v in line.values if math.isfinite(v)), default=1.0) for line in self.curves() if line.unknown
        ]
        return all(low > 0 for low in lows) and (self.baseline is None or self.baseline > 0)


class Options(Struct, frozen=True):
    """How a chart is wanted."""

    log: bool | None = None
    """None: where the metric is a loss."""
    grid: bool = False
    smoothing: int = 0
    """Which of `FACTORS`."""
    window: Window | None = None
    """None: all epochs."""
    epoch: float | None = None
    """Where values are read; None: at each curve's end."""

    @property
    def factor(self) -> float:
        """The smoothing's factor; 0: none."""
        return FACTORS[self.smoothing % len(FACTORS)]
