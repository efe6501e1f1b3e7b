"""`cqltui data check`: what it says of a file, and its exit code."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from cqltui.cli import main
from cqltui.errors import ExitCode
from trainer.config import STATE_COLUMNS


def log(path: Path, leak: bool) -> Path:
    """400 bets at -110 on sides that a coin decides; `leak`: the feature `edge` knows the margin, but for noise."""
    rng = np.random.default_rng(5)
    margin = rng.integers(-20, 20, 400)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["game_id", "season", "week", *STATE_COLUMNS, "action", "r", "home_score", "away_score"])
        for number, won_by in enumerate(margin.tolist()):
            edge = won_by / 400 + rng.normal() / 100 if leak else rng.normal() / 20
            state = [0.5, 40 + number % 9, rng.normal() / 9, rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7), edge]
            action = number % 4
            profit = (0.0, 0.2, 0.6, 1.0)[action] * (10 / 11 if won_by > 0.5 else -1)
            writer.writerow(
                [f"g{number}", 2015 + number // 50, number % 50 // 3, *state, action, profit, 40 + won_by, 40]
            )
    return path


def test_a_file_without_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", str(log(tmp_path / "d.csv", leak=False)), "--json"]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["seasons"], told["outcomes_known"]) == (400, list(range(2015, 2023)), 400)
    assert told["audit"]["trusted"]
    assert {finding["grade"] for finding in told["audit"]["findings"]} <= {"CLEAN", "UNTESTED", "SUSPECT"}


def test_a_feature_that_knows_the_outcome_comes_first_and_the_exit_code_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "check", str(log(tmp_path / "d.csv", leak=True))]) == ExitCode.UNFINISHED
    findings = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("leak ", "wrong ", "clean "))]
    assert findings[0].split()[:3] == ["leak", "edge", "AUC"]
    assert sum(line.startswith("leak") for line in findings) == 3, "by itself, by all features together, by the margin"


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "there is no such file"), ("a,b\n1,2\n", "column 'spread_close': the file has no such")],
)
def test_a_file_that_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, said: str
) -> None:
    path = tmp_path / "d.csv"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert main(["data", "check", str(path)]) == ExitCode.INPUT
    assert said in capsys.readouterr().err
