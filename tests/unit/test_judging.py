"""Judging: which curves are looked at and when, what is compared with what, and which checks fit which tasks."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from cqltui.algorithms.base import REQUIRED
from cqltui.campaign import criteria
from cqltui.campaign.asked import params_of, title
from cqltui.campaign.criteria import CHECKS
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign
from cqltui.errors import InputError
from cqltui.judging import checks
from cqltui.judging.judge import watching
from cqltui.results import study
from cqltui.results.record import TaskStanding
from cqltui.results.rundir import RunDir, read_json, write_json
from cqltui.results.study import Study
from cqltui.results.tables import write_results
from cqltui.state.described import Verdict
from cqltui.state.model import Status
from tests.unit.small_run import FILE, finish

DEEP = Path(__file__).parents[2] / "campaigns" / "deep.toml"
TOKEN = "1-7"
"""Of the results that `finish` leaves."""


def test_every_check_is_declared_and_judged() -> None:
    assert list(CHECKS) == list(checks.JUDGINGS)
    assert tuple(checks.OPERATORS) == criteria.OPERATORS
    assert ("best", "worst", *checks.REDUCTIONS) == criteria.REDUCTIONS
    assert all(check.help.endswith(".") and all(p.help for p in check.params.values()) for check in CHECKS.values())


def test_what_a_file_need_not_say() -> None:
    defaults = {
        name: {key: param.default for key, param in check.params.items() if param.default is not REQUIRED}
        for name, check in CHECKS.items()
    }
    assert {name: own for name, own in defaults.items() if own} == {
        "metric": {"reduce": "best"},
        "still_falling": {"min_drop": 0.01},
        "smooth": {"max_roughness": 0.05, "window": 0.05},
        "conclusive": {"metric": "val_loss", "within": ("alpha",)},
        "no_overfitting": {"max_rise": 0.1},
        "ensemble_diversity": {"above": 0.0},
        "uncertainty_correlates": {"min_correlation": 0.1},
        "deployment_ready": {"keep_share": 0.2, "min_win_rate": 0.53},
    }


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each task's file was read for the criteria, as "task/file"."""
    counted: Counter[str] = Counter()

    def counting(name: str) -> None:
        reader: Callable[[Path], Any] = getattr(study, name)

        def counts(path: Path, *_: object) -> Any:
            counted[f"{path.parent.name}/{path.name}"] += 1
            return reader(path)

        monkeypatch.setattr(study, name, counts)

    counting("read_metrics")
    counting("read_q_heldout")
    return counted


def test_at_the_end_of_a_task_its_files_alone_are_read(run_dir: RunDir, campaign: Campaign, read: Counter[str]) -> None:
    """And of them only what a criterion of its phase asks for: a curve in the first, Q in the second."""
    known, standings = Study(run_dir, campaign), {}
    for number, each in enumerate(campaign.tasks):
        finish(run_dir, each, 0.1 + number)
        standings[each.id] = TaskStanding(Status.DONE, 1, "", TOKEN)
        read.clear()
        known.verdicts(standings)
        file = "metrics.csv" if each.phase == "quality" else "q_heldout.safetensors"
        assert read == {f"{each.id}/{file}": 1}
    read.clear()
    written = write_results(run_dir, campaign, standings, known)
    assert not read
    assert [verdict.passed for phase in written.phases for verdict in phase.verdicts] == [True, True, True]
    anew = write_results(run_dir, campaign, standings)
    assert (anew, len(read)) == (written, 5)


def test_a_result_that_replaces_another_is_looked_at(run_dir: RunDir, campaign: Campaign, read: Counter[str]) -> None:
    one, two = campaign.phase("quality").tasks
    finish(run_dir, one, 0.5)
    finish(run_dir, two, 0.7)
    known = Study(run_dir, campaign)
    standings = {each.id: TaskStanding(Status.DONE, 1, "", TOKEN) for each in (one, two)}
    assert low(known.verdicts(standings)).detail.startswith("best loss 0.5000 ")

    running = standings | {one.id: TaskStanding(Status.RUNNING, 1, "", "1-8")}
    assert low(known.verdicts(running)).detail == "not yet evaluated: 1 of 2 tasks have ended"
    dead = standings | {one.id: TaskStanding(Status.DEAD, 3, "ValueError: bad", "1-9")}
    assert low(known.verdicts(dead)).detail.startswith("best loss 0.7000 ")

    again = standings | {one.id: TaskStanding(Status.DONE, 1, "", "1-10")}
    read.clear()
    assert low(known.verdicts(again)).detail.startswith("best loss 0.5000 "), "the new files are not here yet"
    run_dir.metrics_csv(one.id).unlink()
    result = read_json(run_dir.result_json(one.id))
    assert result is not None
    result["metrics"]["loss"] = 0.25
    write_json(run_dir.result_json(one.id), result | {"token": "1-10"})
    for _ in range(2):
        assert low(known.verdicts(again)).detail.startswith("best loss 0.2500 ")
    assert read == {f"{one.id}/metrics.csv": 2}


