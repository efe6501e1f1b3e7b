"""`cqltui report`, by hand and at a campaign's end: what is written, what is kept, and what is never opened for it."""

import csv
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from cqltui.app.material import read_material
from cqltui.cli import main
from cqltui.errors import ExitCode
from cqltui.report import build as building
from cqltui.report.tables import TABLES
from cqltui.results.rundir import RunDir, read_json, write_json
from tests.integration.place import Place, until
from tests.once import once

SHORT = ("--set", "epochs_scale=0.05", "--set", "report.auto=true", "--set", "evaluate.price_per_hour=1.5")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A campaign that has ended and written its report by itself. To be read only."""

    def make(folder: Path) -> None:
        place = Place(folder)
        try:
            run = place.complete(*SHORT)
        finally:
            place.end_all()
        (folder / "said.txt").write_text(run.err)

    return Place(once(tmp_path_factory, "reported", make))


@pytest.fixture
def run_dir(shared: Place, tmp_path: Path) -> Path:
    """A copy of its run, with the report."""
    shutil.copytree(shared.run_dir.path, tmp_path / "runs" / "small")
    return tmp_path / "runs" / "small"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that is made in this process has no figures and few tables: each has tests of its own."""
    monkeypatch.setattr(building, "FIGURES", ())
    monkeypatch.setattr(building, "TABLES", TABLES[:1])


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def said_of(run_dir: Path) -> dict[str, Any]:
    found = read_json(RunDir(run_dir).report_json)
    assert found is not None
    return found


