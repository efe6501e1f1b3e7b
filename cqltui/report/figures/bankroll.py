"""What became of the bankroll week by week, and what becomes of it in histories of resampled weeks."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from cqltui.judging.evaluated import CONFIDENT, ENSEMBLE, at, figure_at
from cqltui.report.figure import Axis, Band, Figure, Line, Mark, Panel, Rule, Values
from cqltui.report.material import Material
from cqltui.report.reading import Document, policies, rows_said, text_at
from cqltui.report.series import equally_long, numbers_at, why_not
from trainer.evaluation.evaluation import IMPLIED, KELLY_LOW, RANDOM, SINGLE
from trainer.evaluation.policies import KELLY_QUANTILES

SHOWN = (RANDOM, IMPLIED, KELLY_LOW.format(KELLY_QUANTILES[0]), SINGLE, ENSEMBLE, CONFIDENT)
"""Policies that have a panel."""
COLUMNS, SIZE = 3, (7.5, 5.0)
WIDE = 10.0
"""Values whose largest is so many times the smallest have a logarithmic axis."""
QUANTILES = ("q05", "q25", "q50", "q75", "q95")
HISTORIES = "the trajectories"


class _Told(Struct, frozen=True):
    """A policy's trajectory as it can be drawn."""

    name: str
    stake: float | None
    path: Values
    bands: tuple[Values, ...]
    """As QUANTILES."""
    edges: Values
    shares: Values
    """Of the histories, between the edges."""
    final: Document

    @property
    def end(self) -> str:
        """What it came to, and what half and nine in ten of the histories did."""
        low, lower, middle, higher, high = (figure_at(self.final, name) for name in QUANTILES)
        said = f"{self.name}: {self.path[-1]:.2f}"
        if middle is None or lower is None or higher is None or low is None or high is None:
            return said
        return f"{said}, of the histories half {lower:.2f} to {higher:.2f}, 90 % {low:.2f} to {high:.2f}"


def trajectories(material: Material) -> Figure:
    """Return the bankroll by week of each policy, with pointwise bands of histories."""
    name, title = "bankroll_trajectories", "The bankroll week by week"
    found = _told(material)
    if not found:
        return Figure(name, title, "The bankroll of policies by week.", "", reason=why_not(material, HISTORIES))
    seasons = numbers_at(material.evaluation, "weeks", "seasons")
    begins = [place for place, (one, other) in enumerate(pairwise(seasons), 1) if one != other]
    panels = tuple(
        Panel(
            its.name,
            Axis("weeks"),
            Axis("bankroll (start = 1)", _scale((*its.path, *its.bands[0], *its.bands[-1]))),
            _paths(its, begins if len(seasons) == len(its.path) else ()),
            legend=place == 0,
        )
        for place, its in enumerate(found)
    )
    span = (
        f", seasons {min(seasons):.0f} to {max(seasons):.0f}" if seasons and not any(map(math.isnan, seasons)) else ""
    )
    caption = (
        f"Bankroll at the end of each week as a multiple of that at the start, on {rows_said(material)}{span}"
        f"{_stakes(found)}; bands hold half and 90 % of {_histories(found)}, week by week. Axes differ."
        f"{_left_out(material)}"
    )
    alt = f"{len(found)} panels. At the end: {'; '.join(its.end for its in found)}."
    return Figure(name, title, caption, alt, panels, COLUMNS, SIZE)


