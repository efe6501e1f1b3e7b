"""A chart as lines of text: axes, curves, legend."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from cqltui.report.braille import ACROSS, DOWN
from cqltui.state.curve import Curve, smoothed
from cqltui.ui import format as fmt
from cqltui.ui.chart.dots import PATTERNS, SOLID, Layer, Run, paint, shade, trace
from cqltui.ui.chart.legend import BEST, legend, role
from cqltui.ui.chart.model import Chart, Options
from cqltui.ui.chart.scale import Scale, Window, epoch_ticks, scale, value_ticks, within
from cqltui.ui.line import Line, Span, wrapped

LEAST_CELLS, LEAST_ROWS = 24, 4
AXIS_ROWS = 8
"""From so many rows on the axis of the epochs has a line of its own."""
LEGEND_SHARE = 5
"""The legend has one row in so many."""
RAW = 3
"""Curves of which the values show behind their averages: more would hide one another."""
BLANK = 0x2800
GRID_EVERY = 4
"""Dots between those of a line of the grid."""
Cells = dict[int, tuple[str, str]]
"""Place of a character (row * cells + cell) -> it and its role."""


class Picture(Struct, frozen=True):
    """A chart that is drawn, with what tells where a place of it lies."""

    lines: tuple[Line, ...]
    log: bool = False
    refused: bool = False
    """Whether a logarithmic scale was wanted, and there are values without a place on it."""
    left: int = 0
    """Cells before the curves."""
    x: Scale | None = None
    """None where nothing is drawn."""

    def epoch(self, cell: int) -> float | None:
        """Return the epoch at a cell of a line; None beside the curves."""
        if self.x is None or not 0 <= cell - self.left < self.x.dots // ACROSS:
            return None
        return min(max(self.x.value((cell - self.left) * ACROSS + 0.5), self.x.low), self.x.high)

    @property
    def step(self) -> float:
        """Epochs from one cell to the next, at least one."""
        return max(1.0, (self.x.high - self.x.low) / max(1, self.x.dots // ACROSS - 1)) if self.x else 1.0


class Memo:
    """The dots of curves from one picture to the next, in which most of them are the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], list[Run]] = {}
        self._used: dict[tuple[object, ...], list[Run]] = {}

    def trace(self, line: Curve, factor: float, x: Scale, y: Scale) -> list[Run]:
        """Return the dots of a curve that is smoothed."""
        key = line, factor, x, y
        runs = self._used.get(key) or self._known.get(key)
        if runs is None:
            runs = trace(smoothed(line, factor), x, y)
        self._used[key] = runs
        return runs

    def swap(self) -> None:
        """Forget what the last picture did not use."""
        self._known, self._used = self._used, {}


