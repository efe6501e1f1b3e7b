"""A figure as SVG, PDF and PNG, drawn by matplotlib: the same bytes for the same figure, nothing of the user's own
settings of matplotlib, and no state that outlives a call."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Sheet
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend_handler import HandlerTuple
from msgspec import Struct

from cqltui.report.drawing.colors import GRID, INK, PAPER, VARIABLES
from cqltui.report.drawing.inline import compact, inline
from cqltui.report.drawing.lettering import CHARACTER, FONT_SIZE, LONGEST, across, wrapped, write
from cqltui.report.drawing.plotting import Canvas, Legend, plot
from cqltui.report.drawing.spans import Span, span
from cqltui.report.drawing.ticks import ticks
from cqltui.report.figure import Figure, Panel
from cqltui.state.plain import plain

POINTS = 72
"""In an inch, and the units of an SVG."""
PNG_DPI = 200
LINE = 1.5 * FONT_SIZE
"""Points from one line of the legend to the next."""
LEAST = (1.8, 1.6)
"""Inches of a panel: a figure that has less is drawn larger."""
LEGEND_SHARE = 0.4
"""Of the height: entries that would need more are left out of the legend."""
SETTINGS: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "xtick.labelsize": FONT_SIZE,
    "ytick.labelsize": FONT_SIZE,
    "legend.fontsize": FONT_SIZE,
    "text.parse_math": False,
    "text.hinting": "none",
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.bottom": False,
    "ytick.left": False,
    "legend.frameon": False,
    "hatch.color": PAPER,
    "hatch.linewidth": 0.6,
    "pdf.fonttype": 42,
}


class Frame(Struct, frozen=True):
    """Where a panel's axes lie, in the units of the SVG's viewBox from its left upper corner, and what their ends
    mean."""

    left: float
    top: float
    width: float
    height: float
    x: Span
    y: Span
    """From the bottom (`first`) to the top (`last`)."""


class Drawn(Struct, frozen=True):
    """A figure in every format."""

    svg: str
    """For a file: text as outlines, so that it looks the same everywhere."""
    page_svg: str
    """For a page: text as text, colors that its style can change (`colors`), no prolog, no size."""
    pdf: bytes
    """With its fonts embedded, as TrueType."""
    png: bytes
    panels: tuple[Frame, ...]


def draw(figure: Figure) -> Drawn:
    """Draw a figure that has panels. Raises ValueError for one that has none."""
    if not figure.panels:
        raise ValueError(f"{figure.name}: there is nothing to draw: {figure.reason}")
    with _drawing(figure):
        sheet = Sheet(figsize=_size(figure), dpi=PNG_DPI)
        FigureCanvasAgg(sheet)
        canvases = _lay_out(sheet, figure)
        png = io.BytesIO()
        FigureCanvasAgg(sheet).print_png(png, metadata={"Software": None}, pil_kwargs={"compress_level": 4})
        pdf = io.BytesIO()
        FigureCanvasPdf(sheet).print_pdf(pdf, metadata={"CreationDate": None, "Creator": None, "Producer": None})
        svg = _svg(sheet, "path")
        sheet.patch.set_visible(False)
        page = inline(_svg(sheet, "none"), figure.name, VARIABLES)
        frames = tuple(_frame(canvas, sheet) for canvas in canvases)
    return Drawn(svg, page, pdf.getvalue(), png.getvalue(), frames)


@contextmanager
def _drawing(figure: Figure) -> Iterator[None]:
    with warnings.catch_warnings(), style.context(["default", {**SETTINGS, "svg.hashsalt": figure.name}]):
        warnings.filterwarnings("ignore", "constrained_layout not applied")  # names too long for so small a figure
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a box stands for it; the page's own font may have it
        yield


def _svg(sheet: Sheet, fonts: str) -> str:
    out = io.StringIO()
    with style.context({"svg.fonttype": fonts}):
        FigureCanvasSVG(sheet).print_svg(out, metadata={"Date": None, "Creator": None})
    return compact(out.getvalue())


def _shape(figure: Figure) -> tuple[int, int]:
    """Return the columns and rows of panels."""
    columns = max(1, min(figure.columns, len(figure.panels)))
    return columns, -(-len(figure.panels) // columns)


def _size(figure: Figure) -> tuple[float, float]:
    columns, rows = _shape(figure)
    return max(figure.size[0], LEAST[0] * columns), max(figure.size[1], LEAST[1] * rows)


def _lay_out(sheet: Sheet, figure: Figure) -> list[Canvas]:
    columns, rows = _shape(figure)
    grid = sheet.subplots(rows, columns, squeeze=False).flatten()
    for empty in grid[len(figure.panels) :]:
        empty.set_axis_off()
    room = (sheet.get_figwidth() / columns * POINTS, sheet.get_figheight() / rows * POINTS)
    canvases = [_panel(axes, panel, room) for axes, panel in zip(grid, figure.panels, strict=False)]
    legend: Legend = {}
    for canvas, panel in zip(canvases, figure.panels, strict=True):
        for text, handles in canvas.legend.items() if panel.legend else ():
            legend.setdefault(text, handles)
    _legend(sheet, legend)
    ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06, wspace=0.03, hspace=0.03).execute(sheet)  # once for all formats
    for canvas in canvases:
        write(canvas)
    return canvases


def _panel(axes: Axes, panel: Panel, room: tuple[float, float]) -> Canvas:
    x, y = span(panel, upright=False), span(panel, upright=True)
    axes.set_xscale("log" if x.log else "linear")
    axes.set_yscale("log" if y.log else "linear")
    axes.set_xlim(x.first, x.last)
    axes.set_ylim(y.first, y.last)
    axes.set_autoscale_on(False)
    canvas = plot(axes, panel, x, y)
    _ticks(axes, panel, x, y, room)
    if _is_empty(axes):
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", va="center")
    axes.set_title(wrapped(panel.title, room[0]), y=1.0)  # at no place to be looked for at each drawing
    axes.set_xlabel(wrapped(panel.x.label, room[0] - 50))
    axes.set_ylabel(wrapped(panel.y.label, room[1] - 40))
    return canvas


def _is_empty(axes: Axes) -> bool:
    lines = any(np.isfinite(line.get_xydata()).all(axis=1).any() for line in axes.lines)
    return not (lines or any(drawn.get_paths() for drawn in axes.collections))


def _ticks(axes: Axes, panel: Panel, x: Span, y: Span, room: tuple[float, float]) -> None:
    wide, high = room[0] - 60, room[1] - 60
    found = ticks(
        panel.y, y.low, y.high, max(3, int(high / (1.6 * FONT_SIZE if panel.y.categories else 24))), log=y.log
    )
    names = [plain(text, LONGEST) if panel.y.categories else text for _, text in found]
    axes.set_yticks([at for at, _ in found], names, minor=False)
    axes.set_yticks([], minor=True)
    most = max(3, int(wide / (1.6 * FONT_SIZE if panel.x.categories else 38)))
    found = ticks(panel.x, x.low, x.high, most, log=x.log)
    names, turned = across([text for _, text in found], wide) if panel.x.categories else ([t for _, t in found], 0)
    axes.set_xticks([at for at, _ in found], names, minor=False, rotation=turned)
    axes.set_xticks([], minor=True)
    for axis, told in (("x", panel.x), ("y", panel.y)):
        axes.grid(visible=not told.categories, axis="x" if axis == "x" else "y")


def _legend(sheet: Sheet, legend: Legend) -> None:
    if not legend:
        return
    wide, high = sheet.get_figwidth() * POINTS, sheet.get_figheight() * POINTS
    entries = list(legend.items())
    texts = [wrapped(text, wide - 50, 2) for text in legend]
    longest = max(len(line) for text in texts for line in text.split("\n"))
    columns = max(1, min(len(entries), int(wide / (CHARACTER * longest + 40))))
    lines = max(text.count("\n") + 1 for text in texts)
    most = columns * max(1, int(LEGEND_SHARE * high / (lines * LINE)))
    entries, texts = entries[:most], texts[:most]
    handles: list[Any] = [tuple(found) for _, found in entries]
    over = {tuple: HandlerTuple(ndivide=1)}  # what shares an entry is drawn over each other
    sheet.legend(handles, texts, loc="outside lower center", ncols=columns, handler_map=over)


def _frame(canvas: Canvas, sheet: Sheet) -> Frame:
    place = canvas.axes.get_position()
    wide, high = (POINTS * float(size) for size in sheet.get_size_inches())
    corner = (place.x0 * wide, (1 - place.y1) * high, place.width * wide, place.height * high)
    left, top, width, height = (round(float(value), 2) for value in corner)
    return Frame(left, top, width, height, canvas.x, canvas.y)
