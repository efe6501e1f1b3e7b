"""Puts the page together: one file of HTML that loads nothing, the same bytes of the same run."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Protocol

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from cqltui.judging.answers import Answered
from cqltui.report.drawing.colors import dark_style
from cqltui.report.figure import Figure
from cqltui.report.material import Material
from cqltui.report.page import facts, plots, prose
from cqltui.report.page.layout import SECTIONS, Arrangement, Section, arrange, named
from cqltui.report.table import Table

if TYPE_CHECKING:
    from cqltui.report.drawing.draw import Frame

NUMERIC = frozenset({"integer", "number", "percent"})
LONG, WIDE, WORDING = 40, 8, 32
"""Rows and columns beyond which a table is in a box of its own, and characters beyond which a value is wrapped."""
ALWAYS = ("audit", "answers", "openings", "files")
"""Sections that have something to say in every report."""
UNANSWERED = "No figures answer it by themselves."
UNDRAWN = "It was not drawn for this page."


class Drawing(Protocol):
    """What the page needs of a drawn figure."""

    @property
    def page_svg(self) -> str:
        """As of `cqltui.report.drawing.draw.Drawn`."""

    @property
    def panels(self) -> "Sequence[Frame]":
        """Where each panel lies in it."""


def render_page(
    material: Material,
    tables: Sequence[Table],
    figures: Sequence[Figure],
    drawn: Mapping[str, Drawing],
    *,
    verdict: Sequence[str] = (),
    kind: str = "",
    methods: str = "",
    also: Sequence[str] = (),
) -> str:
    """Return the report as a page.

    Args:
        material: the run.
        tables: each shown once, as the layout says.
        figures: the same; names of tables and figures may not repeat.
        drawn: by name, those that have panels.
        verdict: lines, the first of which says it.
        kind: of the verdict, as of `facts.VERDICT_TONES`.
        methods: Markdown.
        also: further files of the report, relative to the page.
    """
    arrangement = arrange(material.campaign, tables, figures)
    shown = [figure for figure in figures if figure.panels and figure.name in drawn]
    script, style = _script(), _style()
    answers = {
        (answered.phase, answered.question): answered for phase in material.summary.phases for answered in phase.answers
    }

    def answer(phase: str, question: object) -> Answered | None:
        return answers.get((phase, question))  # type: ignore[arg-type]  # a key that is none is not found

    return _template().render(
        material=material,
        items=named(tables, figures),
        places=arrangement,
        sections=[section for section in SECTIONS if _is_filled(section, arrangement, material, methods)],
        drawings={figure.name: _drawing(figure.name, drawn[figure.name].page_svg) for figure in shown},
        spots={figure.name: plots.data(figure, drawn[figure.name].panels) for figure in shown},
        tables=tables,
        drawable=shown,
        verdict=[line for line in verdict if line],
        tone=facts.VERDICT_TONES.get(kind, "open"),
        methods=prose.html(methods),
        also=also,
        answer=answer,
        facts=facts,
        policy=_policy(script),
        script=Markup(script),
        style=Markup(style),
        numeric=NUMERIC,
        long=LONG,
        wide=WIDE,
        wording=WORDING,
        unanswered=UNANSWERED,
        undrawn=UNDRAWN,
    )


def _drawing(name: str, svg: str) -> Markup:
    """Return a drawing that the elements `title-<name>` and `alt-<name>` describe. Its text is escaped already."""
    said = f'role="img" aria-labelledby="title-{name}" aria-describedby="alt-{name}"'
    return Markup(svg.replace("<svg", f"<svg {said}", 1))


def _is_filled(section: Section, arrangement: Arrangement, material: Material, methods: str) -> bool:
    """Return whether a section has anything to say."""
    has_items = bool(arrangement.sections[section.name] or arrangement.elsewhere.get(section.name))
    if section.name == "methods":
        return bool(methods)
    return has_items or section.name in ALWAYS


def _policy(script: str) -> str:
    """Return what the page may load: nothing, and run: its own script alone. Drawings have styles of their own."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _asset(name: str) -> str:
    return files("cqltui.report.page").joinpath(name).read_text("utf-8")


def _script() -> str:
    """Return all scripts in one scope."""
    return '"use strict";\n{\n' + "".join(map(_asset, ("page.js", "panel.js", "plots.js"))) + "}\n"


def _style() -> str:
    dark = dark_style(".scroll", "var(--paper)")
    return f"{_asset('style.css')}@media screen and (prefers-color-scheme: dark) {{ {dark} }}\n"


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"code": _code, "finite": _finite}
    environment.globals["zip"] = zip
    return environment.from_string(_asset("report.html.j2"))


def _code(text: str) -> Markup:
    """Return a text with what stands between backquotes as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one of them is itself
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts))


def _finite(value: object) -> str:
    """Return a number as the script sorts by it; empty: it comes last."""
    is_number = isinstance(value, int | float) and value == value and abs(value) != float("inf")
    return repr(value) if is_number else ""
