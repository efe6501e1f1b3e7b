"""Small charts of several metrics beside each other and below each other: where they stand, and their lines. Pure."""

from collections.abc import Sequence
from math import ceil

from msgspec import Struct

from cqltui.ui.chart.draw import Memo, Picture, draw
from cqltui.ui.chart.legend import role, value_at
from cqltui.ui.chart.model import Chart, Options
from cqltui.ui.line import Line, Span, clip, width

LEAST_CELLS, LEAST_ROWS = 28, 6
"""Of a chart with its title."""
ASPECT = 5
"""A chart is as wide as so many of its rows, if it can be."""
GAP = 2
SHORT = {"training": "train ", "validation": "val "}


class Tile(Struct, frozen=True):
    """A place for a chart: first cell and row, cells and rows."""

    x: int
    y: int
    cells: int
    rows: int

    def holds(self, x: int, y: int) -> bool:
        """Return whether a point lies in it."""
        return self.x <= x < self.x + self.cells and self.y <= y < self.y + self.rows


def tiles(count: int, cells: int, rows: int) -> list[Tile]:
    """Return places for so many charts, row by row; fewer where there is no room for all, but one."""
    widest, highest = max(1, (cells + GAP) // (LEAST_CELLS + GAP)), max(1, rows // LEAST_ROWS)
    count = min(count, widest * highest)
    fitting = [columns for columns in range(1, widest + 1) if ceil(count / columns) <= highest]
    columns = max(fitting, key=lambda n: min((cells + GAP) // n - GAP, ASPECT * (rows // ceil(count / n))))
    below = ceil(count / columns)
    lefts = [(cells + GAP) * i // columns for i in range(columns + 1)]
    tops = [rows * i // below for i in range(below + 1)]
    return [
        Tile(lefts[x], tops[y], lefts[x + 1] - lefts[x] - GAP, tops[y + 1] - tops[y])
        for y, x in (divmod(i, columns) for i in range(count))
    ]


class Small(Struct, frozen=True):
    """A chart that is drawn: which of all, where, and its picture."""

    place: int
    tile: Tile
    picture: Picture


def draw_many(
    charts: Sequence[tuple[str, Chart]], current: int, cells: int, rows: int, options: Options, memos: Sequence[Memo]
) -> tuple[list[Line], list[Small]]:
    """Return the lines, and what is drawn: as many of the charts as there is room for, the current one among them.
    `memos`: of each chart's pictures before."""
    room = tiles(len(charts), cells, rows)
    first = current // len(room) * len(room)
    drawn: list[Small] = []
    for tile, place in zip(room, range(first, len(charts)), strict=False):
        _, chart = charts[place]
        drawn.append(Small(place, tile, draw(chart, tile.cells, tile.rows - 1, options, memos[place], bare=True)))
    lines: list[list[Span]] = [[] for _ in range(rows)]
    for small in drawn:
        name, chart = charts[small.place]
        head = _head(name, chart, options.epoch, small.tile.cells, chosen=small.place == current)
        below = small.picture.lines[: small.tile.rows - 1]
        if small.picture.x is None:  # words
            below = tuple(tuple((clip(text, small.tile.cells), its) for text, its in line) for line in below)
        for y, line in enumerate((head, *below), small.tile.y):
            gap = small.tile.x - width(tuple(lines[y]))
            lines[y] += [(" " * gap, "text"), *line] if gap else line
    return [tuple(line) for line in lines], drawn


def _head(name: str, chart: Chart, epoch: float | None, cells: int, *, chosen: bool) -> Line:
    """Return the name and the values, each in its curve's colour, as far as there is room."""
    spans: list[Span] = [("▸ " if chosen else "  ", "strong"), (name, "strong" if chosen else "text")]
    if chart.band is not None:
        spans.append((f"  {value_at(chart.band.middle, epoch)}", role(0)))
    for each in chart.series if chart.band is None else ():
        which = f"{each.number} " if each.number else SHORT.get(each.name, "") if len(chart.series) > 1 else ""
        spans.append((f"  {which}{value_at(each.curve, epoch)}", role(each.style)))
    line: list[Span] = []
    for text, its in spans:
        room = cells - width(tuple(line))
        if room < 2:
            break
        line.append((clip(text, room), its))
    return tuple(line)


def showing_at(drawn: Sequence[Small], x: int, y: int) -> Small | None:
    """Return the chart at a point."""
    return next((small for small in drawn if small.tile.holds(x, y)), None)


def epoch_in(small: Small, x: int) -> float | None:
    """Return the epoch at a cell of a line."""
    return small.picture.epoch(x - small.tile.x)
