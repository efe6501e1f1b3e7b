"""What the report writes for LaTeX is what pdflatex takes: every character, every width, every length."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cqltui.app.evaluating import Asked, evaluate_run
from cqltui.app.material import read_material
from cqltui.campaign.model import EvaluateConfig
from cqltui.report.figure import Axis, Figure, Line, Panel
from cqltui.report.figures import FIGURES
from cqltui.report.latex import LONG, PACKAGES, all_of, figure_tex, table_tex
from cqltui.report.latexchars import breakable, escape
from cqltui.report.material import Material
from cqltui.report.table import Cell, Column, Table, absent
from cqltui.report.tables import TABLES
from cqltui.results.rundir import RunDir
from tests.integration.place import TWO, Place
from tests.integration.sessions import compile_once
from tests.once import once

HOSTILE = (
    r"50 % of \input{/etc/passwd} & $\alpha_1$ #2 ~ ^ {x} --no-ui <b> \"quoted\" ``so'' [a] *b | € £ "
    "naïve façade Šárka Łódź ₁ x² ½ … — – − ± ≤ α Ω µ 中文 🏈 \u202e \u00a0 ﬁ Ａ \ud800"
)
PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 432 288]>>endobj
trailer<</Root 1 0 R>>
"""
"""An empty page of 6 by 4 inches."""
POINTS = 5.0
"""What may stand out of a line."""


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (r"a\b", r"a\textbackslash{}b"),
        ("5 % & $x_1$ #{~^}", r"5 \% \& \$x\_1\$ \#\{\textasciitilde{}\textasciicircum{}\}"),
        ("--no-ui", "-{}-no-ui"),
        ("1–2 — −3", r"1--2 --- \ensuremath{-}3"),
        ("naïve Š ı ø", r"na\"{\i{}}ve \v{S} \i{} \o{}"),
        ("x² H₂ ½", r"x\textsuperscript{2} H\textsubscript{2} 1\ensuremath{/}2"),
        ("α Ω Α", r"\ensuremath{\alpha} \ensuremath{\Omega} [U+0391]"),
        ("ﬁＡ", "fiA"),
        ("中 🏈", "[U+4E2D] [U+1F3C8]"),
        ("a\nb\x1b[31mc\x00", "a bc"),
        ("e\u0301", r"\'{e}"),
    ],
)
def test_every_character_is_printed_as_itself_or_as_its_nearest(text: str, source: str) -> None:
    assert escape(text) == source


def test_a_long_word_may_be_broken_and_a_short_one_is_not() -> None:
    assert breakable("short a_b") == r"short a\_b"
    assert breakable("cql_architecture_x") == r"cql\_\allowbreak{}architecture\_\allowbreak{}x"
    assert breakable("0123456789abcdef") == r"0123456789abc\allowbreak{}def"


def numbers() -> Table:
    columns = (
        Column("name", "Name & co"),
        Column("roi", "ROI", "percent", digits=1, signed=True),
        Column("loss", "validation TD", "number", digits=3),
        Column("count", "Parameters", "integer"),
        Column("kept", "Kept", "flag"),
    )
    rows = (
        ("[a] 100 %", 0.0523, -0.1234, 1_234_567, True),
        ("b", -0.5, 12.0, None, False),
        ("*", None, float("nan"), 3, None),
        (None, 0.0, 1e12, 0, True),
    )
    return Table("numbers", "Numbers", "Of all kinds.", columns, rows, ("A note: 5 % & more.",))


def test_numbers_are_those_of_the_table_with_room_for_the_widest() -> None:
    source = table_tex(numbers())
    assert (
        r"\begin{tabular}{lS[retain-explicit-plus,table-format=+2.1]S[table-format=-2.3]S[table-format=7.0]c}" in source
    )
    assert r"Name \& co & {ROI \%} & {\shortstack{validation\\TD}} & {Parameters} & {Kept} \\" in source
    assert "{}[a] 100 \\% & +5.2 & -0.123 & 1234567 & yes \\\\\nb & -50.0 & 12.000 & {--} & no \\\\" in source
    assert "{}* & {--} & {--} & 3 & -- \\\\\n-- & +0.0 & {\\num{1.000e+12}} & 0 & yes \\\\" in source
    assert r"\caption[{Numbers}]{Numbers. Of all kinds.}" in source
    assert r"\label{tab:numbers}" in source
    assert r"\raggedright A note: 5 \% \& more." in source
    for package in PACKAGES:
        assert f"% {package}\n" in source


