"""Figures of a report as characters: Braille in colors, or a letter a mark where either is not to be had."""

import math
import string
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from msgspec import Struct
from rich.text import Text

from cqltui.report.braille import ACROSS, DOWN, Canvas, character
from cqltui.report.figure import Axis, Band, Bars, Line, Mark, Panel, Points, Rule

STYLES = ("blue", "yellow", "green", "magenta", "cyan", "red", "white")
"""By the place in the palette."""
LETTERS = string.ascii_lowercase + string.ascii_uppercase
ROWS = 10
SMALLEST = 8
"""Columns below which nothing is drawn."""
DASH = 4
"""A dashed line has one dot in so many."""
NAMED = 8
"""Marks that the legend names."""


class Scale(Struct, frozen=True):
    """Values of an axis to dots."""

    low: float
    high: float
    dots: int
    log: bool

    def dot(self, value: float) -> int | None:
        """Return the dot of a value; None if it has none."""
        at = self._at(value)
        if not math.isfinite(at):
            return None
        low, high = self._at(self.low), self._at(self.high)
        share = (at - low) / (high - low) if high > low else 0.5
        return round(share * (self.dots - 1)) if -1 <= share <= 2 else None

    def _at(self, value: float) -> float:
        if not self.log:
            return value
        return math.log(value) if value > 0 else math.nan


def plot(panel: Panel, width: int, *, braille: bool, colors: bool) -> list[Text]:
    """Return the panel as lines of at most `width` characters. Without Braille or colors a mark is a letter."""
    marks = [mark for mark in panel.marks if _points(mark)]
    xs, ys = ([value for mark in marks for value in _values(mark, place)] for place in (0, 1))
    x_low, x_high = _ends(panel.x, xs)
    y_low, y_high = _ends(panel.y, ys)
    names = [shown(panel.y, y_high), shown(panel.y, y_low)]
    if panel.y.categories:
        names.reverse()
    margin = max(map(len, names))
    cells = width - margin - 1
    if not marks or cells < SMALLEST or not all(map(math.isfinite, (x_low, x_high, y_low, y_high))):
        return [Text("nothing to draw")]
    x_scale = Scale(x_low, x_high, cells * ACROSS, panel.x.scale == "log")
    y_scale = Scale(y_low, y_high, ROWS * DOWN, panel.y.scale == "log")
    drawn = [_drawn(panel, mark, x_scale, y_scale, cells) for mark in marks]
    known = [*{_label(mark): mark for mark in reversed(marks) if _label(mark)}.values()][::-1]
    letters = not braille or (not colors and len(known) > 1)
    lines = []
    for row in range(ROWS):
        line = Text(
            (names[0] if row == 0 else names[1] if row == ROWS - 1 else "").rjust(margin) + (" " if braille else "|")
        )
        for cell in range(cells):
            line.append_text(_cell(marks, known, [its.bits(cell, row) for its in drawn], letters))
        lines.append(line)
    left, right = shown(panel.x, x_low), shown(panel.x, x_high)
    label = panel.x.label
    room = cells - len(left) - len(right) - 2
    middle = label if len(label) <= room else ""
    lines.append(Text(" " * (margin + 1) + left + middle.center(cells - len(left) - len(right)) + right, style="dim"))
    return [*lines, *_legend(known, panel.y, letters, width)]


def shown(axis: Axis, value: float) -> str:
    """Return a value of the axis for people."""
    if axis.categories:
        place = round(value)
        return axis.categories[place] if 0 <= place < len(axis.categories) else ""
    if axis.format == "percent":
        return f"{100 * value:.3g} %"
    if axis.format == "time":
        return datetime.fromtimestamp(value, UTC).strftime("%d %H:%M")
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _drawn(panel: Panel, mark: Mark, x_scale: Scale, y_scale: Scale, cells: int) -> Canvas:
    canvas = Canvas(cells, ROWS)
    reads_down = bool(panel.y.categories)

    def at(x: float, y: float) -> tuple[int, int] | None:
        column, row = x_scale.dot(x), y_scale.dot(y)
        if column is None or row is None:
            return None
        return column, row if reads_down else canvas.height - 1 - row

    for start, end, every in _strokes(mark, x_scale, y_scale):
        if (first := at(*start)) is not None and (last := at(*end)) is not None:
            canvas.stroke(first, last, every=every)
    return canvas


Point = tuple[float, float]


