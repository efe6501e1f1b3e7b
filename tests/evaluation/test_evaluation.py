"""The whole of an evaluation on a small market, with networks whose bets are known: constant ones, and a rising one."""

from collections.abc import Mapping

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.simulated_market import drawn, logged
from trainer.config import ACTIONS, STATE_COLUMNS
from trainer.data.standardise import Standardiser
from trainer.data.types import Dataset, Transitions
from trainer.evaluation import covering, estimates, evaluation
from trainer.evaluation.activity import Reason
from trainer.evaluation.evaluation import (
    CONFIDENT,
    ENSEMBLE,
    SINGLE,
    TOGETHER,
    Choices,
    Chosen,
    Evaluation,
    Trained,
    choose,
    evaluate,
)
from trainer.evaluation.leak_findings import Audit, Finding, Grade
from trainer.evaluation.payoffs import profits
from trainer.evaluation.policies import single_cql
from trainer.evaluation.verdicts import Verdict
from trainer.model import Model

SEASON = 160


def network(bias: tuple[float, ...], by_edge: float = 0.0) -> Model:
    """One without hidden layers: Q = bias, and of the large bet `by_edge` x edge on top."""
    weights = np.zeros((len(STATE_COLUMNS), len(ACTIONS)), dtype=np.float32)
    weights[STATE_COLUMNS.index("edge"), -1] = by_edge
    tensors = {"head.weight": weights, "head.bias": np.array([bias], dtype=np.float32)}
    plain = Standardiser(np.zeros(len(STATE_COLUMNS), np.float32), np.ones(len(STATE_COLUMNS), np.float32))
    return Model(tensors, plain, (), STATE_COLUMNS, ACTIONS, {"epoch": 7})


NEVER, SMALL, LARGE = network((1, 0, 0, 0)), network((0, 1, 0, 0)), network((0, 0, 0, 1))
RISING = tuple(network((0, 0, 0, -0.01 * member), by_edge=1.0 + member) for member in range(3))


def trained(task: str, phase: str, **models: Model) -> Trained:
    return Trained(task, phase, models)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    rows = logged(drawn((SEASON,) * 4, 4.0, 11), 11)
    train, validation, test = np.split(np.arange(4 * SEASON), (2 * SEASON, 3 * SEASON))
    return Dataset(STATE_COLUMNS, rows.take(train), rows.take(validation), rows.take(test))


def large_profit(rows: Transitions) -> float:
    """The mean profit of the large bet on every decision."""
    assert rows.decisions is not None
    return float(rows.decisions.returns[:, 0].mean())


def chosen(choices: Choices) -> dict[str, str]:
    return {it.task: it.which for it in choices.tasks}


@pytest.fixture(scope="module")
def tasks(dataset: Dataset) -> list[Trained]:
    assert large_profit(dataset.validation) > 0, "the market overlooks four points"
    return [
        trained("idle", "exploration", last=NEVER),
        trained("late", "exploration", last=NEVER, best=LARGE),
        trained("small", "exploration", last=SMALL, best=NEVER),
        *(trained(f"m{n}", "ensemble", last=NEVER, best=model) for n, model in enumerate(RISING)),
    ]


@pytest.fixture(scope="module")
def choices(dataset: Dataset, tasks: list[Trained]) -> Choices:
    return choose(tasks, "ensemble", dataset.validation)


def test_validation_chooses_the_weights_of_each_task_and_the_single_network(
    dataset: Dataset, tasks: list[Trained], choices: Choices
) -> None:
    assert {task: which for task, which in chosen(choices).items() if task in ("idle", "late", "small")} == {
        "idle": "last",
        "late": "best",
        "small": "last",
    }
    profit = {it.task: it.validation_profit for it in choices.tasks if it.validation_profit is not None}
    assert profit["idle"] == 0
    assert profit["late"] == pytest.approx(large_profit(dataset.validation))
    assert profit["small"] == pytest.approx(0.2 * profit["late"])
    assert choices.single is not None
    assert profit[choices.single.task] == max(profit.values()) > profit["small"]
    assert choices.single.epoch == 7
    assert choose(tasks[:1], "ensemble", dataset.validation).single == Chosen("idle", "last", 0.0, 7)


def test_the_ensemble_is_of_its_phase_and_has_the_same_weights_of_each_member(
    dataset: Dataset, tasks: list[Trained], choices: Choices
) -> None:
    assert [(it.task, it.which) for it in choices.ensemble] == [("m0", "best"), ("m1", "best"), ("m2", "best")]
    assert choices.cut is not None
    assert choices.cut.share == 0.2
    assert 0.2 <= choices.cut.coverage < 0.25
    for few, phase in ((tasks, "none"), (tasks[:4], "ensemble")):
        alone = choose(few, phase, dataset.validation)
        assert (alone.ensemble, alone.cut) == ((), None)
    apart = [trained("a", "ensemble", last=LARGE), trained("b", "ensemble", best=LARGE)]
    assert choose(apart, "ensemble", dataset.validation).ensemble == ()


def test_nothing_is_chosen_without_networks_or_rows(dataset: Dataset, tasks: list[Trained]) -> None:
    rows = dataset.validation
    for given, part in (([], rows), (tasks, rows.take(np.arange(0)))):
        with pytest.raises(ValueError, match="a choice needs networks and validation rows"):
            choose(given, "ensemble", part)
    closed = Dataset(STATE_COLUMNS, dataset.train, rows, rows.take(np.arange(0)))
    with pytest.raises(ValueError, match="no test rows"):
        evaluate(closed, tasks, Choices((), None, (), None), Audit(()))


def graded(*grades: Grade) -> Audit:
    return Audit(tuple(Finding("check", "s", 1.0, 0.0, grade, f"said {grade.name}") for grade in grades))


