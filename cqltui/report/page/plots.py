"""What the page's script needs to know of a figure: where its panels lie, and which values are drawn there."""

import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from cqltui.report.figure import Axis, Band, Bars, Figure, Line, Mark, Panel, Points, Rule, Values
from cqltui.report.thinning import kept

if TYPE_CHECKING:
    from cqltui.report.drawing.draw import Frame
    from cqltui.report.drawing.spans import Span

SPOTS = 6_000
"""Of a figure, about: more are not told apart by a pointer, and cost a page its size."""
LEAST, MOST = 12, 240
"""Of a line."""
DIGITS = 5


def data(figure: Figure, frames: "Sequence[Frame]") -> Markup:
    """Return the panels with their values as JSON that cannot end the element it stands in."""
    spots = SPOTS // max(1, sum(isinstance(mark, Line | Band) for panel in figure.panels for mark in panel.marks))
    most = max(LEAST, min(MOST, spots))
    panels = [_panel(panel, frame, most) for panel, frame in zip(figure.panels, frames, strict=False)]
    return htmlsafe_json_dumps(panels, partial(json.dumps, separators=(",", ":"), ensure_ascii=False, allow_nan=False))


def _panel(panel: Panel, frame: "Frame", most: int) -> dict[str, Any]:
    return {
        "title": panel.title,
        "box": [_short(value) for value in (frame.left, frame.top, frame.width, frame.height)],
        "x": _axis(panel.x, frame.x),
        "y": _axis(panel.y, frame.y),
        "marks": [told for mark in panel.marks if (told := _mark(mark, most, log=frame.x.log)) is not None],
    }


def _axis(axis: Axis, span: "Span") -> dict[str, Any]:
    found: dict[str, Any] = {"label": axis.label, "ends": [span.first, span.last]}
    if span.log:
        found["log"] = 1
    if axis.format != "number":
        found["format"] = axis.format
    if axis.categories:
        found["names"] = list(axis.categories)
    return found


def _mark(mark: Mark, most: int, *, log: bool) -> dict[str, Any] | None:
    """Return a mark's spots: "x" and "y" where each lies, "low" and "high" what it spans, across or upright."""
    if isinstance(mark, Rule):
        return None
    if isinstance(mark, Line):
        chosen = _chosen(mark.x, mark.y, most, log=log)
        return _spots(mark.label, [mark.x[i] for i in chosen], [mark.y[i] for i in chosen], {})
    if isinstance(mark, Band):
        chosen = _chosen(mark.x, mark.high, most, log=log)
        low, high = [mark.low[i] for i in chosen], [mark.high[i] for i in chosen]
        middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
        return _spots(mark.label, [mark.x[i] for i in chosen], middle, {"low": low, "high": high})
    if isinstance(mark, Points):
        more = {"low": mark.low, "high": mark.high} if mark.low and mark.high else {}
        return _spots(mark.label, mark.x, mark.y, more, mark.names, across=mark.across)
    return _bars(mark)


def _bars(bars: Bars) -> dict[str, Any]:
    ends = {"low": bars.base, "high": bars.values} if bars.base else {}
    at = [(low + high) / 2 for low, high in zip(bars.base, bars.values, strict=True)] if bars.base else bars.values
    x, y = (at, bars.x) if bars.across else (bars.x, at)
    return _spots(bars.label, x, y, ends, bars.names, across=bars.across)


def _spots(
    label: str,
    x: Sequence[float],
    y: Sequence[float],
    ends: Mapping[str, Sequence[float]],
    names: Sequence[str] = (),
    *,
    across: bool = False,
) -> dict[str, Any]:
    found: dict[str, Any] = {"label": label, "at": [[_short(value) for value in values] for values in (x, y)]}
    found |= {name: [_short(value) for value in values] for name, values in ends.items()}
    if names:
        found["names"] = list(names)
    if across:
        found["across"] = 1
    return found


def _chosen(x: Values, y: Values, most: int, *, log: bool) -> list[int]:
    """Return which points of a line are kept, about `most`; those of gaps are not."""
    across, up = np.array(x, np.float64), np.array(y, np.float64)
    known = np.flatnonzero(np.isfinite(across) & np.isfinite(up) & ((across > 0) | (not log)))
    return known[kept(across[known], up[known], most // 2, log=log)].tolist()  # type: ignore[no-any-return]


def _short(value: float) -> float | int | None:
    """Return a number of few digits; None for what is none."""
    if not math.isfinite(value):
        return None
    if abs(value) >= 1e6:  # seconds since 1970
        return round(value)
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() else short
