"""Judging: which curves are looked at and when, what is compared with what, and which checks fit which tasks."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from cqltui.algorithms.base import REQUIRED
from cqltui.campaign import criteria
from cqltui.campaign.criteria import CHECKS
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.errors import InputError
from cqltui.judging import checks
from cqltui.judging.judge import evaluate_all, figures, watching
from cqltui.judging.outcomes import Left, TaskOutcome
from cqltui.results import study
from cqltui.results.record import TaskStanding
from cqltui.results.rundir import RunDir, read_json, write_json
from cqltui.results.study import Study
from cqltui.results.tables import write_results
from cqltui.state.model import Status, Verdict
from tests.unit.test_criteria import done, judge, task, two_architectures
from tests.unit.test_results import FILE, finish
from trainer.progress import EpochMetrics

DEEP = Path(__file__).parents[2] / "campaigns" / "deep.toml"
TOKEN = "1-7"
"""Of the results that `finish` leaves."""

CurveReader = Callable[[Path], tuple[EpochMetrics, ...]]


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


# What is read, and when


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    path = tmp_path / "small.toml"
    path.write_text(FILE, encoding="utf-8")
    return load_campaign(path).identified("data")


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "run")


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
    assert "conclusive" in [criterion.check for criterion in looked["ensemble"]]
    assert "conclusive" not in [criterion.check for criterion in looked["quality"]]


# Conclusive: the epoch that is compared, and what is ranked together


def deep_at_a_twentieth() -> Campaign:
    """Exploration ends at epoch 25 and is validated at 10, 20 and 25; the ensemble at every tenth of its 50."""
    return load_campaign(DEEP, ["epochs_scale=0.05"]).identified("data")


def trained(each: TaskSpec, value: Callable[[int], float]) -> Left:
    """What the task leaves: validated as a worker does it, at `value` of the epoch."""
    epochs, every = each.trainer.epochs, each.trainer.validate_every
    at = [epoch for epoch in range(1, epochs + 1) if epoch % every == 0 or epoch == epochs]
    rows = (EpochMetrics(e, 1.0, 0.5, 0.5, 0.1, 1.0, 1.0, value(e) if e in at else None) for e in range(1, epochs + 1))
    metrics = tuple(rows)
    return Left(lambda: metrics)


def test_the_spread_is_read_at_the_nearest_validated_epoch() -> None:
    """At epochs_scale 0.05, worked out by hand. The ensemble's 20 seeds lie at 0.5 + 0.01 k (k = 0 to 19) at epoch 20
    and five times as far apart elsewhere: their sample standard deviation is 0.01 * sqrt(35) = 0.0592 at epoch 20.

    In the exploration the architectures of alpha 0.3 end 0.1 apart: conclusive at 0.0592, not at five times as much.
    """
    campaign = deep_at_a_twentieth()
    exploration, ensemble = campaign.phase("exploration"), campaign.phase("ensemble")
    assert {each.trainer.epochs for each in exploration.tasks} == {25}
    assert {each.trainer.epochs for each in ensemble.tasks} == {50}
    looked, outcomes = watching(campaign), []
    architectures = sorted({each.trainer.hidden_dims for each in exploration.tasks})
    for each in campaign.tasks:
        if each.phase == "ensemble":
            k = each.trainer.seed - 42
            left = trained(each, lambda epoch, k=k: 0.5 + 0.01 * k * (1 if epoch == 20 else 5))  # type: ignore[misc]
        else:
            place = 0 if each.phase == "quality" else architectures.index(each.trainer.hidden_dims)
            left = trained(each, lambda epoch, place=place: 1.0 + 0.1 * place)  # type: ignore[misc]
        outcomes.append(TaskOutcome(each, Status.DONE, figures(looked[each.phase], each, left)))
    (verdict,) = (v for v in evaluate_all(campaign, outcomes)["exploration"] if v.check == "conclusive")
    first, second = (f"[{', '.join(map(str, dims))}]" for dims in architectures[:2])
    assert verdict.passed is True
    assert verdict.detail.startswith(f"alpha 0.3: {first} val_loss 1.0000, then {second} 1.1000, gap 0.1000; spread ")
    assert "; spread over seeds 0.0592 (at epoch 20, compared with values of epoch 25)" in verdict.detail


def curve(points: dict[int, float], epochs: int, **settings: Any) -> Any:
    """A seed in phase "s", validated at these epochs."""
    values: list[Any] = [points.get(epoch) for epoch in range(1, epochs + 1)]
    return done(task("s", epochs=epochs, **settings), [1.0] * epochs, values)


@pytest.mark.parametrize(
    ("validated", "expected"),
    [
        ((2,), "spread over seeds 0.0200"),
        ((1, 3), "spread over seeds 0.0100 (at epoch 1, compared with values of epoch 2)"),
        ((3,), "spread over seeds 0.0300 (at epoch 3, compared with values of epoch 2)"),
        ((5, 9), "spread over seeds 0.0500 (at epoch 5, compared with values of epoch 2)"),
    ],
)
def test_which_epoch_is_nearest(validated: tuple[int, ...], expected: str) -> None:
    """Two architectures end at epoch 2. At epoch n the two seeds lie so far apart that their spread is n / 100."""
    seeds = [
        curve({epoch: 0.5 + side * epoch / 100 / math.sqrt(2) for epoch in validated}, 9, seed=side) for side in (-1, 1)
    ]
    verdict = judge("conclusive", [*two_architectures(0.02), *seeds], seeds_from="s")
    assert verdict.detail.endswith(f"gap 0.0200; {expected}")


def test_the_later_epoch_is_the_nearer() -> None:
    """Compared at epoch 9: of 5 and 10 the latter, at which the seeds' spread is 0.1."""
    long = [done(task(dims=(d,), epochs=9), [1.0] * 9, [0.9] * 8 + [loss]) for d, loss in ((64, 0.5), (128, 0.75))]
    seeds = [curve({e: 0.5 + side * e / 100 / math.sqrt(2) for e in (5, 10)}, 20, seed=side) for side in (-1, 1)]
    verdict = judge("conclusive", [*long, *seeds], seeds_from="s")
    assert verdict.passed is True
    assert "spread over seeds 0.1000 (at epoch 10, compared with values of epoch 9)" in verdict.detail


