"""`cqltui predict`: the bets that were evaluated, again from a file; and games whose scores are to come."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from msgspec import to_builtins

from cqltui.app.evaluating import Asked, evaluate_run
from cqltui.campaign.model import EvaluateConfig
from cqltui.cli import main
from cqltui.errors import ExitCode
from cqltui.results.rundir import RunDir, write_json
from cqltui.state.model import Lifecycle, Status, TaskInfo
from tests.integration.place import Place
from tests.trainer.test_data_games import Game, schedule
from tests.trainer.test_data_games import write as write_games
from trainer.config import ACTIONS, STATE_COLUMNS, DataConfig
from trainer.data import load
from trainer.data.standardise import fit_standardiser
from trainer.evaluation.ensemble import choose_cut, opinions, q_values
from trainer.layout import initial_row, make_layout
from trainer.model import Model, read_model, write_model

Row = dict[str, str]


@pytest.fixture(scope="module")
def evaluated(undisturbed: Place, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A copy of the small run, evaluated. To be read only."""
    run_dir = RunDir(tmp_path_factory.mktemp("predict") / "small")
    shutil.copytree(undisturbed.run_dir.path, run_dir.path)
    evaluate_run(run_dir, Asked("a test", settings=EvaluateConfig(resamples=100)))
    return run_dir


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test rows of the small run's market as a file, without results."""
    test = load(DataConfig()).test
    offered = test.decisions
    assert offered is not None
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*STATE_COLUMNS, "game_id", "season", "week", "bet_home", "r"])
        for row, state in enumerate(test.states.tolist()):
            told = (offered.game_ids[row], offered.seasons[row], offered.weeks[row], int(offered.home[row]))
            writer.writerow([*state, *told, ""])
    return path


@pytest.fixture
def copy(evaluated: RunDir, tmp_path: Path) -> RunDir:
    """One to change."""
    run_dir = RunDir(tmp_path / "copy")
    shutil.copytree(evaluated.path, run_dir.path)
    return run_dir


def predicted(capsys: pytest.CaptureFixture[str], run_dir: RunDir, *options: object) -> tuple[list[Row], str]:
    """The rows of the CSV, and what was said beside it."""
    assert main(["predict", str(run_dir.path), *map(str, options)]) == ExitCode.OK
    said = capsys.readouterr()
    return list(csv.DictReader(said.out.splitlines())), said.err


def bets_of(run_dir: RunDir, policy: str) -> dict[str, tuple[str, float, float, float]]:
    """Side, stake, Q mean and Q std by game."""
    with run_dir.bets_csv.open(encoding="utf-8") as file:
        return {
            row["game"]: (row["side"], float(row["stake"]), float(row["q_mean"]), float(row["q_std"]))
            for row in csv.DictReader(file)
            if row["policy"] == policy
        }


def taken(rows: list[Row]) -> dict[str, tuple[str, float, float, float]]:
    """The same of predictions."""
    return {
        row["game_id"]: (row["side"], float(row["stake"]), float(row["q_mean"]), float(row["q_std"]))
        for row in rows
        if row["action"] != "no-bet"
    }


def is_alike(
    found: dict[str, tuple[str, float, float, float]], other: dict[str, tuple[str, float, float, float]]
) -> bool:
    return found.keys() == other.keys() and all(
        found[game][:2] == other[game][:2] and np.allclose(found[game][2:], other[game][2:], atol=1e-5)
        for game in found
    )


