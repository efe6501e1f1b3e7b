"""`cqltui evaluate` on a run that real workers have trained: what it prints and writes, and what it refuses."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from cqltui.app import evaluating
from cqltui.app.concluding import take_evaluation
from cqltui.cli import main
from cqltui.errors import ExitCode
from cqltui.results.evaluation import bets_csv
from cqltui.results.rundir import RunDir
from cqltui.supervisor.lock import RunLock
from tests.integration.place import Place
from trainer.data import DataError
from trainer.model import read_model, write_model


@pytest.fixture
def run_dir(ended: Place) -> Path:
    """A run of the small campaign that has ended."""
    return ended.run_dir.path


def evaluated(run_dir: Path, *options: str) -> int:
    return main(["evaluate", "--run-dir", str(run_dir), *options])


def test_every_policy_gets_its_figures_and_each_opening_is_written_down(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = json.loads((run_dir / "campaign.json").read_text())
    campaign["campaign"]["phases"][0]["criteria"] = [{"text": "No leak", "check": "no_leak", "params": []}]
    (run_dir / "campaign.json").write_text(json.dumps(campaign))
    before = {path.name: path.read_text() for path in (run_dir / "results").glob("*.*")}
    assert evaluated(run_dir) == ExitCode.OK
    said = capsys.readouterr()
    assert said.out.startswith("leak audit: clean")
    assert "570 test rows, which no choice has seen; seasons 2023 to 2024" in said.out
    told = json.loads((run_dir / "evaluation/evaluation.json").read_text())
    names = [policy["name"] for policy in told["policies"]]
    assert names[:2] == ["random", "always home"]
    assert {"CQL single", "CQL ensemble", "CQL ensemble, confident", "oracle"} <= {*names}
    always = told["policies"][1]["whole"]
    assert sum(always["record"].values()) == always["decisions"] == 570
    assert always["roi"]["lower"] < always["roi"]["value"] < always["roi"]["upper"]
    cover, told_by_log = told["cover"], told["off_policy"]
    assert cover["fits"][-1]["before"] == 2023
    assert sum(one["count"] for one in cover["whole"]["fitted"]["bins"]) == cover["whole"]["games"] > 500
    assert "P(cover), by" in said.out
    assert (told_by_log["is_answer"], len(told_by_log["policies"])) == (False, 6)
    assert "by the log" in said.out
    assert said.out.index("always home") < said.out.index("always large"), "what the bets returned comes first"
    with (run_dir / "evaluation/bets.csv").open(encoding="utf-8") as file:
        bets = [row for row in csv.DictReader(file) if row["policy"] == "always home"]
    assert {row["side"] for row in bets} == {"home"}
    assert sum(float(row["profit"]) for row in bets) == pytest.approx(always["profit"]["value"])
    assert (run_dir / "evaluation/bets.parquet").is_file()
    after = {path.name: path.read_text() for path in (run_dir / "results").glob("*.*")}
    assert {name: text for name, text in after.items() if name.endswith(".csv")} == {
        name: text for name, text in before.items() if name.endswith(".csv")
    }
    assert "[passed] No leak\n           leak audit: clean" in after["summary.txt"]
    assert "Evaluation on 570 test rows; leak audit: clean" in after["summary.txt"]
    (run_dir / "results/summary.txt").write_text("of its supervisor")
    lock = RunLock(RunDir(run_dir))
    try:
        assert evaluated(run_dir, "--json") == ExitCode.OK
    finally:
        lock.free()
    again = capsys.readouterr()
    assert "the test rows were looked at once before" in again.err
    assert "the run is supervised: summary and criteria are its supervisor's" in again.err
    assert (run_dir / "results/summary.txt").read_text() == "of its supervisor"
    assert json.loads(again.out)["policies"] == told["policies"], "the same run gives the same figures"
    opened = [json.loads(line) for line in (run_dir / "evaluation/test_opened.jsonl").read_text().splitlines()]
    assert [entry["why"] for entry in opened] == ["cqltui evaluate"] * 2


def test_a_summary_that_cannot_be_made_again_stays_and_is_told_of(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run_dir / "campaign.json").write_text("{}")
    before = (run_dir / "results/summary.txt").read_bytes()
    take_evaluation(RunDir(run_dir))
    assert "the summary and the criteria stay as they are: " in capsys.readouterr().err
    assert (run_dir / "results/summary.txt").read_bytes() == before


def test_validation_leaves_the_test_rows_closed(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluated(run_dir, "--validation") == ExitCode.OK
    assert (
        "570 validation rows, by which the networks were chosen: these figures flatter them" in capsys.readouterr().out
    )
    assert sorted(path.name for path in (run_dir / "evaluation").iterdir()) == [
        "validation.json",
        "validation_bets.csv",
        "validation_bets.parquet",
    ]
    told = json.loads((run_dir / "evaluation/validation.json").read_text())
    assert (told["part"], told["provenance"]["rows"]["test"]) == ("validation", 0)


def test_the_opening_is_written_down_before_anything_looks_at_an_outcome(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DataError("the file has gone")

    monkeypatch.setattr(evaluating, "audit_data", fail)
    assert evaluated(run_dir) == ExitCode.INPUT
    assert len((run_dir / "evaluation/test_opened.jsonl").read_text().splitlines()) == 1


def test_a_network_of_other_features_is_refused(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = next((run_dir / "tasks").glob("*/model.safetensors"))
    model = read_model(path)
    write_model(path, replace(model, state_cols=tuple(reversed(model.state_cols))))
    assert evaluated(run_dir) == ExitCode.INPUT
    assert f"{path}: its features or actions are not those of the run's data" in capsys.readouterr().err


def test_a_games_id_is_no_formula_in_a_table(run_dir: Path) -> None:
    found = evaluating.evaluate_run(RunDir(run_dir), evaluating.Asked("a test", "validation"))
    assert found.decisions is not None
    ids = tuple(f"=cmd({row})" for row in range(len(found.decisions)))
    renamed = replace(found.rows, decisions=replace(found.decisions, game_ids=ids))
    rows = list(csv.DictReader(bets_csv(replace(found, rows=renamed)).splitlines()))
    assert {row["game"][:6] for row in rows} == {"'=cmd("}


def test_what_cannot_be_evaluated_is_refused(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = json.loads((run_dir / "campaign.json").read_text())
    for change, said in (
        ({"split": {"validation_seasons": 2, "test_seasons": 0}}, "the run has no test rows: data.split ="),
        ({"seed": 7}, "its rows are not those that the run was trained on"),
        ({"split": {"seasons": "all"}}, "its data cannot be read"),
        (
            {"split": {"validation_seasons": "x", "test_seasons": 2}},
            "data.split.validation_seasons: expected an integer",
        ),
        ({"seed": "x"}, "data.seed: expected an integer"),
        ({"edge_size": [1]}, "data.edge_size: expected a number"),
        ({"state_cols": [["edge", 3]]}, "data.state_cols: expected names"),
        ({"later": 1}, "data.later: unknown key"),
    ):
        other = {**campaign, "campaign": {**campaign["campaign"], "data": campaign["campaign"]["data"] | change}}
        (run_dir / "campaign.json").write_text(json.dumps(other))
        assert evaluated(run_dir) == ExitCode.INPUT
        assert said in capsys.readouterr().err
    assert not (run_dir / "evaluation").exists()


def test_a_campaign_evaluates_itself_once_and_judges_by_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    always = ("--set", "evaluate.automatic=true", "--set", "epochs_scale=0.05")
    run = place.complete(*always)
    assert "evaluating what was trained" in run.err
    found = place.run_dir
    opened = found.test_opened.read_text().splitlines()
    assert [json.loads(line)["why"] for line in opened] == ["every task of the campaign is done"]
    summary = found.summary_txt.read_text()
    assert "Evaluation on 570 test rows; leak audit: clean" in summary
    always_home = next(line for line in summary.splitlines() if line.startswith("  always home"))
    assert re.fullmatch(r"  always home +\d+-\d+-\d+  ROI [-+.\d]+% \([-+.\d]+% to [-+.\d]+%\) +\S.*", always_home)
    place.complete(*always, "--set", "evaluate.confident=0.2")
    assert found.test_opened.read_text().splitlines() == opened, "the same results and settings are not looked at again"
