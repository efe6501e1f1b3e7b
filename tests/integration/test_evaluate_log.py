"""`cqltui evaluate` of a log that does not tell how decisions came out: estimates, and what they were chosen by."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from cqltui.app import evaluating
from cqltui.app.evaluating import Asked, evaluate_run
from cqltui.cli import main
from cqltui.errors import ExitCode, InputError
from cqltui.results.evaluated import evaluation_lines
from cqltui.results.rundir import RunDir
from tests.evaluation.test_whole import poisoned
from tests.integration.place import Place
from trainer import data
from trainer.config import STATE_COLUMNS, DataConfig, Split
from trainer.data.types import Dataset
from trainer.evaluation.choosing import Choices

SPLIT = {"validation_seasons": 2, "test_seasons": 2}


def write_log(path: Path, *, but: tuple[str, ...] = ()) -> None:
    """Write the simulator's decisions as a log without scores; without the columns of `but`."""
    dataset = data.load(DataConfig())
    rows: list[dict[str, Any]] = []
    for part in (dataset.train, dataset.validation, dataset.test):
        assert part.seasons is not None
        assert part.weeks is not None
        assert part.propensities is not None
        columns = {name: part.states[:, place].tolist() for place, name in enumerate(STATE_COLUMNS)}
        columns |= {"season": part.seasons.tolist(), "week": part.weeks.tolist(), "action": part.actions.tolist()}
        columns |= {"r": part.rewards.tolist(), "b_prob": part.propensities.tolist()}
        names = [name for name in columns if name not in but]
        rows += [dict(zip(names, cells, strict=True)) for cells in zip(*(columns[n] for n in names), strict=True)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def log_run(ended: Place, *, but: tuple[str, ...] = ()) -> RunDir:
    """The run, as if it had been trained on such a log: the same states, and so the same networks."""
    path = ended.folder / "log.csv"
    write_log(path, but=but)
    digest = data.load(DataConfig(source="logged", path=path, split=Split(**SPLIT))).digest()
    said = json.loads((ended.run_dir.path / "campaign.json").read_text())
    said["campaign"]["data"] |= {"source": "logged", "split": SPLIT}
    said |= {"data_path": str(path), "data": said["data"] | {"digest": digest}}
    (ended.run_dir.path / "campaign.json").write_text(json.dumps(said))
    return ended.run_dir


def test_a_log_without_scores_is_estimated_and_every_choice_says_by_what(
    ended: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = log_run(ended)
    assert main(["evaluate", "--run-dir", str(run_dir.path)]) == ExitCode.OK
    said = capsys.readouterr().out
    assert "how these decisions came out is not known" in said
    assert "570 test rows, which no choice has seen; seasons 2023 to 2024" in said
    told = json.loads(run_dir.evaluation_json.read_text())
    assert (told["policies"], told["cover"], told["off_policy"]["is_answer"]) == ([], None, True)
    assert {task["by"] for task in told["choices"]["tasks"]} <= {"off-policy estimate", "TD loss"}
    assert told["choices"]["single"]["validation_td"] > 0
    found = {its["name"]: its for its in told["off_policy"]["policies"]}
    assert list(found) == [
        "CQL single", "CQL ensemble", "CQL ensemble, confident", "always large", "never bet", "the log's own",
    ]  # fmt: skip
    own = found["the log's own"]
    assert own["roi"]["lower"] < own["roi"]["value"] < own["roi"]["upper"]
    assert own["verdict"] in ("loses", "not distinguishable from break-even", "edge (off-policy estimate)")
    refused = [its for its in found.values() if its["refusals"] and its["bets"]]
    assert refused, "the large bets of the log are few"
    for its in refused:
        assert (its["verdict"], its["value"], its["estimates"], its["roi"]["value"]) == (None, None, [], None)
        assert f"{its['name']}: The log tells too little: {its['refusals'][0]}" in said
    assert (run_dir.evaluation / "bets.csv").read_text().count("\n") == 1, "no bet has an outcome"
    lines = evaluation_lines(told)
    assert len(lines) == 2 + len(found)
    assert lines[2].startswith("  CQL single ")
    assert any(line.endswith(own["verdict"]) and line.startswith("  the log's own") for line in lines)
    assert any("refused: an effective sample of" in line for line in lines)


def test_test_rows_of_noise_change_no_choice_of_a_run(ended: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[Choices] = []

    def stop(_dataset: Dataset, _trained: object, choices: Choices, *_: object, **_options: object) -> None:
        chosen.append(choices)
        raise ValueError("that is enough")

    original = data.load

    def load(config: DataConfig) -> Dataset:
        found = original(config)
        return Dataset(found.state_cols, found.train, found.validation, poisoned(found.test))

    monkeypatch.setattr(evaluating, "evaluate", stop)
    for source in (original, load):
        monkeypatch.setattr(data, "load", source)
        with pytest.raises(InputError, match="that is enough"):
            evaluate_run(ended.run_dir, Asked("a test"))
    clean, bad = chosen
    assert bad == clean
