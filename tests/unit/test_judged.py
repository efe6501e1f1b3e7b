"""The evaluation's files as a screen reads them: what is current, what is not, and what is nonsense."""

import json
from pathlib import Path
from typing import Any

import pytest

from cqltui.judging.told import DEPLOYED, Ensemble, Interval, audit, told
from cqltui.results.digest import FORMAT, digest
from cqltui.results.judged import LARGEST, EvaluationFiles, EvaluationRead, EvaluationWish, Planned
from cqltui.results.rundir import AUDIT_FORMAT, RunDir, write_json
from cqltui.state.model import Lifecycle, RunState, Status, TaskInfo, TaskState

INTERVAL = {"value": 0.1, "lower": -0.2, "upper": 0.3}
POLICY = {
    "name": "CQL ensemble",
    "verdict": {"verdict": "edge", "sentence": "It returns."},
    "compared": {"adjusted_p": 0.25},
    "whole": {
        "record": {"wins": 5, "losses": 3, "pushes": 1},
        "roi": INTERVAL,
        "win_rate": {"value": 0.6},
        "break_even": 0.51,
    },
}
FINDINGS = [
    {"grade": "CLEAN", "subject": "a", "sentence": "fine"},
    {"grade": "SUSPECT", "subject": "b", "sentence": "odd"},
    {"grade": "LEAK", "subject": "c\x1b[2J", "sentence": "knows"},
]


def state(*tokens: str) -> RunState:
    """A run whose tasks are done with these tokens."""
    tasks = {
        f"t{n}": TaskState(TaskInfo(f"t{n}", "p"), Lifecycle(status=Status.DONE, token=token))
        for n, token in enumerate(tokens)
    }
    return RunState(tasks=tasks, epoch=1, seq=len(tokens) + sum(map(len, tokens)))


def document(**changes: Any) -> dict[str, Any]:
    """An evaluation of `state("1-1")`."""
    said = {"results": digest([("t0", "1-1")]), "source": "games", "rows": {"test": 570}, "ts": 5.0, "tasks_done": 1}
    audited = {"grade": "CLEAN", "trusted": True, "findings": FINDINGS[:1]}
    found = {"format": FORMAT, "part": "test", "provenance": said, "leak_audit": audited, "policies": [POLICY]}
    return found | changes


def test_figures_are_those_of_the_document() -> None:
    found = told(document(ensemble={"members": 20, "bets": 50, "coverage": 0.18, "agreement": 0.9}))
    assert (found.part, found.source, found.rows, found.ts, found.tasks_done) == ("test", "games", 570, 5.0, 1)
    one = found.policies[0]
    assert (one.name, one.verdict, one.sentence, one.bets) == ("CQL ensemble", "edge", "It returns.", 9)
    assert (one.roi, one.win_rate, one.break_even, one.p) == (Interval(0.1, -0.2, 0.3), Interval(0.6), 0.51, 0.25)
    assert found.ensemble == Ensemble(20, 0.9, None, 50, 0.18)
    assert found.ensemble.left_out == 41
    assert found.deployed is one
    assert not found.estimated
    names = [{**POLICY, "name": name} for name in ("random", *reversed(DEPLOYED))]
    assert told(document(policies=names)).deployed == told(document(policies=names)).policies[-1]
    assert told(document(policies=names[:1])).deployed is None


def test_one_finding_that_forbids_makes_an_audit_untrusted() -> None:
    found = audit({"leak_audit": {"grade": "LEAK", "trusted": True, "findings": FINDINGS}})
    assert not found.trusted
    assert found.checks == (("LEAK", 1), ("SUSPECT", 1), ("CLEAN", 1))
    assert [(it.grade, it.subject) for it in found.findings] == [("LEAK", "c"), ("SUSPECT", "b")]
    assert audit({"leak_audit": {"trusted": True, "findings": FINDINGS[:2]}}).trusted
    assert not audit({"leak_audit": {"trusted": "yes"}}).trusted


def test_without_outcomes_policies_are_those_of_the_log() -> None:
    its = [
        {"name": "CQL single", "verdict": "loses", "sentence": "By the log.", "bets": 4.5, "roi": INTERVAL},
        {"name": "CQL ensemble", "verdict": None, "bets": 2.0, "refusals": ["too few", "far off"]},
    ]
    found = told(document(off_policy={"is_answer": True, "policies": its}))
    assert found.estimated
    assert [(it.name, it.verdict, it.sentence, it.bets) for it in found.policies] == [
        ("CQL single", "loses", "By the log.", 4.5),
        ("CQL ensemble", "refused", "too few; far off", 2.0),
    ]


@pytest.mark.parametrize("nonsense", [None, 7, "x", [], [None, 3], {"a": []}, 1e400])
def test_nonsense_is_not_known(nonsense: object) -> None:
    for name in ("leak_audit", "provenance", "policies", "ensemble", "off_policy"):
        assert told(document(**{name: nonsense})).part == "test"
    for name in ("verdict", "compared", "whole"):
        assert told(document(policies=[POLICY | {name: nonsense}])).policies[0].name == "CQL ensemble"


def test_files_are_read_when_they_change_and_judged_by_the_results(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    (tmp_path / "evaluation").mkdir()
    look = EvaluationFiles(run_dir)
    assert look(EvaluationWish(0, state("1-1"))) == EvaluationRead()
    write_json(run_dir.campaign_json, {"campaign": {"data": {"source": "games"}}, "data": {"test_rows": 0}})
    write_json(run_dir.audit_json, {"format": AUDIT_FORMAT, "leak_audit": {"grade": "CLEAN", "trusted": True}})
    write_json(run_dir.evaluation_json, document())
    write_json(run_dir.validation_json, document(part="validation"))
    found = look(EvaluationWish(1, state("1-1")))
    assert found.planned == Planned("games", 0)
    assert found.test is not None
    assert found.validation is not None
    assert (found.earlier, found.wrong) == (None, ())
    assert found.audit is not None
    assert found.audit.grade == "CLEAN"
    assert look(EvaluationWish(2, state("1-1"))) is found, "nothing has changed"
    later = look(EvaluationWish(3, state("1-22")))
    assert (later.test, later.earlier) == (None, found.test)
    run_dir.evaluation_json.unlink()
    assert look(EvaluationWish(4, state("1-22"))).earlier is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", json.dumps(document(format="another")).encode()])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes) -> None:
    run_dir = RunDir(tmp_path)
    (tmp_path / "evaluation").mkdir()
    run_dir.evaluation_json.write_bytes(content)
    found = EvaluationFiles(run_dir)(EvaluationWish(0, state("1-1")))
    assert found.test is None
    assert found.wrong == ("evaluation.json cannot be read: run `cqltui evaluate` again, or remove the file",)


def test_a_file_larger_than_any_of_ours_is_not_read(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    with run_dir.audit_json.open("wb") as file:
        file.truncate(LARGEST + 1)
    (wrong,) = EvaluationFiles(run_dir)(EvaluationWish(0, state())).wrong
    assert wrong.startswith("audit.json has 16 MiB")