def test_an_epoch_that_one_seed_has_alone_is_passed_over() -> None:
    """Its metrics were cut off: the other two share the epochs 1 and 4."""
    cut = curve({1: 0.5, 2: 0.5}, 2, seed=3)
    others = [curve({1: 0.5 + side / 50, 4: 0.9 + side}, 4, seed=side) for side in (-1, 1)]
    cut = replace(cut, task=replace(cut.task, trainer=replace(others[0].task.trainer, seed=3)))
    verdict = judge("conclusive", [*two_architectures(0.03), *others, cut], seeds_from="s")
    assert verdict.passed is True
    assert "spread over seeds 0.0200 (at epoch 1, compared with values of epoch 2)" in verdict.detail


def test_every_alpha_must_be_conclusive() -> None:
    seeds = [
        curve({2: 0.5 + side / 100 / math.sqrt(2)}, 2, seed=side, alpha=alpha)
        for side in (-1, 1)
        for alpha in (0.2, 0.3)
    ]
    both = [*two_architectures(0.02), *two_architectures(0.02, 0.2), *seeds]
    assert judge("conclusive", both, seeds_from="s").passed is True
    one = [*two_architectures(0.02), *two_architectures(0.005, 0.2), *seeds]
    assert judge("conclusive", one, seeds_from="s").passed is False