def _strokes(mark: Mark, x_scale: Scale, y_scale: Scale) -> Iterator[tuple[Point, Point, int]]:
    """Yield the straight lines of a mark: from, to, and of how many dots one is set."""
    if isinstance(mark, Line):
        points = [*zip(mark.x, mark.y, strict=True)]
        every = 1 if mark.style == "solid" else DASH
        yield from ((point, point, 1) for point in points[:1])
        for one, other in pairwise(points):
            turn = (other[0], one[1]) if mark.steps else one
            if mark.steps:
                yield one, turn, every
            yield turn, other, every
    elif isinstance(mark, Band):
        for side in (mark.low, mark.high):
            yield from ((*pair, DASH) for pair in pairwise(zip(mark.x, side, strict=True)))
    elif isinstance(mark, Points):
        for x, y in zip(mark.x, mark.y, strict=True):
            yield (x, y), (x, y), 1
        for x, y, low, high in zip(mark.x, mark.y, mark.low, mark.high, strict=False):
            yield ((low, y), (high, y), 2) if mark.across else ((x, low), (x, high), 2)
    elif isinstance(mark, Bars):
        for x, base, value in zip(mark.x, mark.base or (0.0,) * len(mark.x), mark.values, strict=True):
            yield ((base, x), (value, x), 1) if mark.across else ((x, base), (x, value), 1)
    elif mark.vertical:
        yield (mark.at, y_scale.low), (mark.at, y_scale.high), DASH
    else:
        yield (x_scale.low, mark.at), (x_scale.high, mark.at), DASH


def _points(mark: Mark) -> bool:
    return isinstance(mark, Rule) or bool(mark.x)


def _values(mark: Mark, place: int) -> Iterable[float]:
    """Return what the mark needs room for, on the axis of x (0) or y (1)."""
    if isinstance(mark, Rule):
        return (mark.at,) if mark.vertical == (place == 0) else ()
    if isinstance(mark, Bars):
        ends = (*mark.values, *(mark.base or (0.0,)))
        return ends if mark.across == (place == 0) else mark.x
    if isinstance(mark, Band):
        return mark.x if place == 0 else (*mark.low, *mark.high)
    both = mark.x if place == 0 else mark.y
    if isinstance(mark, Points) and mark.across == (place == 0):
        return (*both, *mark.low, *mark.high)
    return both


def _ends(axis: Axis, values: Sequence[float]) -> tuple[float, float]:
    log = axis.scale == "log"
    known = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    known += [float(place) for place in range(len(axis.categories))]
    low = axis.low if axis.low is not None else min(known, default=math.nan)
    high = axis.high if axis.high is not None else max(known, default=math.nan)
    return low, high


def _label(mark: Mark) -> str:
    """Return the mark's name in the legend, which others of its group have too; empty for what is in none."""
    if isinstance(mark, Line) and mark.faint:
        return mark.group
    return "" if isinstance(mark, Band | Rule) else mark.label


def _style(mark: Mark) -> str:
    if isinstance(mark, Rule):
        return "dim"
    is_behind = isinstance(mark, Band) or (isinstance(mark, Line) and mark.faint)
    return f"{'dim ' if is_behind else ''}{STYLES[mark.color % len(STYLES)]}"


def _letter(mark: Mark, known: Sequence[Mark]) -> str:
    places = [place for place, other in enumerate(known) if _label(other) == _label(mark)]
    return LETTERS[places[0] % len(LETTERS)] if places else "-" if isinstance(mark, Rule) else "."


def _cell(marks: Sequence[Mark], known: Sequence[Mark], bits: Sequence[int], letters: bool) -> Text:
    there = [place for place, its in enumerate(bits) if its]
    if not there:
        return Text(" ")
    top = max(there, key=lambda place: (bool(_label(marks[place])), place))
    if letters:
        return Text(_letter(marks[top], known), style=_style(marks[top]))
    together = 0
    for place in there:
        together |= bits[place]
    return Text(character(together), style=_style(marks[top]))


def _legend(known: Sequence[Mark], axis: Axis, letters: bool, width: int) -> Iterator[Text]:
    for mark in known[:NAMED]:
        sign = _letter(mark, known) if letters else "\N{BRAILLE PATTERN DOTS-25}"
        values = mark.y if isinstance(mark, Line) and not mark.faint else ()
        last = next((y for y in reversed(values) if math.isfinite(y)), None)
        end = "" if last is None else f"  {shown(axis, last)}"
        line = Text.assemble((sign, _style(mark)), f" {_label(mark)}{end}")
        line.truncate(width, overflow="ellipsis")
        yield line
    if len(known) > NAMED:
        yield Text(f"and {len(known) - NAMED} more", style="dim")