@pytest.fixture(scope="module")
def found(dataset: Dataset, tasks: list[Trained], choices: Choices) -> Evaluation:
    return evaluate(dataset, tasks, choices, graded(Grade.CLEAN, Grade.SUSPECT), resamples=200)


def verdicts(found: Evaluation) -> Mapping[str, Verdict]:
    return {its.name: one.verdict for its, one in zip(found.policies, found.judgements, strict=True)}


def test_every_policy_bets_on_the_test_rows(dataset: Dataset, choices: Choices, found: Evaluation) -> None:
    assert [its.name for its in found.policies] == [
        "random", "always home", "always favourite", "market implied", "Kelly", "Kelly, lower 5%", "Kelly, lower 10%",
        SINGLE, ENSEMBLE, CONFIDENT, "never bet", "oracle",
    ]  # fmt: skip
    assert dataset.test.decisions is not None
    assert found.decisions is dataset.test.decisions
    won = {name: float(profits(bets, found.decisions).mean()) for name, bets in found.bets.items()}
    models = {"late": LARGE, "m0": RISING[0], "m1": RISING[1], "m2": RISING[2]}
    assert choices.single is not None
    alone = single_cql(models[choices.single.task].q_values(dataset.test.states))
    assert won[SINGLE] == pytest.approx(float(profits(alone, found.decisions).mean()))
    assert not found.bets["never bet"].stake.any()
    bet = found.bets[ENSEMBLE].stake > 0
    sure = found.bets[CONFIDENT].stake > 0
    assert 0 < sure.sum() < bet.sum()
    assert bet[sure].all()
    assert found.coverage == pytest.approx(sure.sum() / bet.sum())
    assert found.uncertainty is not None


def test_every_tasks_network_is_ranked_by_what_it_returned(found: Evaluation, choices: Choices) -> None:
    assert {it.task for it, _ in found.tasks} == {it.task for it in choices.tasks}
    returned = [one.value for _, one in found.tasks if one.value is not None]
    assert returned == sorted(returned, reverse=True)
    assert found.tasks[-1][0].task == "idle", "one that never bets returns nothing, and comes last"
    assert found.tasks[-1][1].value is None


def test_every_network_and_the_ensemble_are_compared_with_the_log(
    dataset: Dataset, choices: Choices, found: Evaluation
) -> None:
    assert [(it.task, it.which) for it in found.matches] == [
        *((it.task, it.which) for it in choices.tasks), (TOGETHER, "best"),
    ]  # fmt: skip
    match = {it.task: it for it in found.matches}
    assert match["idle"].match_rate == pytest.approx((dataset.test.actions == 0).mean())
    assert match["late"].policy_reward == pytest.approx(large_profit(dataset.test))
    assert found.decisions is not None
    won = float(profits(found.bets[ENSEMBLE], found.decisions).mean())
    assert match[TOGETHER].policy_reward == pytest.approx(won)


def test_every_policy_has_a_path_and_says_why_it_does_not_bet(found: Evaluation) -> None:
    assert found.trajectories is not None
    assert list(found.trajectories.of) == list(found.activity) == list(found.bets)
    for its in found.policies:
        path = found.trajectories.of[its.name].path
        assert path[-1] == pytest.approx(its.whole.bankrolls[-1].final.value, rel=1e-5)
        assert len(path) == found.activity[its.name].weeks == its.whole.weeks
    said = {
        name: {str(reason) for season in its.seasons for reason, weeks in season.reasons.items() if weeks}
        for name, its in found.activity.items()
    }
    assert said["never bet"] == {"by_rule"}
    assert said["random"] == said["always home"] == set()
    assert said[CONFIDENT] == {"not_confident"}, "the ensemble bets every week, and the cut lets a fifth pass"
    assert said["Kelly, lower 5%"] <= {"not_confident", "no_edge"}


def test_where_no_probability_is_known_those_who_bet_by_one_say_so(
    dataset: Dataset, tasks: list[Trained], choices: Choices
) -> None:
    assert dataset.test.decisions is not None
    unknown = replace(dataset.test.decisions, p_hat=np.full(len(dataset.test), np.nan))
    data = replace(dataset, test=replace(dataset.test, decisions=unknown))
    found = evaluate(data, tasks, choices, Audit(()), resamples=20)
    for name in ("market implied", "Kelly", "Kelly, lower 5%", "Kelly, lower 10%"):
        its = found.activity[name]
        assert sum(season.reasons[Reason.UNKNOWN] for season in its.seasons) == its.weeks, name
    assert found.activity[ENSEMBLE].with_bet > 0, "whose states have it all the same"


def test_a_leak_is_the_verdict_on_what_was_trained_and_on_nothing_else(
    dataset: Dataset, tasks: list[Trained], choices: Choices, found: Evaluation
) -> None:
    assert Verdict.LEAK not in verdicts(found).values(), "a suspicion is none"
    leaky = evaluate(dataset, tasks, choices, graded(Grade.SUSPECT, Grade.WRONG), resamples=20)
    own = {name for name, verdict in verdicts(leaky).items() if verdict is Verdict.LEAK}
    assert own == {SINGLE, ENSEMBLE, CONFIDENT}
    said = next(one.sentence for one in leaky.judgements if one.verdict is Verdict.LEAK)
    assert ("said WRONG" in said, "said SUSPECT" in said) == (True, False)


def test_the_draws_of_one_seed_are_apart() -> None:
    modules = evaluation, estimates, covering
    streams = [value for module in modules for name, value in vars(module).items() if name.endswith("_STREAM")]
    assert len(streams) == len(set(streams)) == 8