def test_an_architecture_that_was_never_validated_is_not_ranked() -> None:
    never = done(task(dims=(32,), epochs=2), [1.0, 1.0])
    seeds = [curve({2: 0.5 + side / 100 / math.sqrt(2)}, 2, seed=side) for side in (-1, 1)]
    verdict = judge("conclusive", [never, *two_architectures(0.02), *seeds], seeds_from="s")
    assert (verdict.passed, "[32]" in verdict.detail) == (True, False)


def test_seeds_that_did_not_train_as_far_tell_no_spread() -> None:
    seeds = [curve({1: 0.5 + side / 100}, 1, seed=side) for side in (1, 2)]
    verdict = judge("conclusive", [*two_architectures(0.02), *seeds], seeds_from="s")
    assert (verdict.passed, "no two val_loss of epoch 2" in verdict.detail) == (None, True)


def two_alphas() -> list[Any]:
    """One architecture a alpha, 0.03 apart, and seeds of one of them whose spread is 0.01."""
    tasks = [done(task(alpha=a, epochs=2), [1.0, 1.0], [0.9, loss]) for a, loss in ((0.2, 0.47), (0.3, 0.5))]
    return tasks + [curve({2: 0.5 + side / 100 / math.sqrt(2)}, 2, seed=side) for side in (-1, 1)]


def test_ranked_within_nothing() -> None:
    within_alpha = judge("conclusive", two_alphas(), seeds_from="s")
    assert (within_alpha.passed, within_alpha.detail) == (
        None,
        "there are no two configurations of one alpha to compare",
    )
    verdict = judge("conclusive", two_alphas(), seeds_from="s", within=())
    assert verdict.passed is True
    assert verdict.detail == "alpha 0.2 val_loss 0.4700, then alpha 0.3 0.5000, gap 0.0300; spread over seeds 0.0100"
    alone = judge("conclusive", two_alphas()[1:], seeds_from="s", within=())
    assert (alone.passed, alone.detail) == (None, "there are no two configurations to compare")


def test_ranked_within_other_settings() -> None:
    """Of each learning rate and alpha two architectures; seeds of one pair."""
    found = [
        replace(each, task=replace(each.task, trainer=replace(each.task.trainer, lr=lr)))
        for lr, alpha in ((1e-3, 0.2), (1e-3, 0.3), (1e-4, 0.3))
        for each in two_architectures(0.02, alpha)
    ]
    seeds = [curve({2: 0.5 + side / 100 / math.sqrt(2)}, 2, seed=side) for side in (-1, 1)]  # alpha 0.3, lr 1e-4
    verdict = judge("conclusive", [*found, *seeds], seeds_from="s", within=("lr", "alpha"))
    assert verdict.detail == (
        "lr 0.0001, alpha 0.3: [64] val_loss 0.5000, then [128] 0.5200, gap 0.0200; spread over seeds 0.0100; "
        "lr 0.001, alpha 0.2; lr 0.001, alpha 0.3 not judged: no seeds"
    )
    by_architecture = judge("conclusive", [*found, *seeds], seeds_from="s", within=("hidden_dims",))
    assert by_architecture.passed is False
    assert by_architecture.detail.startswith(
        "[64]: lr 0.001, alpha 0.2 val_loss 0.5000, then lr 0.001, alpha 0.3 0.5000"
    )


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
    assert criteria.params_of(criterion)["within"] == read


def test_within_leaves_no_trace_in_a_file_that_does_not_name_it(tmp_path: Path) -> None:
    """A run directory of before keeps the same criteria: its results are not set aside as another file's."""
    (criterion,) = load(tmp_path, CONCLUSIVE).phase("ensemble").criteria
    assert asdict(criterion)["params"] == (("metric", "val_loss"), ("seeds_from", "ensemble"))
    assert criteria.params_of(criterion)["within"] == ("alpha",)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ('"alhpa"', 'there is no setting "alhpa"; did you mean alpha?'),
        ('["alpha", "seed"]', "'seed' is what repeats a configuration; name another setting"),
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
