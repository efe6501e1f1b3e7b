"""Whatever has become of a run, its report has every table and figure, or the reason in its place, in every format."""

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from cqltui.campaign.model import TaskSpec
from cqltui.report.csvfile import csv_text
from cqltui.report.drawing.draw import draw
from cqltui.report.figures import FIGURES
from cqltui.report.latex import figure_tex, table_tex
from cqltui.report.material import Material
from cqltui.report.methods.writing import methods_md, methods_tex
from cqltui.report.page.page import render_page
from cqltui.report.tables import TABLES
from cqltui.report.verdict import headline
from cqltui.results.record import TaskStanding
from cqltui.results.rundir import RunDir
from cqltui.results.summary import summarize
from cqltui.state.model import Status
from tests.report.materials import CAMPAIGN, Values, falling, material
from tests.report.pages import HOSTILE

ONE = CAMPAIGN.partition("[[phase.task]]\nalpha = 0.5")[0]
MANY = CAMPAIGN.replace("seed = [1, 2, 3]", f"seed = {list(range(1, 999))}")


def diverged(task: TaskSpec) -> Values:
    """Losses that end as no numbers, of a third seed in nothing else."""
    whole = dict(falling(task))
    return {name: np.where(np.arange(len(it)) >= (task.trainer.seed != 3), np.nan, it) for name, it in whole.items()}


def unvalidated(task: TaskSpec) -> Values:
    """Losses on training rows alone."""
    return {name: it for name, it in falling(task).items() if not name.startswith("val_")}


def judged(found: Material) -> Material:
    """The same with a summary of its records."""
    verdicts: dict[str, tuple[()]] = {phase.name: () for phase in found.campaign.phases}
    return replace(found, summary=summarize(RunDir(Path("small")), found.campaign, found.records, verdicts))


def failed() -> Material:
    """Two of five tasks have failed, one of them with an error that is none of ours."""
    found = material(waiting=(1, 3))
    errors = iter((HOSTILE, ""))
    records = tuple(
        replace(it, standing=TaskStanding(Status.DEAD, 3, next(errors))) if it.result is None else it
        for it in found.records
    )
    phases: dict[str, tuple[()]] = {phase.name: () for phase in found.campaign.phases}
    return replace(
        found, records=records, summary=summarize(RunDir(found.campaign.path), found.campaign, records, phases)
    )


def hostile() -> Material:
    """Texts of the campaign are markup of every kind that is written."""
    found = material()
    phases = tuple(replace(it, title=HOSTILE, goal=HOSTILE, expected=HOSTILE) for it in found.campaign.phases)
    planned = replace(found.campaign, title=HOSTILE, description=HOSTILE, phases=phases)
    records = tuple(replace(it, task=replace(it.task, title=HOSTILE, description=HOSTILE)) for it in found.records)
    provenance = replace(found.provenance, run=HOSTILE, command=(HOSTILE,))
    return judged(replace(found, campaign=planned, records=records, provenance=provenance))


KINDS = {
    "one task": lambda: material(ONE),
    "nothing done": lambda: material(waiting=range(5)),
    "failed tasks": failed,
    "no numbers": lambda: material(values=diverged),
    "no validation": lambda: material(values=unvalidated),
    "1,000 tasks": lambda: material(MANY),
    "markup": hostile,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_can_be_made(kind: str) -> None:
    found = KINDS[kind]()
    assert found.evaluation is None, "as of every run without test seasons"
    tables = [make(found) for make in TABLES]
    figures = [make(found) for make in FIGURES]
    assert len({*(it.name for it in tables), *(it.name for it in figures)}) == len(TABLES) + len(FIGURES)
    for table in tables:
        assert csv_text(table).startswith(table.columns[0].name)
        assert f"\\label{{tab:{table.name}}}" in table_tex(table)
    for figure in figures:
        assert f"\\label{{fig:{figure.name}}}" in figure_tex(figure)
    shown = [figure for figure in figures if figure.name == "cql_training_curves"]
    drawn = {figure.name: draw(figure) for figure in shown if figure.panels}
    said = headline(found)
    assert methods_tex(found)
    methods = methods_md(found)
    page = render_page(found, tables, shown, drawn, verdict=(said.sentence, said.basis), methods=methods)
    assert len(page) < 3_000_000
    assert "<script>alert" not in page
    for table in tables:
        assert (table.reason != "") == (not table.rows)
        assert f'id="{table.name}"' in page
