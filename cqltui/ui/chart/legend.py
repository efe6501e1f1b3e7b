"""The lines below a chart: what its curves are, and their values where it is read."""

import math

from msgspec import Struct

from cqltui.state.curve import Curve
from cqltui.ui import format as fmt
from cqltui.ui.chart.dots import PATTERNS, sample
from cqltui.ui.chart.model import Chart, Series
from cqltui.ui.line import Line, clip, width

GAP = 3
BEST = "◆"
BASELINE_SAMPLE = "╌╌"
BAND_SAMPLE = "⠪⠕⠪⠕⠪"


class _Level(Struct, frozen=True):
    """How much is said, where there is less room."""

    sample: int
    """Cells of a piece of the line."""
    name: int
    """Of a name."""
    all: bool = True
    """Whether more is said than what the curves are."""


_LEVELS = (_Level(5, 40), _Level(5, 20), _Level(3, 12), _Level(3, 10, all=False), _Level(2, 4, all=False))


def role(style: int) -> str:
    """Return the role of a curve."""
    return f"curve{style % len(PATTERNS) + 1}"


def legend(chart: Chart, epoch: float | None, ends: tuple[float, float], cells: int, most: int) -> list[Line]:
    """Return the legend in at most so many lines: in full, or as much as there is room for. `ends`: of the values."""
    lines: list[list[Line]] = []
    for level in _LEVELS:
        lines = _flow(_entries(chart, epoch, ends, level), cells)
        if len(lines) <= most:
            break
    return [_joined(entries) for entries in lines[:most]]


def _flow(entries: list[Line], cells: int) -> list[list[Line]]:
    """Return the entries in lines, each as far as it fits; the first of each line always does."""
    lines: list[list[Line]] = []
    left = 0
    for entry in entries:
        taken = width(entry) + GAP
        if lines and taken <= left + GAP:
            lines[-1].append(entry)
            left -= taken
        else:
            lines.append([_cut(entry, cells)])
            left = cells - taken
    return lines


def _cut(entry: Line, cells: int) -> Line:
    spans = []
    for text, its in entry:
        cut = clip(text, cells)
        cells -= width(((cut, its),))
        if cut:
            spans.append((cut, its))
    return tuple(spans)


def _joined(entries: list[Line]) -> Line:
    spans = list(entries[0])
    for entry in entries[1:]:
        spans += [(" " * GAP, "text"), *entry]
    return tuple(spans)


def _entries(chart: Chart, epoch: float | None, ends: tuple[float, float], level: _Level) -> list[Line]:
    entries: list[Line] = []
    if epoch is not None:
        entries.append(((f"epoch {fmt.count(epoch)}", "strong"),))
    elif level.all:
        entries.append((("at the end", "dim"),))
    if chart.band is not None:
        low, middle, high = (value_at(line, epoch) for line in chart.curves())
        entries.append(_entry(sample(PATTERNS[0]), role(0), f"median {middle}", level))
        entries.append(_entry(BAND_SAMPLE, "dim", f"quartiles {low}-{high}", level))
    else:
        entries += _series(chart, epoch, level)
    if chart.baseline is not None and level.all:
        side = ", below" if chart.baseline < ends[0] else ", above" if chart.baseline > ends[1] else ""
        entries.append(_entry(BASELINE_SAMPLE, "paused", f"baseline {fmt.number(chart.baseline)}{side}", level))
    if chart.best is not None and level.all:
        entries.append(_entry(BEST, "done", chart.best[2], level))
    if chart.unknown:
        many = "1 value is no number" if chart.unknown == 1 else f"{chart.unknown:,} values are no numbers"
        entries.append(((f"gaps: {many}", "warning"),))
    return entries + [((note, "dim"),) for note in chart.notes]


def _entry(piece: str, its: str, text: str, level: _Level) -> Line:
    return (f"{piece[: level.sample]} ", its), (text, "text")


def _series(chart: Chart, epoch: float | None, level: _Level) -> list[Line]:
    """Return an entry for each curve; several tasks stand one below the other."""
    values = [value_at(each.curve, epoch) for each in chart.series]
    names = [clip(each.name, level.name) for each in chart.series]
    if any(each.number for each in chart.series):
        wide = max(map(len, values))
        values = [value.ljust(wide) for value in values]
        wide = max(width(((name, ""),)) for name in names)
        names = [name + " " * (wide - width(((name, ""),))) for name in names]
    return [
        (
            (f"{_number(each)}{sample(PATTERNS[each.style % len(PATTERNS)])[: level.sample]} ", role(each.style)),
            (f"{value} ", "text"),
            (name, "dim"),
        )
        for each, value, name in zip(chart.series, values, names, strict=True)
    ]


def _number(series: Series) -> str:
    return f"{series.number} " if series.number else ""


def value_at(line: Curve, epoch: float | None) -> str:
    """Return the value at an epoch, or at the curve's end, in words; one that was measured at another epoch says so."""
    if not len(line):
        return fmt.NONE
    found = (0, line.values[-1]) if epoch is None else line.at(epoch)
    if found is None:
        return fmt.NONE
    at, value = found
    said = fmt.number(value) if math.isfinite(value) else str(value)
    return said if epoch is None or at == round(epoch) else f"{said} at {fmt.count(at)}"
