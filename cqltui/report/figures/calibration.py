"""Whether predictions are what they say: P(cover) against what covered, Q against what was returned, and how the Q
values of an ensemble are distributed."""

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from cqltui.judging.evaluated import ENSEMBLE, at, figure_at
from cqltui.report.figure import Axis, Bars, Figure, Line, Panel, Points
from cqltui.report.material import Material
from cqltui.report.reading import Document, no_policies, objects, rows_said, seasons_of, text_at, whole_at
from cqltui.state import decode
from trainer.config import ACTIONS
from trainer.evaluation.offpolicy import student_quantile

WIDE, HEIGHT = 7.5, 5.0
"""Inches of a figure of several panels; more than two rows of them make it higher."""
COLUMNS = 2
ROW = 1.9
"""Inches of a row of small panels."""
GREY = 4
"""Of the palette."""
Q_BINS, LEAST_IN_BIN = 10, 5
"""Bins of Q values, and how many bets each of them needs."""
DIAGONAL = 50
"""Points of the diagonal."""
ROUNDED = 0.02
"""Axes of shares end at multiples of it."""


def reliability(material: Material) -> Figure:
    """Return P(cover) against the share that covered, bin by bin, a panel a season."""
    name, title = "reliability_diagram", "Calibration of P(cover)"
    caption = (
        "Share of the decided games that covered against the mean prediction, in bins of equally many games; 95 % "
        "Wilson intervals. On the dotted line a prediction is what happens."
    )
    cover = at(material.evaluation, "cover")
    spans = [(season, its) for season, its in seasons_of(cover) if _bins(its)]
    if not spans and _bins(at(cover, "whole")):
        spans = [("all seasons", at(cover, "whole"))]
    if not spans:
        why = text_at(cover, "reason", limit=300)
        reason = f"P(cover) has no calibration: {why}." if why else no_policies(material)
        return Figure(name, title, caption, "", reason=reason or "The evaluation has no calibration of P(cover).")
    every = [bin_ for _, its in spans for bin_ in _bins(its)]
    axes = _axis("P(cover)", every, ("predicted",)), _axis("covered", every, ("low", "observed", "high"))
    panels = tuple(_reliability(season, its, *axes) for season, its in spans)
    scores = (
        f"{season}: {whole_at(its, 'games') or 0:,} games, Brier score {_said(figure_at(its, 'fitted', 'brier'))}"
        for season, its in spans
    )
    alt = f"Predicted and observed shares by season. {'; '.join(scores)}."
    return Figure(name, title, f"{caption} On {rows_said(material)}.", alt, panels, _columns(panels), _size(panels))


def _reliability(season: str, its: Document, across: Axis, up: Axis) -> Panel:
    bins = _bins(its)
    x, y, lower, upper = (tuple(bin_[key] for bin_ in bins) for key in ("predicted", "observed", "low", "high"))
    names = tuple(f"{bin_['count']:,.0f} games" for bin_ in bins)
    games = whole_at(its, "games")
    return Panel(
        season if games is None else f"{season}, {games:,} games",
        across,
        up,
        (
            _diagonal(across.low or 0.0, across.high or 1.0),
            Points("share that covered", x, y, low=lower, high=upper, names=names),
        ),
    )


def _diagonal(low: float, high: float) -> Line:
    """Return where both axes have one value."""
    places = tuple(np.linspace(low, high, DIAGONAL).tolist())
    return Line("calibrated", places, places, color=GREY, style="dotted")


def _bins(span: object) -> list[Mapping[str, float]]:
    """Return the bins that are whole."""
    keys = ("count", "predicted", "observed", "low", "high")
    found = [{key: figure_at(bin_, key) for key in keys} for bin_ in objects(span, "fitted", "bins")]
    return [known for bin_ in found if len(known := {k: v for k, v in bin_.items() if v is not None}) == len(keys)]


def _axis(label: str, bins: list[Mapping[str, float]], keys: tuple[str, ...]) -> Axis:
    """Return an axis of shares that holds these of all bins: equal in all panels."""
    values = [bin_[key] for bin_ in bins for key in keys]
    low, high = ROUNDED * math.floor(min(values) / ROUNDED), ROUNDED * math.ceil(max(values) / ROUNDED)
    return Axis(label, format="percent", low=max(0.0, low), high=min(1.0, high))


