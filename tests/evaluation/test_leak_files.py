"""Logs as files, from `cqltui data check` to its audit: an honest one, and one with every fault of a published one."""

import json
from pathlib import Path
from typing import Any

import pytest

from cqltui.cli import main
from cqltui.errors import ExitCode
from tests.evaluation.logs import simulated_log, with_every_fault, write_log
from trainer.config import DataConfig
from trainer.data import load
from trainer.evaluation.leak_findings import Log

Told = dict[str, Any]


@pytest.fixture(scope="module")
def log() -> Log:
    return simulated_log(7)


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def checked(log: Log) -> tuple[int, Told]:
        code = main(["data", "check", str(write_log(tmp_path / "log.csv", log)), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return checked


def graded(told: Told, check: str) -> dict[str, str]:
    return {found["subject"]: found["grade"] for found in told["audit"]["findings"] if found["check"] == check}


def test_an_honest_log_is_read_as_it_was_and_is_clean(check: Any, log: Log, tmp_path: Path) -> None:
    code, told = check(log)
    assert code == ExitCode.OK
    assert {found["grade"] for found in told["audit"]["findings"]} == {"CLEAN", "UNTESTED"}
    assert {found["check"] for found in told["audit"]["findings"] if found["grade"] == "UNTESTED"} == {"as_of_replay"}
    assert (told["rows"], told["outcomes_known"], told["notes"], told["warnings"]) == (len(log), len(log), [], [])
    rows = load(DataConfig(source="logged", path=tmp_path / "log.csv")).train
    assert rows.decisions is not None
    assert log.decisions is not None
    first = slice(len(rows))
    assert rows.decisions.margin.tolist() == log.decisions.margin[first].tolist()
    assert rows.decisions.net_odds == pytest.approx(log.decisions.net_odds[first])
    assert rows.states.tolist() == log.states[first].tolist()


def test_every_fault_of_a_published_log_is_named(check: Any, log: Log) -> None:
    code, told = check(with_every_fault(log, 1))
    assert code == ExitCode.UNFINISHED
    leaks = {subject for subject, grade in graded(told, "feature_auc").items() if grade == "LEAK"}
    assert leaks == {"epa_gap", "p_hat", "edge"}
    assert set(graded(told, "features_auc").values()) == {"LEAK"}
    assert graded(told, "rewards_against_scores") == {"rewards": "WRONG"}
    assert graded(told, "propensities") == {"actions": "WRONG"}
    assert set(graded(told, "duplicate_ids").values()) | set(graded(told, "duplicate_states").values()) <= {
        "SUSPECT",
        "WRONG",
        "LEAK",
    }
    said = " ".join(found["sentence"] for found in told["audit"]["findings"])
    assert "with the spread's sign reversed 0 would" in said
    (order,) = (note for note in told["notes"] if "order of time" in note)
    assert order.endswith("rows were not in order of time: sorted by season, week")
    (rewards,) = told["warnings"]
    assert "contradict the scores; with the sign of the spread reversed it would be 0" in rewards