def test_it_bets_as_was_evaluated(
    evaluated: RunDir, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, said = predicted(capsys, evaluated, rows)
    confident = bets_of(evaluated, "CQL ensemble, confident")
    assert len(found) == 570
    assert len(confident) > 20
    assert is_alike(taken(found), confident)
    reasons = {row["reason"].partition(" (")[0] for row in found}
    assert {"", "less certain than the cut"} <= reasons <= {"", "less certain than the cut", "no bet has the largest Q"}
    verdict, sentence, audit, networks, cut, *_ = said.splitlines()
    assert verdict.startswith("verdict on CQL ensemble, confident: ")
    assert f"it rests on {len(confident)} test bets (" in verdict
    assert sentence.startswith("  It ")
    assert audit == "leak audit: clean"
    assert networks.startswith("2 networks, phase ensemble (")
    assert cut.endswith("which kept the most confident 20% of the validation bets")
    assert said.splitlines()[-1] == f"570 games without a result: {len(confident)} to bet on"

    everything, said = predicted(capsys, evaluated, rows, "--confident", "1")
    assert "it is of the most confident 20%, not of the most confident 100% that are asked for" in said
    whole = bets_of(evaluated, "CQL ensemble")
    assert len(taken(everything)) > 0.8 * len(whole), "test bets may be less certain than any of validation"
    assert taken(everything).keys() <= whole.keys()

    out = tmp_path / "bets.csv"
    assert predicted(capsys, evaluated, rows, "-o", out)[0] == []
    assert is_alike(taken(list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))), confident)
    assert main(["predict", str(evaluated.path), str(rows), "-o", "-"]) == ExitCode.INPUT
    assert "leave -o out" in capsys.readouterr().err
    assert main(["predict", str(evaluated.path), str(rows), "-o", str(rows)]) == ExitCode.INPUT
    assert "is there already and holds no predictions" in capsys.readouterr().err


