"""Curves in text, in one colour: a handful of characters costs a terminal far less than a drawn chart."""

import math
from collections.abc import Sequence
from itertools import pairwise

from cqltui.report.braille import Canvas

BLOCKS = "▁▂▃▄▅▆▇█"
Point = tuple[float, float]


def spark(values: Sequence[float], cells: int, zero: bool = False) -> str:
    """Return the values as `cells` block characters at most, the mean of each bucket; `zero` starts the scale at 0."""
    if not values or cells < 1:
        return ""
    n = min(cells, len(values))
    edges = [i * len(values) // n for i in range(n + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = (0.0 if zero else min(means)), max(means)
    span = high - low
    if span <= 0:
        return BLOCKS[0] * n
    return "".join(BLOCKS[round((mean - low) / span * (len(BLOCKS) - 1))] for mean in means)


def loss_values(losses: Sequence[float]) -> list[float]:
    """Logarithms where all losses are positive, the start cut off at the 90th percentile: so the tail still shows."""
    if not losses:
        return []
    ceiling = sorted(losses)[int(0.9 * (len(losses) - 1))]
    clipped = [min(loss, ceiling) for loss in losses]
    return [math.log(loss) for loss in clipped] if all(loss > 0 for loss in clipped) else clipped


def bar(fraction: float, cells: int) -> tuple[str, str]:
    """Return a bar: the filled part, and the rest, which is thinner: they are told apart without colours."""
    halves = round(min(max(fraction, 0.0), 1.0) * cells * 2)
    full, half = divmod(halves, 2)
    filled = "━" * full + "╸" * half
    return filled, "─" * (cells - len(filled))


class Plot:
    """A braille picture of curves over each other, `cells` by `rows` characters, with a log scale where it can be."""

    def __init__(self, cells: int, rows: int, curves: Sequence[Sequence[Point]]) -> None:
        self.cells, self.rows = max(cells, 1), max(rows, 1)
        points = [point for curve in curves for point in curve]
        self.log = bool(points) and all(y > 0 for _, y in points)
        xs = [x for x, _ in points] or [0.0]
        ys = [y for _, y in points] or [0.0]
        self.x_low, self.x_high = min(xs), max(xs)
        self.y_low, self.y_high = min(ys), max(ys)
        self._canvas = Canvas(self.cells, self.rows)
        for curve in curves:
            dots = [self._dot(point) for point in curve]
            for start, end in zip(dots, dots[1:] or dots, strict=False):
                self._canvas.stroke(start, end)

    def lines(self) -> list[str]:
        """Return the picture, top line first."""
        return self._canvas.lines()

    def _scale(self, y: float) -> float:
        return math.log(y) if self.log else y

    def _dot(self, point: Point) -> tuple[int, int]:
        x, y = point
        x_span = self.x_high - self.x_low
        low, high = self._scale(self.y_low), self._scale(self.y_high)
        column = (x - self.x_low) / x_span if x_span > 0 else 0.0
        height = (self._scale(y) - low) / (high - low) if high > low else 0.5
        return round(column * (self._canvas.width - 1)), round((1 - height) * (self._canvas.height - 1))
