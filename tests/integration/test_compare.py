"""`cqltui compare`: two run directories side by side, in the terminal, as JSON and as a page."""

import json
import shutil
from pathlib import Path

import pytest

from cqltui.cli import main
from cqltui.errors import ExitCode
from cqltui.report.compare.tablepage import FIRST_LINE
from tests.integration.place import TASKS, Place


def test_a_run_and_its_copy_differ_in_nothing(
    undisturbed: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, page = tmp_path / "copy", tmp_path / "page.html"
    shutil.copytree(undisturbed.run_dir.path, copy)
    runs = [str(undisturbed.run_dir.path), str(copy)]
    assert main(["compare", *runs, "--json", "-o", str(page)]) == ExitCode.OK
    said = capsys.readouterr()
    assert f"written to {page}" in said.err
    tables = json.loads(said.out)["tables"]
    assert [row["run"] for row in tables["compare_runs"]["rows"]] == ["small", "copy"]
    assert [(row["done"], row["tasks"]) for row in tables["compare_runs"]["rows"]] == [(TASKS, TASKS)] * 2
    metrics = tables["compare_metrics"]["rows"]
    assert sum(row["n"] for row in metrics if row["metric"] == "loss") == TASKS
    assert {row["difference"] for row in metrics} == {0.0}
    ensemble = [row for row in metrics if row["phase"] == "ensemble"]
    assert [(row["n"], row["lower"], row["upper"]) for row in ensemble] == [(2, 0.0, 0.0)] * 2
    assert tables["compare_configuration"]["reason"] == "The runs have the same data, versions and settings."
    assert page.read_text("utf-8").startswith(FIRST_LINE + "\n")

    assert main(["compare", *runs, "-o", str(page)]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "\nWhat differs\n" in shown
    assert "\nThe runs have the same data, versions and settings.\n" in shown
    assert "Each run is compared with the first." in shown


def test_what_cannot_be_compared_is_refused(
    undisturbed: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, page = str(undisturbed.run_dir.path), tmp_path / "page.html"
    page.write_text("<html>mine</html>\n")
    for arguments, why in (
        ([run], "two runs or more"),
        ([run, str(tmp_path)], "is not a run directory"),
        ([run, run, "-o", str(page)], "holds no comparison of runs"),
        ([run, run, "-o", str(tmp_path / "none" / "page.html")], "there is no folder"),
    ):
        assert main(["compare", *arguments]) == ExitCode.INPUT
        assert why in capsys.readouterr().err
    assert page.read_text() == "<html>mine</html>\n"
