"""Lines as dots of Braille characters, one layer a line."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise

from cqltui.report.braille import ACROSS, DOTS, DOWN
from cqltui.state.curve import Curve
from cqltui.ui.chart.scale import Scale

PATTERNS = ("1", "100", "11111000", "1111100100", "10000", "1111111111000", "101000", "1110000")
"""Which dots of a line are seen, by column, so that lines are told apart without colour."""
SOLID, DOTTED = 0, 1
SAMPLE_CELLS = 5
FAR = 100_000.0
"""Dots beyond the picture, at which a point that lies further off is drawn."""
Run = tuple[int, int, int]
"""Dots of a column, from the top: column, first, last."""
Layer = dict[int, int]
"""Place of a character (row * cells + cell) -> its dots."""
_PIECES = tuple(
    tuple(tuple(sum(column[first : last + 1]) for last in range(DOWN)) for first in range(DOWN)) for column in DOTS
)
"""By column, first and last row: the dots from the one to the other."""


def trace(line: Curve, x: Scale, y: Scale) -> list[Run]:
    """Return the dots of a curve, column by column; gaps stay free. What is beyond the ends of `x` is left out, with
    the line to the next point outside cut off there."""
    runs: list[Run] = []
    for begin, end in line.stretches():
        first = max(begin, bisect_left(line.epochs, x.low, begin, end) - 1)
        last = min(end, bisect_right(line.epochs, x.high, begin, end) + 1)
        if first < last:
            items = _columns if last - first > 2 * x.dots else _points
            _join(items(line, first, last, x, y), x.dots, runs)
    return runs


def _heights(values: Iterable[float], y: Scale) -> list[int]:
    """Return the dots from the top to each value."""
    top = y.dots - 1
    if y.log:
        log, per = math.log, top / math.log(y.high / y.low)
        high = top + log(y.low) * per
        return [round(high - log(value) * per) for value in values]
    return [round(min(max(top - y.dot(value), -FAR), FAR)) for value in values]


def _points(line: Curve, first: int, last: int, x: Scale, y: Scale) -> Iterable[Run]:
    heights = _heights(line.values[first:last], y)
    return zip(map(round, map(x.dot, line.epochs[first:last])), heights, heights, strict=True)


def _columns(line: Curve, first: int, last: int, x: Scale, y: Scale) -> Iterable[Run]:
    """Return how far the many points of each column reach."""
    epochs, values, per = line.epochs, line.values, (x.high - x.low) / (x.dots - 1)
    edges = [x.low + (column + 0.5) * per for column in range(-1, x.dots)]
    if epochs[last - 1] - epochs[first] == last - 1 - first:  # each epoch, as mostly
        before = first + 1 - epochs[first]
        ends = [min(max(math.floor(edge) + before, first), last) for edge in edges]
    else:
        ends = [bisect_right(epochs, edge, first, last) for edge in edges]
    pieces = [(column, values[a:b]) for column, (a, b) in enumerate(pairwise((first, *ends, last)), -1) if a < b]
    tops, bottoms = _heights([max(piece) for _, piece in pieces], y), _heights([min(piece) for _, piece in pieces], y)
    return zip([column for column, _ in pieces], tops, bottoms, strict=True)


def _join(items: Iterable[Run], dots: int, runs: list[Run]) -> None:
    """Add each column of a line, as far as it takes to meet the one before, and what lies between two."""
    left, above, below = dots, 0, 0
    for column, first, last in items:
        top, bottom = first, last
        if column > left and (column > left + 1 or first > below or last < above):
            start, goal = (below, first) if first > below else (above, last) if last < above else (first, first)
            slope = (goal - start) / (column - left)
            here = max(left + 1, 0)
            previous = round(start + slope * (here - 1 - left))
            for place in range(here, min(column, dots - 1) + 1):
                now = round(start + slope * (place - left))
                low, high = (previous + 1, now) if now > previous else (now, max(now, previous - 1))
                if place == column:
                    top, bottom = min(top, low), max(bottom, high)
                else:
                    runs.append((place, low, high))
                previous = now
        if 0 <= column < dots:
            runs.append((column, top, bottom))
        left, above, below = column, first, last


def paint(layer: Layer, runs: Iterable[Run], cells: int, rows: int, pattern: str = "1") -> None:
    """Set the dots of the runs that the pattern shows; those outside of the picture are not seen."""
    solid, period, lowest = pattern == "1", len(pattern), rows * DOWN - 1
    known = layer.get
    for x, first, last in runs:
        if not solid and pattern[x % period] == "0":
            continue
        top, bottom = max(first, 0), min(last, lowest)
        if top > bottom:
            continue
        column, place = _PIECES[x % ACROSS], top // DOWN * cells + x // ACROSS
        end = bottom // DOWN * cells + x // ACROSS
        begin = top % DOWN
        while place < end:
            layer[place] = known(place, 0) | column[begin][DOWN - 1]
            begin = 0
            place += cells
        layer[place] = known(place, 0) | column[begin][bottom % DOWN]


def shade(low: list[Run], high: list[Run]) -> Iterator[Run]:
    """Yield every other dot between two lines, like a chessboard."""
    tops: dict[int, int] = {}
    for x, first, _ in high:
        tops[x] = min(first, tops.get(x, first))
    bottoms: dict[int, int] = {}
    for x, _, last in low:
        bottoms[x] = max(last, bottoms.get(x, last))
    for x in tops.keys() & bottoms.keys():
        top, bottom = max(tops[x], -1), min(bottoms[x], 4_096)
        for y in range(top + (top + x) % 2, bottom + 1, 2):
            yield x, y, y


def sample(pattern: str) -> str:
    """Return a piece of a line for a legend, with its gap in the middle."""
    layer: Layer = {}
    shifted = pattern[len(pattern) // 2 :] + pattern[: len(pattern) // 2]
    paint(layer, ((x, 2, 2) for x in range(SAMPLE_CELLS * ACROSS)), SAMPLE_CELLS, 1, shifted)
    return "".join(chr(0x2800 + layer.get(cell, 0)) for cell in range(SAMPLE_CELLS))