def test_a_campaign_writes_its_report_by_itself(shared: Place) -> None:
    found, err = shared.run_dir, (shared.folder / "said.txt").read_text()
    assert "writing the report" in err
    assert err.rstrip().endswith(f"report: {found.report_html}"), "the last line says where it is"
    assert sorted(said_of(found.path)["files"]) == sorted({*content(found.report)} - {"report.json"})
    assert not found.test_opened.exists(), "the report opens no test rows"
    journal = [event["data"].get("text", "") for event in shared.journal() if event["kind"] == "notice"]
    assert f"report: {found.report_html}" in journal, "whoever looks later finds it"
    with (found.report / "tables" / "cost_table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["cost"]) for row in rows] == pytest.approx([1.5 * float(row["hours"]) for row in rows])


def test_a_campaign_that_has_ended_gets_the_report_that_it_lacks_and_no_other(shared: Place, tmp_path: Path) -> None:
    place = Place(tmp_path)
    shutil.copytree(shared.run_dir.path, place.run_dir.path)
    first = place.ask(place.campaign.name, "--no-ui", *SHORT)
    assert "writing the report" not in first.err, "it is there"
    shutil.rmtree(place.run_dir.report)
    left_out = place.ask(place.campaign.name, "--no-ui", *SHORT, "--no-report")
    assert not place.run_dir.report.exists()
    assert "report" not in left_out.err
    place.run_dir.report.mkdir()
    (place.run_dir.report / "notes.txt").write_text("mine")
    refused = place.ask(place.campaign.name, "--no-ui", *SHORT)  # exits 0 all the same
    assert "the report was not written: " in refused.err
    assert "holds something else (notes.txt)" in refused.err
    assert content(place.run_dir.report) == {"notes.txt": b"mine"}


@pytest.mark.usefixtures("few")
def test_by_hand_it_says_the_verdict_and_where_it_is(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(run_dir / "report")
    other = tmp_path / "elsewhere" / "chapter 4"
    assert main(["report", str(run_dir), "-o", str(other)]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == said_of(run_dir)["verdict"][0]
    assert lines[-1] == f"report: {other / 'report.html'}"
    assert content(run_dir / "report") == before
    assert main(["report", str(run_dir), "--json", "--price-per-hour", "2"]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert told["page"] == str(run_dir / "report" / "report.html")
    assert told["verdict"] == said_of(run_dir)["verdict"]
    assert main(["report", str(run_dir), "-o", str(run_dir)]) == ExitCode.INPUT
    assert "which a report would replace" in capsys.readouterr().err


def test_one_that_is_killed_leaves_the_one_before(run_dir: Path, shared: Place, tmp_path: Path) -> None:
    before = content(run_dir / "report")
    place = Place(tmp_path / "place")
    command = place.start("report", str(run_dir))
    until(lambda: list(run_dir.glob(".report-*.new/tables/*.csv")), "the first table")
    command.send(signal.SIGKILL)
    command.ends(-signal.SIGKILL)
    assert content(run_dir / "report") == before
    assert list(run_dir.glob(".report-*.new"))


@pytest.mark.usefixtures("few")
def test_what_a_killed_one_has_left_goes_with_the_next(run_dir: Path) -> None:
    (run_dir / ".report-0123abcd.new" / "tables").mkdir(parents=True)
    assert main(["report", str(run_dir)]) == ExitCode.OK
    assert not list(run_dir.glob(".report-*"))


@pytest.mark.usefixtures("few")
def test_a_run_that_goes_on_is_judged_on_validation_and_says_so(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = next(run_dir.glob("tasks/*/task.json"))
    task = json.loads(path.read_text())
    task["life"]["status"] = "queued"
    write_json(path, task)
    assert main(["report", str(run_dir)]) == ExitCode.OK
    said = said_of(run_dir)
    assert (said["interim"], said["part"]) == (True, "validation")
    assert capsys.readouterr().out.startswith("No verdict yet: 5 of 6 tasks are done.")
    assert (run_dir / "evaluation" / "validation.json").is_file()
    assert not RunDir(run_dir).test_opened.exists()
    assert not RunDir(run_dir).evaluation_json.exists()


def test_without_the_extra_it_names_it_and_the_text_is_there(
    run_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqltui.app.reporting.missing_packages", lambda: ["matplotlib"])
    assert main(["report", str(run_dir)]) == ExitCode.INPUT
    assert "the report needs matplotlib: pip install 'cqltui[report]'" in capsys.readouterr().err
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["report", str(run_dir), "--text"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 60
    assert "A small campaign" in lines
    assert ["1", "epoch"] in [line.split()[:2] for line in lines], "there are plots"


def test_what_is_no_run_and_what_cannot_be_written_is_refused(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "nothing")]) == ExitCode.INPUT
    (run_dir / "report").rename(tmp_path / "elsewhere")
    (run_dir / "report").symlink_to(tmp_path / "elsewhere")
    before = content(tmp_path / "elsewhere")
    assert main(["report", str(run_dir)]) != ExitCode.OK
    assert "is a link or no file" in capsys.readouterr().err
    (tmp_path / "file").write_text("mine")
    assert main(["report", str(run_dir), "-o", str(tmp_path / "file")]) == ExitCode.INPUT
    assert content(tmp_path / "elsewhere") == before
    assert (tmp_path / "file").read_text() == "mine"


def test_what_is_there_and_cannot_be_read_is_told(run_dir: Path) -> None:
    assert read_material(RunDir(run_dir)).notes == ()
    evaluation = RunDir(run_dir).evaluation_json
    evaluation.parent.mkdir(exist_ok=True)
    evaluation.write_text('{"format": "cqltui.eval', encoding="utf-8")
    task = next(path for path in sorted((run_dir / "tasks").iterdir()) if path.is_dir())
    (task / "metrics.csv").write_text("epoch,loss\n", encoding="utf-8")
    damaged, lost = read_material(RunDir(run_dir)).notes
    assert damaged.startswith("evaluation.json is damaged")
    assert lost.endswith(f"their curves are left out: {task.name}.")


def test_text_and_files_exclude_each_other(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for other in (["--json"], ["--open"], ["-o", "there"]):
        assert main(["report", str(run_dir), "--text", *other]) == ExitCode.INPUT
        assert "--text prints here and writes no report" in capsys.readouterr().err
