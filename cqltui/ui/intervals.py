"""Intervals over a common axis, in characters. Pure."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from msgspec import Struct

from cqltui.judging.told import Interval
from cqltui.ui.line import Line

NICE = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)
"""How far an axis may reach to either side of its middle."""
BELOW, ABOVE = "◂", "▸"
"""What lies beyond the axis, on either side."""


class Axis(Struct, frozen=True):
    """From `middle` - `reach` to `middle` + `reach`, over so many cells."""

    middle: float
    reach: float
    cells: int

    def cell(self, value: float) -> int:
        """Return where a value lies; below 0, or `cells`, where it is beyond the end."""
        share = (value - self.middle) / self.reach
        if share < -1.0001:
            return -1
        return self.cells if share > 1.0001 else round((share + 1) / 2 * (self.cells - 1))


def axis(intervals: Iterable[Interval], middle: float, cells: int) -> Axis:
    """Return an axis around a middle on which these intervals have room, as far as one reaches."""
    ends = [end for one in intervals for end in (one.value, one.lower, one.upper) if end is not None]
    furthest = max((abs(end - middle) for end in ends if math.isfinite(end)), default=0.0)
    return Axis(middle, next((reach for reach in NICE if reach >= furthest), NICE[-1]), max(cells - 1 + cells % 2, 1))


def bar(found: Interval, along: Axis, mark: float | None, role: str) -> Line:
    """Return an interval `├──●──┤`, and where the `mark` is a line, which shows through."""
    drawn: list[tuple[str, str]] = [(" ", "text")] * along.cells
    at = along.cell(mark) if mark is not None else -1
    if 0 <= at < along.cells:
        drawn[at] = ("│", "dim")
    if found.lower is not None and found.upper is not None and found.lower <= found.upper:
        first, last = along.cell(found.lower), along.cell(found.upper)
        if mark is not None:  # what does not reach the line is not drawn on it
            first += found.lower > mark and first == at
            last -= found.upper < mark and last == at
        for place in range(max(first, 0), min(last, along.cells - 1) + 1):
            drawn[place] = ("┼" if place == at else "─", role)
        for place, sign in ((first, "├"), (last, "┤")):
            if 0 <= place < along.cells:
                drawn[place] = (sign, role)
        if first < 0 and last >= 0:
            drawn[0] = (BELOW, role)
        if last >= along.cells > first:
            drawn[-1] = (ABOVE, role)
    if found.value is not None:
        place = along.cell(found.value)
        if 0 <= place < along.cells:
            drawn[place] = ("●", role)
        else:
            drawn[0 if place < 0 else -1] = (BELOW if place < 0 else ABOVE, role)
    return joined_cells(drawn)


def scale_line(along: Axis, signed: bool) -> str:
    """Return the ends and the middle of an axis in percent, where they lie."""
    form = "{:+.0f} %" if signed else "{:.0f} %"
    low, high = (form.format(100 * (along.middle + end * along.reach)) for end in (-1, 1))
    middle = "0" if signed and not along.middle else form.format(100 * along.middle)
    if len(low) + len(middle) + len(high) + 2 > along.cells:
        return middle.center(along.cells)[: along.cells]
    text = [" "] * along.cells
    start = (along.cells - len(middle) + (len(middle) % 2 == 0)) // 2
    for place, part in ((0, low), (start, middle), (along.cells - len(high), high)):
        text[place : place + len(part)] = part
    return "".join(text)


def joined_cells(drawn: Sequence[tuple[str, str]]) -> Line:
    """Return cells of (character, role) as a line, cells of one role together."""
    return tuple(("".join(char for char, _ in run), role) for role, run in groupby(drawn, key=lambda cell: cell[1]))
