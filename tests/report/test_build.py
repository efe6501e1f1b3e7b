"""The folder of a report: every file, the same bytes again, and nobody else's files lost."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cqltui.errors import InputError
from cqltui.report import build as building
from cqltui.report.build import build
from cqltui.report.figure import Axis, Figure, Line, Panel
from cqltui.report.material import Material
from cqltui.report.tables import TABLES
from cqltui.state.model import Status
from tests.report.materials import material


def drawn(material: Material) -> Figure:
    """A figure of the campaign's name and the runs' ends."""
    values = tuple(float(its.metrics["loss"][-1]) for its in material.curves.values())
    line = Line("loss", tuple(map(float, range(len(values)))), values)
    panel = Panel("loss", Axis("task"), Axis("loss"), (line,))
    return Figure("a_figure", material.campaign.title, "Losses.", f"{len(values)} losses.", (panel,))


def undrawn(material: Material) -> Figure:
    return Figure("another_figure", "Nothing", "Nothing.", "", reason="Nothing was measured.")


@pytest.fixture(scope="module", autouse=True)
def _few_figures() -> Iterator[None]:
    """Each of the report's own has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "FIGURES", (drawn, undrawn))
        yield


@pytest.fixture(scope="module")
def found() -> Material:
    return material()


def step(what: str, done: int = 0, total: int = 0) -> None:
    """Tell nobody."""


@pytest.fixture(scope="module")
def report(found: Material, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report. To be read only."""
    folder = tmp_path_factory.mktemp("built") / "report"
    assert build(found, folder, step) == folder / "report.html"
    return folder


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_has_every_file(report: Path, found: Material) -> None:
    files = content(report)
    tables = [make(found) for make in TABLES]
    expected = {f"tables/{table.name}.{kind}" for table in tables for kind in ("tex", "csv")}
    expected |= {f"figures/a_figure.{kind}" for kind in ("svg", "pdf", "png", "tex")}
    expected |= {"figures/another_figure.tex"}
    expected |= {
        "report.html",
        "METHODS.md",
        "methods.tex",
        "references.bib",
        "results.parquet",
        "tables/ope_gate.json",
    }
    assert set(files) == expected | {"report.json"}
    assert b"Nothing was measured." in files["figures/another_figure.tex"]
    assert json.loads(files["report.json"])["files"] == sorted(expected)
    assert files["figures/a_figure.pdf"].startswith(b"%PDF")
    assert all(path.stat().st_mode & 0o022 == 0 for path in report.rglob("*"))


def test_a_tables_file_has_its_rows_or_the_reason(report: Path, found: Material) -> None:
    for table in (make(found) for make in TABLES):
        written = (report / "tables" / f"{table.name}.csv").read_text(encoding="utf-8")
        if table.reason:
            assert table.reason.replace(",", ";") in " ".join(written.split())
        else:
            rows = list(csv.reader(written.splitlines()))
            assert [column.name for column in table.columns] in rows


def test_the_page_begins_with_the_verdict_and_names_the_files(report: Path) -> None:
    page, said = (report / "report.html").read_text(encoding="utf-8"), json.loads((report / "report.json").read_text())
    assert said["verdict"][0].startswith("No verdict")
    told = said["verdict"][0].removeprefix("No verdict on betting: ").partition(" (")[0]
    assert page.index(told) < page.index("Losses.")
    for name in ("METHODS.md", "methods.tex", "references.bib", "results.parquet"):
        assert f'href="{name}"' in page


def test_the_same_run_gives_the_same_bytes(report: Path, found: Material, tmp_path: Path) -> None:
    build(found, tmp_path / "again", step)
    assert content(tmp_path / "again") == content(report)


def test_a_report_that_is_there_is_replaced_unless_it_is_interrupted(found: Material, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    build(found, folder, step)
    (folder / ".DS_Store").write_text("a system's")
    before = content(folder)

    def stop(what: str, done: int = 0, total: int = 0) -> None:
        if what == "writing the page":
            raise KeyboardInterrupt

    other = replace(found, campaign=replace(found.campaign, title="Another title"))
    with pytest.raises(KeyboardInterrupt):
        build(other, folder, stop)
    assert content(folder) == before
    build(other, folder, step)
    assert b"Another title" in content(folder)["report.html"]
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize("name", ["notes.txt", "tables/mine.tex", "figures/more/deep.svg"])
def test_a_folder_with_something_else_in_it_stays(found: Material, report: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "report"
    for file, data in content(report).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("a night's work")
    with pytest.raises(InputError, match=r"holds something else .*, which a report would replace: move it away"):
        build(found, folder, step)
    assert (folder / name).read_text() == "a night's work"


def test_a_folder_that_is_no_report_stays(found: Material, report: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "report.html").write_text("mine")
    for said in (b"{}", b'{"format": "cqltui.report/1", "files": "report.html"}'):
        (tmp_path / "thesis" / "report.json").write_bytes(said)
        with pytest.raises(InputError, match=r"holds something else \(report.html\)"):
            build(found, tmp_path / "thesis", step)


def test_the_folder_that_one_is_in_is_not_replaced(
    found: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    for folder in (Path(), tmp_path, Path("/")):
        with pytest.raises(InputError, match="is the folder that this command is given in"):
            build(found, folder, step)
    assert os.listdir(tmp_path) == ["sub"]  # noqa: PTH208


def test_an_interim_report_says_so(found: Material, tmp_path: Path) -> None:
    first = found.records[0]
    open_one = replace(first, standing=replace(first.standing, status=Status.QUEUED))
    build(replace(found, records=(open_one, *found.records[1:])), tmp_path / "report", step)
    said = json.loads((tmp_path / "report" / "report.json").read_text())
    assert said["interim"] is True
    assert "nterim" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