def q_calibration(material: Material) -> Figure:
    """Return what the ensemble's bets returned against the Q value by which they were made, in bins."""
    name, title = "q_calibration", "Calibration of Q"
    caption = (
        "Mean profit of the ensemble's bets against their mean Q, both in units of the largest stake, in bins of "
        "equally many bets; 95 % intervals of the mean by Student's t, bets taken to be independent. On the dotted "
        "line Q is what a bet returns."
    )
    bets = sorted(_q_and_profit(material.bets))
    if len(bets) < Q_BINS * LEAST_IN_BIN:
        reason = no_policies(material) or (
            f"The ensemble has {len(bets):,} bets with a Q value; {Q_BINS * LEAST_IN_BIN} are needed."
        )
        return Figure(name, title, caption, "", reason=reason)
    bins = [_Bin.of(part) for part in np.array_split(np.array(bets), Q_BINS)]
    x, y, reach = (tuple(getattr(bin_, key) for bin_ in bins) for key in ("q", "profit", "reach"))
    low, high = tuple(np.subtract(y, reach).tolist()), tuple(np.add(y, reach).tolist())
    panel = Panel(
        "",
        Axis("Q of the bet"),
        Axis("profit"),
        (
            _diagonal(min(x), max(x)),
            Points("mean profit", x, y, low=low, high=high, names=tuple(f"{bin_.bets:,} bets" for bin_ in bins)),
        ),
    )
    told = at(material.evaluation, "ensemble", "uncertainty")
    slope, error = (figure_at(told, key) for key in ("q_slope", "q_slope_error"))
    if slope is not None and error is not None:
        caption += (
            f" Slope of a bet's unit return on its advantage over no bet: {slope:.2f}, standard error {error:.2f} (1: "
            "calibrated; 0: Q tells nothing)."
        )
    alt = (
        f"{len(bins)} bins of {len(bets):,} bets: mean Q from {min(x):+.3f} to {max(x):+.3f}, mean profit from "
        f"{min(y):+.3f} to {max(y):+.3f}."
    )
    return Figure(name, title, f"{caption} On {rows_said(material)}.", alt, (panel,))


def _q_and_profit(rows: Iterable[Mapping[str, str]]) -> Iterator[tuple[float, float]]:
    """Yield both of each of the ensemble's bets of bets.csv that has them."""
    for row in rows:
        if row.get("policy") == ENSEMBLE:
            q, profit = (decode.optional(row, key) for key in ("q_mean", "profit"))
            if q is not None and profit is not None:
                yield q, profit


class _Bin(Struct, frozen=True):
    """Bets of similar Q."""

    bets: int
    q: float
    profit: float
    reach: float
    """Of the mean profit's interval."""

    @classmethod
    def of(cls, part: npt.NDArray[np.float64]) -> "_Bin":
        """Return those of Q and profit [N, 2], two or more."""
        q, profit = part.mean(axis=0).tolist()
        error = float(part[:, 1].std(ddof=1)) / math.sqrt(len(part))
        return cls(len(part), q, profit, student_quantile(0.975, len(part) - 1) * error)


def q_distribution(material: Material) -> Figure:
    """Return how the ensemble's Q values, and their standard deviations over the members, are distributed: a row of
    panels an action."""
    name, title = "ensemble_q_distribution", "Q values of the ensemble"
    caption = "Histograms over the decisions, a row an action: mean and standard deviation of the members' Q values."
    ensemble = at(material.evaluation, "ensemble")
    found = at(ensemble, "distribution")
    histograms = [objects(found, key) for key in ("mean", "std")]
    axes = [_covering(label, its) for label, its in zip(("mean Q", "std of Q"), histograms, strict=True)]
    count = min(map(len, histograms))
    names = ACTIONS if count == len(ACTIONS) else tuple(f"action {place}" for place in range(count))
    panels = tuple(
        Panel(names[action], axis, Axis("decisions", low=0.0), (bars,), legend=False)
        for action in range(count)
        for axis, its in zip(axes, histograms, strict=True)
        if (bars := _bars(names[action], its[action])) is not None
    )
    if not panels:
        reason = "The evaluation has no ensemble whose Q values could be shown."
        return Figure(name, title, caption, "", reason=no_policies(material) or reason)
    members = whole_at(ensemble, "members")
    of = f"{members:,} networks" if members is not None else "networks"
    no_bet, spread = figure_at(found, "no_bet_mean"), figure_at(ensemble, "q_std")
    alt = (
        f"Histograms of Q by action; the mean of Q without a bet is {_said(no_bet)}, the mean standard deviation over "
        f"the members {_said(spread)}."
    )
    caption = f"{caption} Of {of}, on {rows_said(material)}."
    return Figure(name, title, caption, alt, panels, COLUMNS, (WIDE, ROW * max(2, math.ceil(len(panels) / COLUMNS))))


def _edges(histogram: object) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return edges and counts of a histogram; empty ones where it has none that fit."""
    edges, counts = _numbers(at(histogram).get("edges")), _numbers(at(histogram).get("counts"))
    return (edges, counts) if counts and len(edges) == len(counts) + 1 else ((), ())


def _covering(label: str, histograms: list[Document]) -> Axis:
    """Return an axis that holds all histograms."""
    edges = [edge for its in histograms for edge in _edges(its)[0]]
    return Axis(label, low=min(edges), high=max(edges)) if edges else Axis(label)


def _bars(name: str, histogram: Document) -> Bars | None:
    edges, counts = _edges(histogram)
    if not counts:
        return None
    middles = tuple((low + high) / 2 for low, high in pairwise(edges))
    return Bars(name, middles, counts, width=edges[1] - edges[0])


def _numbers(value: object) -> tuple[float, ...]:
    """Return a list's numbers; nothing where one of its items is none."""
    known = [figure_at({"it": it}, "it") for it in value] if isinstance(value, list) else []
    return () if None in known else tuple(it for it in known if it is not None)


def _said(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4f}"


def _columns(panels: tuple[Panel, ...]) -> int:
    return min(COLUMNS, len(panels))


def _size(panels: tuple[Panel, ...]) -> tuple[float, float]:
    if len(panels) == 1:
        return 6.0, 4.0
    rows = math.ceil(len(panels) / COLUMNS)
    return WIDE, HEIGHT * max(1.0, rows / 2)