def test_what_there_is_not_says_why() -> None:
    table = absent("none", "None", "Nothing.", (Column("a", "A"),), "No task is done_yet.")
    assert r"\emph{No task is done\_yet.}" in table_tex(table)
    figure = Figure("none", "None", "Nothing.", "", reason="No & nothing.")
    assert r"\emph{No \& nothing.}" in figure_tex(figure)
    assert "includegraphics" not in figure_tex(figure)


def many(count: int, columns: int) -> Table:
    """So many rows and columns, with text that is long and text without a blank."""
    named = tuple(
        Column(f"c{n}", f"{HOSTILE[80:100]} {n}" if n == 2 else f"column {n}", "number", 4) for n in range(columns)
    )
    digest = "27bfe8a835e34d0e0b44d9f489d90c7d5628e336df502f418e995334e9a26996"
    text = Column("text", HOSTILE), Column("digest", "Digest"), Column("words", "Words")
    words = "Several words that go on and on."
    rows: list[tuple[Cell, ...]] = [
        (HOSTILE[n : n + 25], digest, words, *(n * 1.5 - 7 for _ in named)) for n in range(count)
    ]
    return Table(f"many_{count}_{columns}", HOSTILE, HOSTILE, (*text, *named), tuple(rows), (HOSTILE, digest * 3))


def drawn() -> Figure:
    panel = Panel("p", Axis("x"), Axis("y"), (Line("l", (0.0,), (1.0,)),))
    return Figure("drawn", HOSTILE, HOSTILE, "", (panel,))


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """What the small run of the integration tests tells, once evaluated."""
    compile_once(tmp_path_factory)
    undisturbed = Place(once(tmp_path_factory, "undisturbed", lambda folder: Place(folder).make(*TWO)))
    run_dir = RunDir(tmp_path_factory.mktemp("latex") / "small")
    shutil.copytree(undisturbed.run_dir.path, run_dir.path)
    evaluate_run(run_dir, Asked("a test", settings=EvaluateConfig(resamples=20)))
    return read_material(run_dir)


def test_pdflatex_takes_every_table_and_figure(tmp_path: Path, material: Material) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex on PATH (Debian: texlive-latex-recommended, -extra, -science): LaTeX is not compiled")
    tables = [numbers(), absent("none", HOSTILE, HOSTILE, (Column("a", "A"),), HOSTILE)]
    tables += [many(3, 2), many(2, 14), many(LONG + 1, 2), many(LONG + 1, 8)]
    figures = [drawn(), Figure("undrawn", HOSTILE, HOSTILE, "", reason=HOSTILE)]
    assert [r"\begin{longtable}" in table_tex(table) for table in tables[-3:]] == [False, True, False]
    tables += [make(material) for make in TABLES]
    figures += [make(material) for make in FIGURES]
    log = compiled(tmp_path, tables, figures)
    assert "undefined" not in log
    assert "Float too large" not in log
    assert not [found for found in re.findall(r"Overfull \\[hv]box \((.+?)pt", log) if float(found) > POINTS], log
    assert re.search(r"Output written on main\.pdf \(\d+ pages", log)


def compiled(folder: Path, tables: list[Table], figures: list[Figure]) -> str:
    """The log of the second of two runs of pdflatex on all of them."""
    for name in ("tables", "figures"):
        (folder / name).mkdir()
    for table in tables:
        (folder / "tables" / f"{table.name}.tex").write_text(table_tex(table), "utf-8")
    for figure in figures:
        (folder / "figures" / f"{figure.name}.tex").write_text(figure_tex(figure), "utf-8")
        (folder / "figures" / f"{figure.name}.pdf").write_bytes(PDF)
    inputs = all_of(tables, figures).replace("\n", "\n\\clearpage\n")
    refs = [rf"\ref{{tab:{table.name}}}" for table in tables] + [rf"\ref{{fig:{figure.name}}}" for figure in figures]
    head = ["\\documentclass[12pt,a4paper]{report}", *PACKAGES, "\\graphicspath{{figures/}}", "\\begin{document}"]
    body = [*refs, inputs, "\\listoftables\\listoffigures", "\\end{document}"]
    (folder / "main.tex").write_text("\n".join((*head, *body)), "utf-8")
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    draft = [*latex[:-1], "-draftmode", latex[-1]]
    for command in (draft, latex):
        environment = os.environ | {"max_print_line": "10000"}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=120)
        log = (folder / "main.log").read_text("latin-1")
        assert done.returncode == 0, "\n".join(log.splitlines()[-60:])
    return log