def draw(
    chart: Chart, cells: int, rows: int, options: Options, memo: Memo | None = None, *, bare: bool = False
) -> Picture:
    """Return the picture in `cells` by `rows`. `memo`: of the pictures before; `bare`: without the legend."""
    whole = chart.whole
    if whole is None:
        notes = chart.notes or ("The curve appears after two epochs.",)
        return Picture((*(((part, "dim"),) for note in notes for part in wrapped(note, max(cells, 1))),))
    if cells < LEAST_CELLS or rows < LEAST_ROWS:
        return Picture(((("The curves need more room.", "dim"),),))
    seen = whole if options.window is None else within(options.window, whole)
    wanted = chart.loss if options.log is None else options.log
    log = wanted and chart.positive()
    low, high = _value_ends(chart, seen, log)
    below = [] if bare else legend(chart, options.epoch, (low, high), cells, max(1, rows // LEGEND_SHARE))
    plot_rows = rows - len(below) - (2 if rows >= AXIS_ROWS else 1)
    y = scale(low, high, plot_rows * DOWN, log=log)
    ticks = value_ticks(y)
    left = max((len(text) for _, text in ticks.values()), default=0) + 1  # the axis itself
    x = Scale(seen.low, seen.high, (cells - left) * ACROSS)
    marks = epoch_ticks(x)
    memo = memo or Memo()
    plot = _Plot(chart, options, x, y, plot_rows, memo)
    if options.grid:
        plot.grid([dot for dot, _ in ticks.values()], list(marks))
    plot.curves()
    memo.swap()
    lines = [*_plot_lines(plot, ticks), *_epoch_lines(marks, plot.cells, left, axis=rows >= AXIS_ROWS)]
    return Picture((*lines, *below), log, wanted and not log, left, x)


def _value_ends(chart: Chart, seen: Window, log: bool) -> tuple[float, float]:
    """Return the lowest and the highest of the values that are seen; the baseline is, unless it is so far off that
    the curves would have less than half of the height."""
    lows: list[float] = []
    highs: list[float] = []
    for line in chart.curves():
        part = line.values[bisect_left(line.epochs, seen.low) : bisect_right(line.epochs, seen.high)]
        if line.unknown:
            part = [value for value in part if math.isfinite(value)]
        if len(part):
            lows.append(min(part))
            highs.append(max(part))
    low, high = min(lows, default=1.0), max(highs, default=1.0)
    if chart.baseline is None:
        return low, high
    with_it = min(low, chart.baseline), max(high, chart.baseline)
    return with_it if -1 <= scale(low, high, 2, log=log).dot(chart.baseline) <= 2 else (low, high)


class _Plot:
    """The characters between the axes."""

    def __init__(self, chart: Chart, options: Options, x: Scale, y: Scale, rows: int, memo: Memo) -> None:
        self.cells, self.rows = x.dots // ACROSS, rows
        self.placed: Cells = {}
        """What comes later lies above."""
        self._chart, self._options, self._x, self._y, self._memo = chart, options, x, y, memo

    def grid(self, heights: Sequence[int], columns: Sequence[int]) -> None:
        """Place lines at the ticks."""
        level = ((x, height, height) for height in heights for x in range(0, self._x.dots, GRID_EVERY))
        upright = ((x, height, height) for x in columns for height in range(0, self.rows * DOWN, GRID_EVERY))
        self._put(self._painted([*level, *upright]), "faint")

    def curves(self) -> None:
        """Place everything else."""
        chart, factor = self._chart, self._options.factor
        drawn: list[tuple[list[Run], int]] = []
        if chart.band is not None:
            low, middle, high = (self._trace(line, factor) for line in chart.curves())
            self._put(self._painted(shade(low, high)), "dim")
            drawn.append((middle, SOLID))
        else:
            drawn += [(self._trace(each.curve, factor), each.style) for each in chart.series]
        self._reading_line()
        if factor and chart.band is None and len(chart.series) <= RAW:
            for each in chart.series:
                self._put(self._painted(self._trace(each.curve)), "faint")
        self._baseline()
        self._lines(drawn)
        taken = set(self.placed)
        self._numbers()
        if chart.best is not None:
            self._best(*chart.best[:2])
        self._baseline_label(taken)

    def _trace(self, line: Curve, factor: float = 0.0) -> list[Run]:
        return self._memo.trace(line, factor, self._x, self._y)

    def _painted(self, runs: Iterable[Run], style: int = SOLID) -> Layer:
        layer: Layer = {}
        paint(layer, runs, self.cells, self.rows, PATTERNS[style % len(PATTERNS)])
        return layer

    def _put(self, layer: Mapping[int, int], its: str) -> None:
        self.placed |= {place: (chr(BLANK + bits), its) for place, bits in layer.items()}

    def _lines(self, drawn: Sequence[tuple[list[Run], int]]) -> None:
        """Place the curves: a character that several go through has the dots of all, in the first one's colour."""
        bits: Layer = {}
        owner: dict[int, int] = {}
        for runs, style in reversed(drawn):
            for place, its in self._painted(runs, style).items():
                bits[place] = bits.get(place, 0) | its
                owner[place] = style
        self.placed |= {place: (chr(BLANK + its), role(owner[place])) for place, its in bits.items()}

    def _place(self, epoch: float, value: float) -> tuple[int, int] | None:
        """Return the row and the cell of a point; None outside of the picture."""
        if not (self._x.low <= epoch <= self._x.high and self._y.low <= value <= self._y.high):
            return None
        return (self._y.dots - 1 - round(self._y.dot(value))) // DOWN, round(self._x.dot(epoch)) // ACROSS

    def _reading_line(self) -> None:
        epoch = self._options.epoch
        if epoch is not None and self._x.low <= epoch <= self._x.high:
            cell = round(self._x.dot(epoch)) // ACROSS
            self.placed |= {row * self.cells + cell: ("│", "strong") for row in range(self.rows)}

    def _baseline(self) -> None:
        value = self._chart.baseline
        if value is not None and self._place(self._x.low, value) is not None:
            height = self._y.dots - 1 - round(self._y.dot(value))
            self._put(self._painted((x, height, height) for x in range(self._x.dots) if x % 4 < 2), "paused")

    def _baseline_label(self, taken: set[int]) -> None:
        """Write the baseline's value beside it, where no curve is in the way."""
        value = self._chart.baseline
        if value is None or (place := self._place(self._x.low, value)) is None:
            return
        text = f" baseline {fmt.number(value)} "
        for row in (place[0] - 1, place[0] + 1):
            for cell in range(self.cells - len(text) - 1, -1, -4):
                begin = row * self.cells + cell
                if 0 <= row < self.rows and taken.isdisjoint(range(begin, begin + len(text))):
                    self.placed |= {begin + i: (character, "paused") for i, character in enumerate(text)}
                    return

    def _numbers(self) -> None:
        """Write each curve's number on it, near its end, none where another one stands."""
        factor = self._options.factor
        for series in self._chart.series:
            line = series.curve
            if not series.number or not len(line):
                continue
            end = round(self._x.dot(min(line.epochs[-1], self._x.high))) // ACROSS
            cell = max(end - 3 * series.number, 0)
            column = [run for run in self._trace(line, factor) if run[0] // ACROSS == cell]
            row = (column[0][1] + column[0][2]) // 2 // DOWN if column else -1
            if 0 <= row < self.rows:
                self.placed[row * self.cells + cell] = (f"{series.number}", role(series.style))

    def _best(self, epoch: int, value: float) -> None:
        if (place := self._place(epoch, value)) is not None:
            self.placed[place[0] * self.cells + place[1]] = (BEST, "done")


def _plot_lines(plot: _Plot, ticks: Mapping[int, tuple[int, str]]) -> list[Line]:
    """Return the rows between the axes, with the labels of the values."""
    left = max((len(text) for _, text in ticks.values()), default=0)
    rows: list[list[Span]] = []
    for row in range(plot.rows):
        text = ticks[row][1] if row in ticks else ""
        rows.append([(text.rjust(left), "dim"), ("┤" if text else "│", "faint")])
    ends = [row * plot.cells for row in range(plot.rows)]
    for place in sorted(plot.placed):
        row = place // plot.cells
        text, its = plot.placed[place]
        line, gap = rows[row], place - ends[row]
        before, last = line[-1]
        if its == last and len(line) > 2:
            line[-1] = (f"{before}{' ' * gap}{text}", its)
        else:
            line.append((" " * gap + text, its))
        ends[row] = place + 1
    return [tuple(line) for line in rows]


def _epoch_lines(marks: Mapping[int, str], cells: int, left: int, *, axis: bool) -> list[Line]:
    """Return the axis of the epochs, where there is room for it, and its labels, of which none covers another."""
    ticks = {dot // ACROSS: text for dot, text in marks.items()}
    rule = "".join("┬" if cell in ticks else "─" for cell in range(cells))
    labels = list("epoch".ljust(left + cells))
    free = len("epoch") + 1
    for cell, text in sorted(ticks.items()):
        begin = min(left + cell - len(text) // 2, left + cells - len(text))
        if begin >= free:
            labels[begin : begin + len(text)] = text
            free = begin + len(text) + 1
    line: Line = (("".join(labels), "dim"),)
    return [((" " * (left - 1) + "╰" + rule, "faint"),), line] if axis else [line]
