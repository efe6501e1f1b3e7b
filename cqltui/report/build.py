"""The whole report: every table, figure and text as files in one folder, which replaces the one before at once."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

from msgspec.structs import replace

import cqltui
from cqltui.errors import InputError
from cqltui.report.csvfile import csv_text
from cqltui.report.drawing.draw import Drawn, draw
from cqltui.report.figures import FIGURES
from cqltui.report.latex import figure_tex, table_tex
from cqltui.report.material import Material
from cqltui.report.methods.bibliography import BIBLIOGRAPHY
from cqltui.report.methods.writing import methods_md, methods_tex
from cqltui.report.page.page import render_page
from cqltui.report.parquet import write_results
from cqltui.report.tables import TABLES
from cqltui.report.tables.offpolicy import gate
from cqltui.report.verdict import headline
from cqltui.results.folders import replaced_folder
from cqltui.results.reported import FORMAT, made_of
from cqltui.results.rundir import read_json
from trainer.files import write_bytes

T = TypeVar("T")
GATE = "ope_gate.json"
SAID, PAGE, ROWS = "report.json", "report.html", "results.parquet"
METHODS, METHODS_TEX, REFERENCES = "METHODS.md", "methods.tex", "references.bib"
ALSO = (METHODS, METHODS_TEX, REFERENCES, ROWS, f"tables/{GATE}")
"""What the page names beside its tables and figures."""
UNMINDED = (".DS_Store",)
"""What systems leave in folders that somebody looks at."""


class Step(Protocol):
    """Takes in what is being done now; as of `cqltui.reporters.steps`."""

    def __call__(self, what: str, done: int = 0, total: int = 0) -> None:
        """`done` of `total` parts of it, where it has any."""


def build(material: Material, folder: Path, step: Step) -> Path:
    """Write the report into `folder`, in the place of one that is there; return its page. The same material gives the
    same bytes.

    Raises InputError for a folder that holds anything but a report, and OSError; the one before is whole then.
    """
    here = Path.cwd().resolve()
    if folder.resolve() in (here, *here.parents):
        raise InputError(f"{folder}: is the folder that this command is given in: choose one below it, -o report")
    with replaced_folder(folder, expect_report) as draft:
        names = []
        for name, content in _files(material, step):
            write_bytes(draft / name, content, durable=False)  # all of them are put on disk together
            names.append(name)
        step("writing the rows of all tasks")
        write_results(draft / ROWS, material)
        names.append(ROWS)
        step("putting it on disk")
        write_bytes(draft / SAID, _json(_said(material, names)), durable=False)
    return folder / PAGE


def expect_report(folder: Path) -> None:
    """Raise InputError for a folder that holds anything but a report as it was written: it would be lost."""
    said = read_json(folder / SAID) or {}
    files = said.get("files")
    ours = {str(name) for name in files} if said.get("format") == FORMAT and isinstance(files, list) else set()
    known = {SAID, *ours, *(str(parent) for name in ours for parent in Path(name).parents)}
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            found = Path(place, name).relative_to(folder)
            if str(found) not in known and name not in UNMINDED:
                raise InputError(
                    f"{folder}: holds something else ({found}), which a report would replace: move it away, or choose "
                    "another folder with -o DIR"
                )


def _files(material: Material, step: Step) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of every file but report.json, one after the other: all pictures together would take
    much memory."""
    tables = tuple(_made(TABLES, material, "computing the tables", step))
    figures = tuple(_made(FIGURES, material, "computing the figures", step))
    for table in tables:
        yield f"tables/{table.name}.csv", csv_text(table).encode()
        yield f"tables/{table.name}.tex", table_tex(table).encode()
    yield f"tables/{GATE}", _json(gate(material))
    drawn: dict[str, Drawn] = {}
    for number, figure in enumerate(figures):
        step("drawing the figures", number, len(figures))
        yield f"figures/{figure.name}.tex", figure_tex(figure).encode()
        if figure.panels:
            its = draw(figure)
            yield f"figures/{figure.name}.svg", its.svg.encode()
            yield f"figures/{figure.name}.pdf", its.pdf
            yield f"figures/{figure.name}.png", its.png
            drawn[figure.name] = replace(its, svg="", pdf=b"", png=b"")  # it keeps what the page shows
    step("writing the page")
    said, methods = headline(material), methods_md(material)
    page = render_page(
        material,
        tables,
        figures,
        drawn,
        verdict=(said.sentence, said.basis),
        kind=said.kind,
        methods=methods,
        also=ALSO,
    )
    yield PAGE, page.encode()
    yield METHODS, methods.encode()
    yield METHODS_TEX, methods_tex(material).encode()
    yield REFERENCES, BIBLIOGRAPHY.encode()


def _made(makers: tuple[Callable[[Material], T], ...], material: Material, what: str, step: Step) -> Iterator[T]:
    for number, make in enumerate(makers):
        step(what, number, len(makers))
        yield make(material)


def _said(material: Material, names: list[str]) -> dict[str, Any]:
    """Return report.json."""
    said = headline(material)
    standings = {record.task.id: record.standing for record in material.records}
    return {
        "format": FORMAT,
        "cqltui": cqltui.__version__,
        "run": material.provenance.run,
        "interim": material.is_interim,
        "part": material.part,
        "verdict": [said.sentence, said.basis],
        "made_of": made_of(standings, material.evaluation),
        "files": sorted(names),
    }


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode(errors="replace") + b"\n"
