"""The marks of a panel as matplotlib's artists."""

from collections.abc import Iterator, Mapping
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from msgspec import Struct, field

from cqltui.report.drawing.colors import INK, PAPER, color_of
from cqltui.report.drawing.spans import Floats, Span, drawable
from cqltui.report.figure import Band, Bars, Line, Panel, Points, Rule
from cqltui.report.thinning import buckets_for, kept
from cqltui.state.plain import plain

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
SHAPES: Mapping[str, str] = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "cross": "X"}
DASHES: Mapping[str, Any] = {"solid": "-", "dashed": (0, (5, 2)), "dotted": (0, (1, 1.5))}
RULES: tuple[Any, ...] = ((0, (4, 3)), (0, (1, 2)), (0, (6, 2, 1, 2)))
HATCHES = ("", "//", "xx", "\\\\", "||", "++", "--")
FEW = 25
"""A line of so many points shows each of them."""
MARKED = 6
"""Places at which a longer line has a marker."""
Legend = dict[str, list[Any]]
"""Text -> what stands before it."""


class Lettering(Struct, frozen=True):
    """Text at a place of a panel. In a bar there is `room` for it, as wide as that on the x axis; else it is 0."""

    x: float
    y: float
    room: float
    text: str


class Canvas(Struct):
    """Where the marks of one panel go."""

    axes: Axes
    x: Span
    y: Span
    legend: Legend
    many: bool
    """Whether lines have to be told apart without their color."""
    buckets: int
    rules: Iterator[Any] = field(default_factory=lambda: cycle(RULES))
    texts: list[Lettering] = field(default_factory=list)
    """Written once the axes have their place."""

    def enter(self, text: str, handle: object, values: Floats | None = None) -> None:
        """Add an entry of the legend; what has the same text shares one, and what has no finite value gets none."""
        if text and (values is None or np.isfinite(values).any()):
            handles = self.legend.setdefault(plain(text), [])
            if all(type(other) is not type(handle) for other in handles):
                handles.append(handle)


def plot(axes: Axes, panel: Panel, x: Span, y: Span) -> Canvas:
    """Draw a panel's marks between its spans, and return what is left to write."""
    lines = [mark for mark in panel.marks if isinstance(mark, Line)]
    distinct = {(line.color, line.style) for line in lines if not line.faint}
    canvas = Canvas(axes, x, y, {}, len(distinct) > 1, buckets_for(len(lines)))
    _faint(canvas, [line for line in lines if line.faint])
    for order, mark in enumerate(panel.marks, 3):
        match mark:
            case Line() if not mark.faint:
                _line(canvas, mark, order)
            case Band():
                _band(canvas, mark)
            case Points():
                _points(canvas, mark, order)
            case Bars():
                _bars(canvas, mark)
            case Rule():
                _rule(canvas, mark)
    return canvas


def _faint(canvas: Canvas, lines: list[Line]) -> None:
    opacity = float(np.clip(16 / max(1, len(lines)), 0.2, 0.7))
    groups: dict[tuple[int, str, str], list[Floats]] = {}
    for line in lines:
        x, y = _thinned(canvas, line)
        x, y = _stepped(x, y) if line.steps else (x, y)
        groups.setdefault((line.color, line.style, line.group), []).append(np.column_stack((x, y)))
    for (color, style, group), curves in groups.items():
        look: dict[str, Any] = {"colors": color_of(color), "linestyles": [DASHES[style]]}
        # Collections leave out no point that is not finite; parts between gaps are lines of their own.
        parts = [part for curve in curves for part in _parts(curve)]
        drawn = LineCollection(parts, linewidths=0.6, alpha=opacity, zorder=2, **look)
        canvas.axes.add_collection(drawn, autolim=False)
        canvas.enter(group, Line2D([], [], color=color_of(color), linestyle=DASHES[style], linewidth=1.4))


def _parts(curve: Floats) -> list[Floats]:
    there = np.isfinite(curve).all(axis=1)
    cuts = np.flatnonzero(np.diff(there)) + 1
    return [part for part in np.split(curve, cuts) if np.isfinite(part).all() and len(part) > 1]


