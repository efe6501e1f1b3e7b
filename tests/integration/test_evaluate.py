"""`cqltui evaluate` on a run that real workers have trained: what it prints and writes, and what it refuses."""

import csv
import io
import json
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from cqltui.app import evaluating
from cqltui.app.concluding import take_evaluation
from cqltui.cli import main
from cqltui.errors import ExitCode
from cqltui.results.evaluation import bets_csv
from cqltui.results.rundir import RunDir
from cqltui.supervisor.lock import RunLock
from tests.integration.place import Place
from tests.once import once
from trainer.data import DataError
from trainer.model import read_model, write_model


@pytest.fixture
def run_dir(ended: Place) -> Path:
    """A run of the small campaign that has ended."""
    return ended.run_dir.path


def evaluated(run_dir: Path, *options: str) -> int:
    return main(["evaluate", "--run-dir", str(run_dir), *options])


class Look(NamedTuple):
    """What an evaluation printed, and what it left."""

    out: str
    err: str
    told: dict[str, Any]
    summary: str
    answers: dict[str, Any] | None


def look_twice(undisturbed: Place, folder: Path) -> None:
    """Evaluate a copy of the run twice; before the second time its questions become those that an earlier version
    knew, texts alone."""
    run_dir = Place(folder).run_dir
    shutil.copytree(undisturbed.run_dir.path, run_dir.path)
    assert "[ open ] Does confidence help?\n           not yet evaluated" in run_dir.summary_txt.read_text()
    campaign = json.loads(run_dir.campaign_json.read_text())
    campaign["campaign"]["phases"][0]["criteria"] = [{"text": "No leak", "check": "no_leak", "params": []}]
    run_dir.campaign_json.write_text(json.dumps(campaign))
    for number, options in enumerate(((), ("--json",))):
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            assert evaluated(run_dir.path, *options) == ExitCode.OK
        told = json.loads(run_dir.evaluation_json.read_text())
        answers = json.loads(run_dir.answers_json.read_text()) if run_dir.answers_json.exists() else None
        seen = Look(out.getvalue(), err.getvalue(), told, run_dir.summary_txt.read_text(), answers)
        (folder / f"look{number}.json").write_text(json.dumps(seen))
        campaign = json.loads(run_dir.campaign_json.read_text())
        campaign["campaign"]["phases"][2]["questions"] = ["Is it worth it?"]
        run_dir.campaign_json.write_text(json.dumps(campaign))


@pytest.fixture(scope="module")
def looks(undisturbed: Place, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Look]]:
    """The run, and both looks at it."""
    folder = once(tmp_path_factory, "evaluated", lambda made: look_twice(undisturbed, made))
    found = [Look(*json.loads((folder / f"look{number}.json").read_text())) for number in (0, 1)]
    return Place(folder).run_dir.path, found


def test_every_policy_gets_its_figures_and_each_opening_is_written_down(looks: tuple[Path, list[Look]]) -> None:
    run_dir, (first, again) = looks
    assert first.out.startswith("leak audit: clean")
    assert "570 test rows, which no choice has seen; seasons 2023 to 2024" in first.out
    told = first.told
    names = [policy["name"] for policy in told["policies"]]
    assert names[:2] == ["random", "always home"]
    assert {"CQL single", "CQL ensemble", "CQL ensemble, confident", "oracle"} <= {*names}
    always = told["policies"][1]["whole"]
    assert sum(always["record"].values()) == always["decisions"] == 570
    assert always["roi"]["lower"] < always["roi"]["value"] < always["roi"]["upper"]
    cover, told_by_log = told["cover"], told["off_policy"]
    assert cover["fits"][-1]["before"] == 2023
    assert sum(one["count"] for one in cover["whole"]["fitted"]["bins"]) == cover["whole"]["games"] > 500
    assert "P(cover), by" in first.out
    assert (told_by_log["is_answer"], len(told_by_log["policies"])) == (False, 6)
    assert "by the log" in first.out
    assert first.out.index("always home") < first.out.index("always large"), "what the bets returned comes first"
    with (run_dir / "evaluation/bets.csv").open(encoding="utf-8") as file:
        bets = [row for row in csv.DictReader(file) if row["policy"] == "always home"]
    assert {row["side"] for row in bets} == {"home"}
    assert sum(float(row["profit"]) for row in bets) == pytest.approx(always["profit"]["value"])
    assert (run_dir / "evaluation/bets.parquet").is_file()
    assert "the test rows were looked at once before" in again.err
    assert json.loads(again.out)["policies"] == told["policies"], "the same run gives the same figures"
    opened = [json.loads(line) for line in (run_dir / "evaluation/test_opened.jsonl").read_text().splitlines()]
    assert [entry["why"] for entry in opened] == ["cqltui evaluate"] * 2


