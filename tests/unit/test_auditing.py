"""The leak audit before a run: what it says of a file, who has to say yes, and what is kept of it."""

import argparse
import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cqltui.app import options, screen
from cqltui.app.auditing import LeakError, ask, at_start, expect_agreed, keep, look
from cqltui.app.before import start_fresh
from cqltui.app.options import RunOptions, expect_run
from cqltui.app.question import DeclinedError
from cqltui.app.starting import check
from cqltui.campaign.load import load_campaign
from cqltui.cli import main
from cqltui.commands import run
from cqltui.errors import ExitCode, InputError
from cqltui.results.rundir import AUDIT_FORMAT, RunDir, read_json, write_json
from tests.unit.test_data_check import log
from trainer import data
from trainer.config import STATE_COLUMNS, DataConfig, Split

CAMPAIGN = """
[campaign]
name = "night"
[data]
source = "logged"
path = "bets.csv"
[trainer]
precision = "fp32"
alpha = 0.3
lr = 1e-3
epochs = 2
hidden_dims = [8]
[workers]
device = "cpu"
[[phase]]
name = "only"
[[phase.task]]
"""


@pytest.fixture
def leaky(tmp_path: Path) -> DataConfig:
    """400 bets whose `edge` knows the margin."""
    return DataConfig(source="logged", path=log(tmp_path / "bets.csv", leak=True))


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "run")


@pytest.fixture
def chosen(leaky: DataConfig, tmp_path: Path, run_dir: RunDir) -> RunOptions:
    """A campaign on that file."""
    (tmp_path / "night.toml").write_text(CAMPAIGN, encoding="utf-8")
    return RunOptions(load_campaign(tmp_path / "night.toml"), run_dir, None)


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_leak_is_named_with_file_column_and_fix_and_needs_a_yes(leaky: DataConfig, run_dir: RunDir) -> None:
    path = leaky.path
    assert path is not None
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(",edge,", ",my_edge,"), encoding="utf-8")
    columns = tuple((name, "my_edge" if name == "edge" else name) for name in STATE_COLUMNS)
    found = look(replace(leaky, state_cols=columns), run_dir)
    assert (found.grade, found.trusted, found.known) == ("leak", False, False)
    assert found.lines[0].startswith(f"LEAK: {path}, column 'my_edge': AUC ")
    assert any(line.startswith(f"LEAK: {path}, all features together: AUC ") for line in found.lines)
    with pytest.raises(LeakError) as refused:
        expect_agreed(found, yes=False)
    assert refused.value.exit_code == ExitCode.INPUT
    *findings, fix = refused.value.problems
    assert tuple(findings) == found.lines
    assert all(word in fix for word in ("trainer.state_cols", f"`cqltui data check {path}`", "--yes trains on it"))
    expect_agreed(found, yes=True)
    assert not run_dir.path.exists()


def test_what_was_agreed_to_is_known_to_the_next_start_with_the_same_data(leaky: DataConfig, run_dir: RunDir) -> None:
    found = look(leaky, run_dir)
    keep(run_dir, found)
    steps: list[str] = []
    again = look(leaky, run_dir, lambda what, done=0, total=0: steps.append(what))
    assert (again.lines, again.trusted, again.known, steps) == (found.lines, False, True, [])
    expect_agreed(again, yes=False)
    assert not look(replace(leaky, split=Split(validation_seasons=1, test_seasons=1)), run_dir).known
    for damage in ({"format": "x"}, {"key": "x"}, {"leak_audit": 3}):
        write_json(run_dir.audit_json, {**(found.document or {}), **damage})
        assert not look(leaky, run_dir).known
    keep(run_dir, found)
    assert leaky.path is not None
    with leaky.path.open("a", encoding="utf-8") as file:
        file.write(leaky.path.read_text(encoding="utf-8").splitlines()[-1].replace("g399", "g400") + "\n")
    assert not look(leaky, run_dir).known