def test_what_the_evaluation_says_is_said_and_not_believed(
    copy: RunDir, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(copy.evaluation_json.read_text(encoding="utf-8"))

    def told(change: dict[str, object], code: int) -> str:
        write_json(copy.evaluation_json, document | change)
        assert main(["predict", str(copy.path), str(rows), "--json"]) == code
        out, err = capsys.readouterr()
        assert not out or len(json.loads(out)["games"]) == 570
        return err

    leak = [
        {**policy, "verdict": {"verdict": "leak", "sentence": "It knows."}} if "confident" in policy["name"] else policy
        for policy in document["policies"]
    ]
    assert told({"policies": leak}, ExitCode.UNFINISHED).startswith("DO NOT BET ON THIS: the verdict is leak")
    audit = document["leak_audit"] | {"grade": "LEAK", "trusted": False}
    other = {"provenance": {"results": "of then"}, "leak_audit": audit}
    said = told(other, ExitCode.UNFINISHED)
    assert said.startswith("DO NOT BET ON THIS: the leak audit says leak")
    assert "no verdict on CQL ensemble: the evaluation is of other results than there are now" in said
    choices = document["choices"]
    away = {**choices, "ensemble": [{**member, "task": "../../x"} for member in choices["ensemble"]]}
    assert "choices.ensemble[0].task: expected a task of the run" in told({"choices": away}, ExitCode.INPUT)
    gone = {**choices, "ensemble": [{**member, "which": "e9"} for member in choices["ensemble"]]}
    assert "the weights 'e9' are not there any more (there are: last, best" in told({"choices": gone}, ExitCode.INPUT)
    single, _ = predicted_as(copy, document | {"choices": {**choices, "ensemble": [], "cut": None}}, rows, capsys)
    assert {row["q_std"] for row in single} == {""}
    assert main(["predict", str(copy.path), str(rows), "--confident", "0.5"]) == ExitCode.INPUT
    assert "--confident: only an ensemble tells how certain it is" in capsys.readouterr().err


def test_a_damaged_evaluation_is_not_taken_for_none(
    copy: RunDir, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = copy.evaluation_json.read_text(encoding="utf-8")
    for content in (whole[:9000], "[]", "", '{"format": "cqltui.evaluation/1", "part": "test"}'):
        copy.evaluation_json.write_text(content, encoding="utf-8")
        assert main(["predict", str(copy.path), str(rows)]) == ExitCode.INPUT
        assert "evaluation.json: holds no evaluation that can be read: run `cqltui evaluate`" in capsys.readouterr().err
    copy.evaluation_json.unlink()
    said = predicted(capsys, copy, rows)[1]
    assert "the evaluation that was made is not there any more" in said
    assert "leak audit: not known" in said


def predicted_as(
    run_dir: RunDir, document: dict[str, object], rows: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[list[Row], str]:
    """As `predicted`, by another evaluation."""
    write_json(run_dir.evaluation_json, document)
    return predicted(capsys, run_dir, rows)


# Games


@pytest.fixture(scope="module")
def games_run(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run on games that says it has trained two networks, which have learnt nothing. To be read only."""
    run_dir = RunDir(tmp_path_factory.mktemp("games") / "run")
    path = run_dir.path / "games.csv"
    run_dir.path.mkdir()
    config = DataConfig(source="games", path=write_games(path, schedule()))
    dataset = load(config)
    said = {
        "campaign": {"data": to_builtins(config, enc_hook=str)},
        "data": {"digest": dataset.digest()},
        "data_path": str(path),
    }
    write_json(run_dir.campaign_json, said)
    layout, scale = make_layout((8,), len(STATE_COLUMNS)), fit_standardiser(dataset.train.states)
    for index, task in enumerate(("a0000001", "b0000002")):
        info, life = TaskInfo(task, "ensemble", index=index, settings={"seed": index}), Lifecycle(status=Status.DONE)
        write_json(run_dir.task_json(task), {"info": to_builtins(info), "life": to_builtins(life)})
        tensors = layout.views(initial_row(layout, index))
        write_model(run_dir.model(task), Model(tensors, scale, (8,), STATE_COLUMNS, ACTIONS))
    return run_dir


def to_play(games: list[Game], count: int = 4) -> list[Game]:
    """The games, the last of them still to be played."""
    return [*games[:-count], *({**game, "result": ""} for game in games[-count:])]


def test_games_to_come_have_the_q_values_that_they_would_have_had(
    games_run: RunDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_games(tmp_path / "now.csv", to_play(schedule()))
    found, said = predicted(capsys, games_run, path)
    assert said.splitlines()[:3] == [
        "no verdict on CQL ensemble: not evaluated: `cqltui evaluate` does",
        "leak audit: not made",
        "2 networks, phase ensemble (last weights), not chosen by validation: the last weights",
    ]
    dataset = load(DataConfig(source="games", path=games_run.path / "games.csv"))
    models = [read_model(games_run.model(task)) for task in ("a0000001", "b0000002")]
    q = q_values(models, dataset.validation.states)
    view = opinions(q)
    last = range(len(dataset.validation) - 4, len(dataset.validation))
    assert [row["game_id"] for row in found] == list((dataset.validation.game_ids or ())[-4:])
    assert [row["q_action"] for row in found] == [ACTIONS[view.actions[row]] for row in last]
    assert [float(row["q_mean"]) for row in found] == pytest.approx([view.mean[row].max() for row in last], abs=1e-6)
    assert {row["confident"] for row in found} == {""}

    _, said = predicted(capsys, games_run, path, "--confident", "0.5")
    cut = choose_cut(view.uncertainty, 0.5)
    assert f"an uncertainty of at most {cut.threshold:.4g}, which kept the most confident 50%" in said


def test_a_file_with_another_history_is_refused(
    games_run: RunDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    games = to_play(schedule())
    corrected = [{**game, "total_line": "45"} if place == 100 else game for place, game in enumerate(games)]
    _, said = predicted(capsys, games_run, write_games(tmp_path / "now.csv", corrected))
    assert (
        f"1 of the 156 games that the run knows too have other features here; the first is {games[100]['game_id']}"
        in said
    )
    later = write_games(tmp_path / "later.csv", games[40:])
    assert main(["predict", str(games_run.path), str(later)]) == ExitCode.INPUT
    assert "games that the run knows too have other features here than it was trained on" in capsys.readouterr().err


def test_without_the_runs_data_the_cut_is_refused_and_the_comparison_is_left_out(
    games_run: RunDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = RunDir(tmp_path / "moved")
    shutil.copytree(games_run.path, run_dir.path)
    document = json.loads(run_dir.campaign_json.read_text(encoding="utf-8"))
    write_json(run_dir.campaign_json, document | {"data_path": str(tmp_path / "gone.csv")})
    path = write_games(tmp_path / "now.csv", to_play(schedule()))
    found, said = predicted(capsys, run_dir, path)
    assert len(found) == 4
    assert "note: whether its features are those of training could not be compared: " in said
    assert main(["predict", str(run_dir.path), str(path), "--confident", "0.5"]) == ExitCode.INPUT
    assert "--confident 0.5 needs the validation rows, by which the cut is made: " in capsys.readouterr().err
    shutil.rmtree(run_dir.task("b0000002"))
    found, said = predicted(capsys, run_dir, path)
    assert "1 network, task a0000001 (last weights)" in said
    write_json(
        run_dir.task_json("c0000003"), json.loads(run_dir.task_json("a0000001").read_text()) | {"info": {"phase": "x"}}
    )
    assert main(["predict", str(run_dir.path), str(path)]) == ExitCode.INPUT
    assert "nothing says which of its 2 networks to ask" in capsys.readouterr().err