def test_the_summary_of_a_supervised_run_is_its_supervisors(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (run_dir / "results/summary.txt").read_bytes()
    lock = RunLock(RunDir(run_dir))
    try:
        take_evaluation(RunDir(run_dir))
    finally:
        lock.free()
    assert "the run is supervised: summary and criteria are its supervisor's" in capsys.readouterr().err
    assert (run_dir / "results/summary.txt").read_bytes() == before


def test_a_summary_that_cannot_be_made_again_stays_and_is_told_of(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run_dir / "campaign.json").write_text("{}")
    before = (run_dir / "results/summary.txt").read_bytes()
    take_evaluation(RunDir(run_dir))
    assert "the summary and the criteria stay as they are: " in capsys.readouterr().err
    assert (run_dir / "results/summary.txt").read_bytes() == before


def test_questions_are_answered_by_an_evaluation_that_was_asked_for(looks: tuple[Path, list[Look]]) -> None:
    """In evaluation.json, in the summary and beside it; an earlier version's questions are texts, and stay so."""
    _, (first, again) = looks
    (told,) = first.told["answers"]
    assert first.answers is not None
    assert first.answers["answers"] == [told]
    assert (told["phase"], told["answer"]) == ("ensemble", "confident")
    parts = told["figures"]
    wins = {name: parts[name]["wins"] for name in ("confident", "rest", "all")}
    assert wins["confident"] + wins["rest"] == wins["all"] > 0
    difference = parts["difference"]["win_rate"]["value"]
    assert difference == pytest.approx(parts["confident"]["win_rate"]["value"] - parts["rest"]["win_rate"]["value"])
    assert f"[answer] Does confidence help?\n           {told['lines'][0]}\n" in first.summary
    assert "Evaluation on 570 test rows; leak audit: clean" in first.summary
    assert "[passed] No leak\n           leak audit: clean" in first.summary
    assert "Does confidence help?" not in first.out, "the command says what it said"
    assert (again.told["answers"], again.answers) == ([], None)
    assert "Does confidence help?" not in again.summary


def test_questions_that_cannot_be_read_end_it_before_the_test_rows_are_opened(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = json.loads((run_dir / "campaign.json").read_text())
    campaign["campaign"]["phases"][2]["questions"] = [7]
    (run_dir / "campaign.json").write_text(json.dumps(campaign))
    assert evaluated(run_dir) == ExitCode.INPUT
    assert "campaign.json: campaign.phases[2].questions[0]: expected one line of text" in capsys.readouterr().err
    assert not (run_dir / "evaluation").exists()


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
    assert "[answer] Does confidence help?\n           the cut that kept 20% of the bets" in summary
    assert json.loads(found.evaluation_json.read_text())["answers"][0]["figures"] is not None
    assert re.fullmatch(r"  always home +\d+-\d+-\d+  ROI [-+.\d]+% \([-+.\d]+% to [-+.\d]+%\) +\S.*", always_home)
    place.complete(*always, "--set", "evaluate.confident=0.2")
    assert found.test_opened.read_text().splitlines() == opened, "the same results and settings are not looked at again"
