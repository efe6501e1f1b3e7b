"""A figure as the report knows it: panels of marks with their data. matplotlib, the page's script and the terminal each
draw it in their own way; there is no drawing code here."""

from typing import Literal

from msgspec import Struct

Values = tuple[float, ...]
"""Numbers to draw; NaN leaves a gap."""


class Axis(Struct, frozen=True):
    """An axis of a panel."""

    label: str
    """With its unit."""
    scale: Literal["linear", "log"] = "linear"
    format: Literal["number", "percent", "time"] = "number"
    """How values read: "percent" of shares, "time" of seconds since 1970 (UTC)."""
    categories: tuple[str, ...] = ()
    """Names at 0, 1, 2, ... in place of numbers; on an upright axis from the top down, as one reads."""
    low: float | None = None
    high: float | None = None
    """Where it begins and ends; None: as the data does."""


class Line(Struct, frozen=True):
    """A line through points. `color` is a place in the palette; the same of several marks tells that they belong
    together."""

    label: str
    x: Values
    y: Values
    color: int = 0
    style: Literal["solid", "dashed", "dotted"] = "solid"
    steps: bool = False
    """Whether a value holds until the next point."""
    faint: bool = False
    """Whether it is one of many in the background, and no entry of the legend."""
    group: str = ""
    """Of faint lines: what they have in common, one entry of the legend for all of them; empty for none."""


class Band(Struct, frozen=True):
    """The area between two lines."""

    label: str
    x: Values
    low: Values
    high: Values
    color: int = 0
    strength: float = 0.2
    """Opacity."""


class Points(Struct, frozen=True):
    """Points, with error bars where `low` and `high` are given."""

    label: str
    x: Values
    y: Values
    color: int = 0
    low: Values = ()
    high: Values = ()
    """Ends of the error bars, as values of `y`, or of `x` where they lie `across`."""
    across: bool = False
    names: tuple[str, ...] = ()
    """What each point is, for who looks at it."""
    marker: Literal["circle", "square", "triangle", "diamond", "cross"] = "circle"
    texts: tuple[str, ...] = ()
    """What is written beside each, as far as there is room."""


class Bars(Struct, frozen=True):
    """Bars from `base` to `values` at `x`, upright, or lying where they are `across` (then `x` is their height). A bar
    of a Gantt chart lies between `base` and `values`, which are ends and not lengths."""

    label: str
    x: Values
    values: Values
    width: float = 0.8
    base: Values = ()
    """Where each begins; empty: all at 0."""
    color: int = 0
    across: bool = False
    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    """What is written into each, where it fits."""


class Rule(Struct, frozen=True):
    """A straight line over the whole panel at a value, as of break-even."""

    label: str
    at: float
    vertical: bool = False


Mark = Line | Band | Points | Bars | Rule


class Panel(Struct, frozen=True):
    """Axes with what is drawn between them."""

    title: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    legend: bool = True


class Figure(Struct, frozen=True):
    """One or several panels."""

    name: str
    """Of its files, without the suffix."""
    title: str
    """A few words: a heading."""
    caption: str
    """What was computed, of what and how; never a conclusion."""
    alt: str
    """For who does not see it: what is drawn, with the figures that matter, computed."""
    panels: tuple[Panel, ...] = ()
    columns: int = 1
    """Panels beside each other."""
    size: tuple[float, float] = (6.0, 4.0)
    """Inches: (6, 4) or (7.5, 5), higher where there are many rows."""
    reason: str = ""
    """Why there is nothing to draw: a sentence that says what would bring it."""

    def __post_init__(self) -> None:
        if bool(self.panels) == bool(self.reason):
            raise ValueError(f"{self.name}: a figure has panels, or a reason why it has none")
