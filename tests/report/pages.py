"""For tests of the page: materials that are judged, figures and tables of all kinds, and the page as elements."""

from collections.abc import Callable, Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from cqltui.campaign.model import TaskSpec
from cqltui.judging.answers import answer_all
from cqltui.judging.judge import evaluate_all, watching
from cqltui.judging.judge import figures as kept
from cqltui.judging.outcomes import Left, TaskOutcome
from cqltui.report.drawing.spans import Span
from cqltui.report.figure import Axis, Band, Bars, Figure, Line, Panel, Points, Rule
from cqltui.report.material import Curves, Material
from cqltui.report.table import Column, Table, absent
from cqltui.results.rundir import RunDir
from cqltui.results.summary import summarize
from tests.report.materials import CAMPAIGN, Values, falling, material
from trainer.progress import EpochMetrics

HOSTILE = r"</script><script>alert(1)</script> <!-- 100 % & 'x' \"y\" Größe → 漢字 \textbf{x} $a_b$ #~^ {{ 7*7 }}"
ASKING = """
questions = [
    { text = "How far?", answer = "convergence", epochs = [2, 4], reference = 2 },
    { text = "How low?", answer = "best_loss" },
    "What is it about?",
]
[[phase.criterion]]
text = "Everything completes"
check = "all_done"
[[phase.criterion]]
text = "Low loss"
metric = "loss"
op = "<"
value = 0.05
"""
VOID = frozenset({"meta", "link", "br", "hr", "img", "input", "col", "wbr", "path", "rect", "use", "circle"})


class Element(Struct):
    """An element of a page."""

    tag: str
    attributes: dict[str, str]
    parts: list["Element | str"] = field(default_factory=list)

    def all(self, tag: str = "", **wanted: str) -> "list[Element]":
        """What is inside of it, of that tag and with those attributes, in the page's order."""
        return [
            it
            for it in self._inside()
            if (not tag or it.tag == tag) and all(it.attributes.get(name) == value for name, value in wanted.items())
        ]

    def _inside(self) -> "Iterator[Element]":
        for part in self.parts:
            if isinstance(part, Element):
                yield part
                yield from part._inside()

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    @property
    def said(self) -> str:
        """What people read: without styles, scripts and data."""
        hidden = {"style", "script"}
        return " ".join(
            part if isinstance(part, str) else part.said
            for part in self.parts
            if isinstance(part, str) or part.tag not in hidden
        )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].parts.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def read(page: str) -> Element:
    """The page as elements; every one that is begun has to end in its place."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == [reader.root], f"<{reader.open[-1].tag}> does not end"
    return reader.root


def asking(campaign: str = CAMPAIGN) -> str:
    """The campaign with questions and criteria in its first phase."""
    head, goal, tail = campaign.partition('goal = "the best loss"\n')
    return head + goal + ASKING + tail if goal else campaign


def judged(values: Callable[[TaskSpec], Values] = falling, text: str = "", **more: Any) -> Material:
    """A material whose questions are answered and whose criteria are judged by its curves."""
    found = material(text or asking(), values, **more)
    wanted = watching(found.campaign)
    outcomes = [
        TaskOutcome(
            record.task,
            record.standing.status,
            None if record.result is None else kept(wanted[record.task.phase], record.task, _left(found, record.task)),
        )
        for record in found.records
    ]
    verdicts, answers = evaluate_all(found.campaign, outcomes), answer_all(found.campaign, outcomes)
    return replace(found, summary=summarize(RunDir(Path("small")), found.campaign, found.records, verdicts, answers))


def _left(found: Material, task: TaskSpec) -> Left:
    rows = tuple(_rows(found.curves[task.id]))
    return Left(lambda: rows, seconds=8.0)


def _rows(curves: Curves) -> Iterator[EpochMetrics]:
    for place, epoch in enumerate(curves.epochs):
        told = {name: float(values[place]) for name, values in curves.metrics.items()}
        yield EpochMetrics(epoch=int(epoch), **{name: None if np.isnan(v) else v for name, v in told.items()})  # type: ignore[arg-type]


def tables() -> list[Table]:
    """One of every kind of value, one of which nobody knows the place, one that cannot be computed."""
    columns = (
        Column("name", "Name"),
        Column("share", "Share", "percent", 1, signed=True, help="Of all."),
        Column("count", "Count", "integer"),
        Column("value", "Value", "number", 3),
        Column("flag", "Flag", "flag"),
    )
    rows = (
        ("ten", 0.1, 10, -0.5, True),
        ("nine", -0.09, 9, float("nan"), False),
        (HOSTILE, None, 1_000_000, 2.25, None),
    )
    return [
        Table("cql_betting_performance_table", HOSTILE, f"Rows of {HOSTILE}.", columns, rows, (f"{HOSTILE}",)),
        Table("of_nobody", "A table of nobody", "What was counted.", columns[:1], (("a",),)),
        absent("zero_weeks_table", "Weeks", "Weeks without a bet.", columns, "No week: `cqltui evaluate` brings it."),
    ]


def figures_of_all_kinds(lines: int = 3, points: int = 40) -> list[Figure]:
    """Lines on a logarithmic axis beside bars and points; and one that there is not."""
    x = tuple(float(n) for n in range(1, points + 1))
    drawn = tuple(
        Line(HOSTILE if place == 0 else f"line {place}", x, tuple(1 / (n + place) for n in x), color=place)
        for place in range(lines)
    )
    curves = Panel("Losses", Axis("epoch", "log"), Axis("loss"), (*drawn, Band("range", x[:3], (0.0,) * 3, (1.0,) * 3)))
    bars = Bars("bars", (0.0, 1.0), (0.25, 0.5), names=("left", "right"))
    spread = Points("points", (0.0, 1.0), (0.2, 0.4), 1, (0.1, 0.3), (0.3, 0.5))
    shares = Panel(
        HOSTILE,
        Axis("side", categories=("home", "away")),
        Axis("share", format="percent"),
        (bars, spread, Rule("even", 0.5)),
    )
    return [
        Figure(
            "cql_training_curves",
            "Curves",
            f"Losses of {HOSTILE}.",
            f"Three lines, {HOSTILE}",
            (curves, shares),
            2,
            (7.5, 4.0),
        ),
        Figure("bankroll_hist", "Bankroll", "Bankrolls.", "", reason="No bankroll: there are no bets."),
    ]


class Frame(Struct, frozen=True):
    """As of `cqltui.report.drawing.draw`, which loads matplotlib."""

    left: float
    top: float
    width: float
    height: float
    x: Span
    y: Span


class Sketch(Struct, frozen=True):
    """A stand-in for a drawing, for tests that look at no picture."""

    page_svg: str
    panels: Any


def sketches(figures: Sequence[Figure]) -> dict[str, Sketch]:
    """What stands for the drawings of the figures that have panels."""
    return {
        figure.name: Sketch(
            '<svg class="plot" viewBox="0 0 100 50"><path d="M 0 0"/></svg>',
            tuple(
                Frame(0.0, 0.0, 50.0, 50.0, Span(1.0, 40.0, panel.x.scale == "log"), Span(0.0, 1.0))
                for panel in figure.panels
            ),
        )
        for figure in figures
        if figure.panels
    }