def finals(material: Material) -> Figure:
    """Return how the bankroll at the end of the histories is distributed, policy by policy."""
    name, title = "bankroll_hist", "The bankroll at the end"
    found = [its for its in _told(material) if its.shares]
    if not found:
        return Figure(name, title, "Bankrolls at the end, by policy.", "", reason=why_not(material, HISTORIES))
    panels = tuple(
        Panel(
            its.name,
            Axis("final bankroll", _scale(its.edges)),
            Axis("histories", format="percent", low=0.0),
            _shares(its),
            legend=place == 0,
        )
        for place, its in enumerate(found)
    )
    caption = (
        f"Bankroll at the end as a multiple of that at the start, on {rows_said(material)}{_stakes(found)}, in "
        f"{_histories(found)}; bins are equally wide in logarithms. Axes differ."
        f"{_left_out(material)}{_lost(found)}"
    )
    below = (
        f"{its.name} {100 * share:.0f} %" for its in found if (share := figure_at(its.final, "below_start")) is not None
    )
    alt = (
        f"{len(found)} panels. At the end: {'; '.join(its.end for its in found)}. Histories that end below the start: "
        f"{', '.join(below)}."
    )
    return Figure(name, title, caption, alt, panels, COLUMNS, SIZE)


def _left_out(material: Material) -> str:
    """Return which policies have no panel."""
    names = [text_at(its, "name") for its in policies(material)]
    missing = [name for name in names if name not in SHOWN]
    return f" Not shown: {', '.join(missing)}." if missing else ""


def _told(material: Material) -> list[_Told]:
    """Return the policies that are shown, as far as their trajectories can be read."""
    found = []
    for policy in policies(material):
        its, name = at(policy, "trajectory"), text_at(policy, "name")
        path, bands = numbers_at(its, "path"), tuple(numbers_at(its, "bands", quantile) for quantile in QUANTILES)
        if name not in SHOWN or not equally_long(path, *bands) or any(map(math.isnan, path)):
            continue
        final = at(its, "final")
        edges, counts, of = numbers_at(final, "edges"), numbers_at(final, "counts"), figure_at(final, "histories")
        sound = of is not None and len(edges) == len(counts) + 1 > 1 and min(counts) >= 0 and 0 < sum(counts) <= of
        shares = tuple(count / of for count in counts) if of is not None and sound else ()
        found.append(_Told(name, figure_at(its, "largest_stake"), path, bands, edges, shares, final))
    return found


def _paths(its: _Told, begins: Sequence[int]) -> tuple[Mark, ...]:
    """Return the marks of a panel. The first point of each line is the start; `begins` are the weeks after which a
    season begins."""
    weeks = tuple(map(float, range(len(its.path) + 1)))
    low, lower, middle, higher, high = ((1.0, *band) for band in its.bands)
    return (
        Band("90 % of histories", weeks, low, high, strength=0.15),
        Band("50 % of histories", weeks, lower, higher, strength=0.3),
        Line("median of histories", weeks, middle, color=1, style="dashed"),
        Line("bankroll", weeks, (1.0, *its.path)),
        Rule("start", 1.0),
        *(Rule("" if place else "a season begins", float(week), vertical=True) for place, week in enumerate(begins)),
    )


def _shares(its: _Told) -> tuple[Mark, ...]:
    edges, shares = (its.edges[0], *its.edges), (0.0, *its.shares, 0.0)
    return (
        Line("histories", edges, shares, steps=True),
        Rule("start", 1.0, vertical=True),
        *([Rule("as it came", its.path[-1], vertical=True)] if its.path[-1] > 0 else []),
    )


def _scale(values: Sequence[float]) -> Literal["linear", "log"]:
    positive = [value for value in values if value > 0]
    return "log" if positive and max(positive) > WIDE * min(positive) else "linear"


def _stakes(found: Sequence[_Told]) -> str:
    stakes = sorted({its.stake for its in found if its.stake is not None})
    return f", the largest stake being {', '.join(f'{100 * stake:g} %' for stake in stakes)} of it" if stakes else ""


def _histories(found: Sequence[_Told]) -> str:
    counts = [count for its in found if (count := figure_at(its.final, "histories")) is not None]
    said = f"{max(counts):,.0f} " if counts else ""
    return f"{said}histories of weeks that were drawn with replacement within each season"


def _lost(found: Sequence[_Told]) -> str:
    lost = [f"{its.name} {count:,.0f}" for its in found if (count := figure_at(its.final, "lost"))]
    return f" Histories in which all was lost are in no bin: {', '.join(lost)}." if lost else ""