def low(verdicts: dict[str, tuple[Verdict, ...]]) -> Verdict:
    return verdicts["quality"][1]


def test_a_phase_whose_seeds_another_asks_for_is_looked_at_for_it() -> None:
    looked = watching(load_campaign(DEEP))
    names = {name: [title(asked) for asked in its] for name, its in looked.items()}
    assert "criterion (conclusive)" in names["ensemble"]
    assert "criterion (conclusive)" not in names["quality"]
    assert (
        names["ensemble"].count("questions (architectures)")
        == names["exploration"].count("questions (architectures)")
        == 3
    )
    assert "questions (architectures)" not in names["quality"]


# What the file may say

CONCLUSIVE = 'text = "They differ"\ncheck = "conclusive"\nseeds_from = "ensemble"\n'


def load(tmp_path: Path, criterion: str) -> Campaign:
    path = tmp_path / "file.toml"
    path.write_text(FILE.replace('text = "They differ"\ncheck = "ensemble_diversity"\n', criterion), encoding="utf-8")
    return load_campaign(path)


@pytest.mark.parametrize(
    ("said", "read"),
    [('""', ()), ("[]", ()), ('"lr"', ("lr",)), ('["lr", "alpha", "lr"]', ("lr", "alpha")), ('"alpha"', ("alpha",))],
)
def test_within_is_read(tmp_path: Path, said: str, read: tuple[str, ...]) -> None:
    (criterion,) = load(tmp_path, f"{CONCLUSIVE}within = {said}\n").phase("ensemble").criteria
    assert criterion.param("within") == read
    assert params_of(criterion)["within"] == read


def test_within_leaves_no_trace_in_a_file_that_does_not_name_it(tmp_path: Path) -> None:
    """A run directory of before keeps the same criteria: its results are not set aside as another file's."""
    (criterion,) = load(tmp_path, CONCLUSIVE).phase("ensemble").criteria
    assert to_builtins(criterion)["params"] == (("metric", "val_loss"), ("seeds_from", "ensemble"))
    assert params_of(criterion)["within"] == ("alpha",)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ('"alhpa"', 'there is no setting "alhpa"; did you mean alpha?'),
        ('["alpha", "seed"]', "'seed' only repeats a configuration: name another setting"),
        ("7", "expected the name of a setting, or a list of names, found 7"),
        ("[0.3]", "expected the name of a setting, or a list of names, found a list of 1"),
    ],
)
def test_a_wrong_within_is_named(tmp_path: Path, said: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, f"{CONCLUSIVE}within = {said}\n")
    assert [p.partition(": ")[2] for p in caught.value.problems] == [f"phase.ensemble.criterion[0].within: {problem}"]


def test_a_check_of_another_algorithm_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHECKS, "ensemble_diversity", replace(CHECKS["ensemble_diversity"], algorithm="other"))
    with pytest.raises(InputError) as caught:
        load(tmp_path, 'text = "They differ"\ncheck = "ensemble_diversity"\n')
    assert [problem.partition(": ")[2] for problem in caught.value.problems] == [
        "phase.ensemble.criterion[0].check: 'ensemble_diversity' judges tasks of algorithm 'other', and the phase's "
        "tasks are of 'cql'"
    ]


def test_which_checks_need_what_only_cql_has() -> None:
    assert {name for name, check in CHECKS.items() if check.algorithm} == {
        "alpha_sensitivity",
        "ensemble_diversity",
        "uncertainty_correlates",
    }
    assert {check.algorithm for check in CHECKS.values()} == {"", "cql"}