def _line(canvas: Canvas, line: Line, order: int) -> None:
    x, y = _thinned(canvas, line)
    count = int(np.isfinite(y).sum())
    marked = not line.steps and (count <= FEW or canvas.many)
    every = 1 if count <= FEW else (line.color * len(x) // (2 * MARKED * len(MARKERS)), max(1, len(x) // MARKED))
    look: dict[str, Any] = {
        "color": color_of(line.color),
        "linestyle": DASHES[line.style],
        "linewidth": 1.4,
        "marker": MARKERS[line.color % len(MARKERS)] if marked else "",
        "markersize": 4,
    }
    style = "steps-post" if line.steps else "default"
    canvas.axes.plot(x, y, drawstyle=style, markevery=every if marked else None, zorder=order, **look)
    canvas.enter(line.label, Line2D([], [], **look), x + y)


def _band(canvas: Canvas, band: Band) -> None:
    x, low, high = drawable(band.x), drawable(band.low), drawable(band.high)
    places = np.union1d(kept(x, low, canvas.buckets, log=canvas.x.log), kept(x, high, canvas.buckets, log=canvas.x.log))
    x, low, high = x[places], low[places], high[places]
    low = np.maximum(low, canvas.y.low) if canvas.y.log else low
    look: dict[str, Any] = {"facecolor": color_of(band.color), "alpha": band.strength, "linewidth": 0}
    there = np.isfinite(low) & np.isfinite(high)
    canvas.axes.fill_between(x, low, high, where=there.tolist(), zorder=1.5, **look)
    canvas.enter(band.label, Patch(**look), x + low + high)


def _points(canvas: Canvas, points: Points, order: int) -> None:
    x, y = drawable(points.x), drawable(points.y)
    look: dict[str, Any] = {
        "color": color_of(points.color),
        "marker": SHAPES[points.marker],
        "linestyle": "none",
        "markersize": 5 if len(x) <= 100 else 3,
        "markeredgecolor": PAPER,
        "markeredgewidth": 0.4,
    }
    low, high = drawable(points.low), drawable(points.high)
    if len(low) == len(high) == len(x) and len(x):
        if canvas.x.log and points.across:
            low = np.maximum(low, canvas.x.low)
        if canvas.y.log and not points.across:
            low = np.maximum(low, canvas.y.low)
        ends = ((low, y), (high, y)) if points.across else ((x, low), (x, high))
        bars = np.stack([np.column_stack(end) for end in ends], axis=1)
        bars = bars[np.isfinite(bars).all(axis=(1, 2))]
        drawn = LineCollection(list(bars), colors=color_of(points.color), linewidths=1.2, zorder=order)
        canvas.axes.add_collection(drawn, autolim=False)
    canvas.axes.plot(x, y, zorder=order + 0.5, **look)
    canvas.enter(points.label, Line2D([], [], **look), x + y)
    canvas.texts += [
        Lettering(float(a), float(b), 0.0, plain(text, 40))
        for a, b, text in zip(x, y, points.texts, strict=False)
        if text and np.isfinite([a, b]).all()
    ]


def _bars(canvas: Canvas, bars: Bars) -> None:
    along = canvas.x if bars.across else canvas.y
    place, end = drawable(bars.x), drawable(bars.values)
    base = drawable(bars.base) if bars.base else np.full(len(place), along.low if along.log else 0.0)
    base = np.maximum(base, along.low) if along.log else base
    near, far = place - bars.width / 2, place + bars.width / 2
    corners = ((near, base), (near, end), (far, end), (far, base))
    polygons = np.stack([np.column_stack(pair[::-1] if bars.across else pair) for pair in corners], axis=1)
    sound = np.isfinite(polygons).all(axis=(1, 2))
    look: dict[str, Any] = {"facecolor": color_of(bars.color), "edgecolor": PAPER, "linewidth": 0.5}
    hatch = HATCHES[bars.color % len(HATCHES)]
    drawn = PolyCollection(list(polygons[sound]), hatch=hatch or None, zorder=2.5, **look)
    canvas.axes.add_collection(drawn, autolim=False)
    canvas.enter(bars.label, Patch(hatch=hatch or None, **look), place + base + end)
    for at, one, other, text in zip(place, base, end, bars.texts, strict=False):
        if text and np.isfinite([at, one, other]).all():
            centre, room = float(one + other) / 2, float(abs(other - one))
            spot = (centre, float(at), room) if bars.across else (float(at), centre, bars.width)
            canvas.texts.append(Lettering(*spot, plain(text, 40)))


def _rule(canvas: Canvas, rule: Rule) -> None:
    style = next(canvas.rules)
    look: dict[str, Any] = {"color": INK, "linestyle": style, "linewidth": 0.9}
    if np.isfinite(drawable((rule.at,))).all():
        (canvas.axes.axvline if rule.vertical else canvas.axes.axhline)(rule.at, zorder=1.8, **look)
        # Two rules of a panel have entries of their own: their dashes tell them apart.
        canvas.enter(rule.label, Line2D([], [], **look))


def _thinned(canvas: Canvas, line: Line) -> tuple[Floats, Floats]:
    x, y = drawable(line.x), drawable(line.y)
    if canvas.y.log:
        y = np.where(y > 0, y, np.nan)
    places = kept(x, y, canvas.buckets, log=canvas.x.log)
    return x[places], y[places]


def _stepped(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