def test_clean_data_is_nobodys_business_and_the_test_rows_stay_closed(tmp_path: Path, run_dir: RunDir) -> None:
    clean = DataConfig("logged", log(tmp_path / "c.csv", leak=False), split=Split(validation_seasons=2, test_seasons=2))
    found = look(clean, run_dir)
    assert (found.grade, found.lines, found.warnings, found.trusted) == ("clean", (), (), True)
    expect_agreed(found, yes=False)
    assert clean.path is not None
    rows = list(csv.DictReader(clean.path.read_text(encoding="utf-8").splitlines()))
    for row in rows:
        if int(row["season"]) >= 2021:
            row["edge"] = str((int(row["home_score"]) - 40) / 400)
    other = tmp_path / "leaky_later.csv"
    with other.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    again = look(replace(clean, path=other), run_dir)
    assert found.document is not None
    assert again.document is not None
    assert again.document["leak_audit"] == found.document["leak_audit"]
    assert again.document["rows"] == {"train": 200, "validation": 100}


def test_a_start_leaves_simulated_data_to_the_evaluation(run_dir: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "load", None)
    found = at_start(DataConfig(), run_dir)
    expect_agreed(found, yes=False)
    keep(run_dir, found)
    assert (found.warnings, run_dir.path.exists()) == ((), False)


def test_findings_are_asked_about(
    leaky: DataConfig, run_dir: RunDir, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = look(leaky, run_dir)
    answer(monkeypatch, "\n")
    with pytest.raises(DeclinedError, match="nothing was started"):
        ask(found)
    said = capsys.readouterr().err
    assert said.startswith(f"{found.lines[0]}\n")
    assert said.endswith("Train on it all the same? [y/N] ")
    answer(monkeypatch, "y\n")
    expect_agreed(found, yes=False, can_ask=True)


def test_a_plan_warns(chosen: RunOptions, capsys: pytest.CaptureFixture[str], probed_once: None) -> None:
    assert main(["plan", str(chosen.campaign.path), "--json", "--run-dir", str(chosen.run_dir.path)]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert told["leak_audit"] == "leak"
    assert [line for line in told["warnings"] if line.startswith("leak audit: LEAK: ") and "column 'edge'" in line]
    assert not chosen.run_dir.path.exists()


def test_what_comes_before_the_supervisor_needs_the_yes_and_keeps_it(chosen: RunOptions) -> None:
    told: list[str] = []
    with pytest.raises(LeakError):
        check(chosen, told.append, yes=False)
    assert told == ["Reading the data.", "Reading the data.", "Auditing the data for leaks."]
    assert not chosen.run_dir.path.exists()
    check(chosen, told.append, yes=True)
    del told[:]
    expect_run(chosen.run_dir)  # which was begun, and cut off here
    check(chosen, told.append, yes=False)
    assert told == ["Reading the data."], "it is known"
    (chosen.run_dir.path / "audit.json").write_text("{}", encoding="ascii")
    with pytest.raises(InputError, match="holds other files"):
        expect_run(chosen.run_dir)


def test_a_fresh_start_moves_nothing_without_a_yes_and_asks_once(chosen: RunOptions) -> None:
    place = chosen.run_dir.path
    write_json(place / "campaign.json", {"campaign": {}})
    with pytest.raises(LeakError):
        start_fresh(chosen, yes=False, can_ask=False)
    assert [path.name for path in place.parent.glob("run*")] == ["run"]
    start_fresh(chosen, yes=True, can_ask=False)
    assert (place.parent / "run.old-1" / "campaign.json").is_file()
    assert look(chosen.campaign.data, chosen.run_dir).known
    start_fresh(chosen, yes=False, can_ask=False)
    assert look(chosen.campaign.data, chosen.run_dir).known


def test_a_yes_after_the_screen_shows_it_again(
    chosen: RunOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The audit is made behind the screen, which closes for the question."""
    shown: list[bool] = []

    def show(chosen: RunOptions, checked: Any, supervised: object, preferences: object) -> int:
        shown.append(checked.keywords["yes"])
        checked(lambda text: None)
        return ExitCode.OK

    monkeypatch.setattr(screen, "show", show)
    monkeypatch.setattr(options, "is_on_screen", lambda arguments: True)
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    arguments = parser.parse_args([str(chosen.campaign.path), "--run-dir", str(chosen.run_dir.path)])
    answer(monkeypatch, "n\n")
    with pytest.raises(DeclinedError):
        run.run(arguments)
    answer(monkeypatch, "y\n")
    assert run.run(arguments) == ExitCode.OK
    assert shown == [False, False, True]
    assert (read_json(chosen.run_dir.audit_json) or {})["format"] == AUDIT_FORMAT
