"""The answers to questions: which there are, what each asks for, and what is told of phases that have not ended."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from cqltui.algorithms.base import REQUIRED
from cqltui.campaign.answers import ANSWERS
from cqltui.campaign.asked import params_of
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Phase, Question, TaskSpec
from cqltui.errors import InputError
from cqltui.judging.answers import ANSWERINGS, answer
from cqltui.judging.judge import figures
from cqltui.judging.outcomes import Answer, Left, Scope, TaskOutcome
from cqltui.state.model import Status
from tests.unit.small_run import FILE
from tests.unit.test_criteria import Task, done, task

REQUIRED_PARAMS: dict[str, dict[str, Any]] = {"setting": {"setting": "alpha"}}
STATE_DIM = 6


def ask(name: str, found: list[Task], /, waiting: int = 0, evaluation: Any = None, **params: Any) -> Answer:
    """Answer a question of phase "p", whose tasks are those found in it, and so many that are waiting."""
    known = ANSWERS[name].params
    defaults = {key: p.default for key, p in known.items() if p.default is not REQUIRED and not p.unsaid}
    question = Question("Why?", name, tuple((defaults | params).items()))
    outcomes: dict[str, list[TaskOutcome]] = {}
    for each in found:
        left = Left(lambda each=each: each.metrics, lambda each=each: each.q_heldout, 10.0)  # type: ignore[misc]
        kept = figures([question], each.task, left) if each.status is Status.DONE else None
        outcomes.setdefault(each.task.phase, []).append(TaskOutcome(each.task, each.status, kept))
    later = tuple(task("p", seed=1000 + number) for number in range(waiting))
    tasks: tuple[TaskSpec, ...] = (*(each.task for each in found if each.task.phase == "p"), *later)
    phase = Phase("p", "P", 1, "", (question,), "", tasks, ())
    return answer(question, phase, Scope(question, phase, outcomes, evaluation, STATE_DIM))


def test_every_answer_is_declared_and_computed() -> None:
    assert list(ANSWERS) == list(ANSWERINGS)
    assert all(its.help.endswith(".") and all(p.help for p in its.params.values()) for its in ANSWERS.values())


def test_what_a_file_need_not_say() -> None:
    told = {name: params_of(Question("", name)) for name in ANSWERS}
    assert {name: own for name, own in told.items() if own} == {
        "setting": {"seeds_from": ""},
        "architectures": {"reference": (), "seeds_from": ""},
    }
    assert {
        name: {key: p.default for key, p in its.params.items() if not p.unsaid} for name, its in ANSWERS.items()
    } == {
        "convergence": {
            "metric": "loss",
            "validation": "val_loss",
            "epochs": (50, 200, 500, 1000, 2000),
            "reference": 200,
        },
        "best_loss": {"metric": "loss"},
        "setting": {"setting": REQUIRED, "metric": "val_loss"},
        "architectures": {"compare": ("reference",), "metric": "val_loss"},
        "q_spread": {"metric": "loss"},
        "uncertainty": {},
        "confident": {},
    }


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_nothing_is_computed_of_nothing(name: str) -> None:
    nothing = ask(name, [Task(task(), Status.DEAD)], waiting=1, **REQUIRED_PARAMS.get(name, {}))
    assert nothing.figures is None
    assert nothing.lines[0].startswith("not yet")


@pytest.mark.parametrize("name", sorted(ANSWERS.keys() - {"uncertainty", "confident"}))
def test_training_that_diverged_or_left_little_is_told(name: str) -> None:
    """One epoch without validation, and one of NaN: no number is made of it."""
    broken = [done(task(seed=1), [float("nan")], [float("nan")]), done(task(seed=2), [float("inf")])]
    told = ask(name, broken, **REQUIRED_PARAMS.get(name, {}))
    assert told.lines
    assert "nan" not in " ".join(told.lines)
    assert "inf" not in " ".join(told.lines).replace("information", "")


def test_an_answer_says_when_tasks_are_missing_from_it() -> None:
    assert ask("best_loss", [done(task(), [0.5])], waiting=2).lines[-1] == "by 1 of 3 tasks"
    assert ask("best_loss", [done(task(), [0.5])]).lines[-1].startswith("alpha 0.3: loss 0.5000")


# Single runs


def test_convergence_by_hand() -> None:
    """Epoch n takes n seconds' share of the whole of 10: 1 / n of the speed of the first."""
    losses, val = [1.0, 0.8, 0.5, 0.4], [None, 0.5, None, 0.6]
    one = done(task(epochs=4), losses, val)  # type: ignore[arg-type]
    slower = tuple(
        type(row)(row.epoch, row.loss, 0.1, 0.1, 0.1, 1.0, 1000.0 / row.epoch, row.val_loss) for row in one.metrics
    )
    found = ask("convergence", [Task(one.task, Status.DONE, slower)], epochs=(1, 3, 9), reference=2)
    assert found.figures is not None
    (told,) = found.figures["tasks"]
    assert told["points"] == [
        {"epoch": 1, "value": 1.0, "validation": None, "seconds": 1.0},
        {"epoch": 3, "value": 0.5, "validation": None, "seconds": 6.0},
        {"epoch": 4, "value": 0.4, "validation": 0.6, "seconds": 10.0},
    ]
    assert told["improvement"] == {"loss": pytest.approx(0.5), "val_loss": pytest.approx(-0.2)}
    assert found.lines == (
        "loss (training rows) and val_loss (validation rows) at the epochs 1 / 3 / 4; improvement from epoch 2 to the "
        "last; time",
        "alpha 0.3, lr 0.0001, [64], seed 42: loss 1.0000 / 0.5000 / 0.4000, +50.0%; val_loss - / - / 0.6000, -20.0%; "
        "1 / 6 / 10 s",
    )


def test_a_metric_that_is_better_the_higher_improves_as_it_rises() -> None:
    found = ask("convergence", [done(task(), [0.5, 0.5])], metric="samples_per_s", epochs=(1,), reference=1)
    assert found.figures is not None
    assert found.figures["tasks"][0]["improvement"]["samples_per_s"] == 1.0, "1,000 to 2,000"


def test_many_tasks_are_told_by_their_median_and_range() -> None:
    tasks = [done(task(seed=seed), [1.0, 0.1 * seed]) for seed in range(1, 8)]
    lines = ask("convergence", tasks, epochs=(1,), reference=1).lines
    assert lines[1].startswith(
        "median (range) of 7 tasks: loss 1.0000 (1.0000 to 1.0000) / 0.4000 (0.1000 to 0.7000), "
        "+60.0% (+30.0% to +90.0%); val_loss - / -, -; "
    )
    many = ask("convergence", [done(task(seed=seed), [1.0]) for seed in range(1001)]).figures
    assert many is not None
    assert (many["count"], len(many["tasks"])) == (1001, 1000)
    shorter = [done(task(seed=8), [1.0]), *tasks]
    assert "1.0000 (1.0000 to 1.0000) / 0.4000" in ask("convergence", shorter, epochs=(1,), reference=1).lines[1]


def test_an_epoch_that_a_task_did_not_reach_has_no_figure() -> None:
    short, long = done(task(seed=1), [1.0, 0.9]), done(task(seed=2), [1.0, 0.9, 0.8])
    lines = ask("convergence", [short, long], epochs=(1, 3), reference=1).lines
    assert "seed 1: loss 1.0000 / -, +10.0%;" in lines[1]
    assert "seed 2: loss 1.0000 / 0.8000, +20.0%;" in lines[2]


def test_the_best_loss_stands_apart_for_each_alpha() -> None:
    found = [
        done(task(alpha=0.2, seed=1), [0.9, 0.1, 0.5]),
        done(task(alpha=0.2, seed=2), [0.9, 0.3, 0.4]),
        done(task(alpha=0.7), [0.9, 0.8, 0.6]),
    ]
    told = ask("best_loss", found)
    assert told.figures is not None
    first, second = told.figures["best"]
    assert (first["alpha"], first["last"]["value"], first["any"]["value"], first["any"]["epoch"]) == (0.2, 0.4, 0.1, 2)
    assert (first["last"]["title"], first["any"]["title"]) == (
        "alpha 0.2, lr 0.0001, [64], seed 2",
        "alpha 0.2, lr 0.0001, [64], seed 1",
    )
    assert (second["alpha"], second["last"]["value"], second["baseline"]) == (0.7, 0.6, None)
    assert "losses of different alphas are not on one scale" in told.lines[0]


def test_the_best_loss_beside_what_an_earlier_run_reached() -> None:
    one = done(task(), [0.9, 0.3])
    against = replace(one, task=replace(one.task, baseline_loss=0.4))
    told = ask("best_loss", [against])
    assert told.figures is not None
    assert told.figures["best"][0]["improvement"] == pytest.approx(0.25)
    assert ", baseline 0.4000, improvement +25.0%; of any epoch" in told.lines[1]
    fastest = ask("best_loss", [against], metric="samples_per_s")
    assert fastest.figures is not None
    assert (fastest.figures["best"][0]["any"]["value"], fastest.figures["best"][0]["baseline"]) == (2000.0, None)


def test_an_answer_of_another_algorithm_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ANSWERS, "q_spread", replace(ANSWERS["q_spread"], algorithm="other"))
    path = tmp_path / "file.toml"
    path.write_text(FILE.replace("priority = 8", 'priority = 8\nquestions = [{text = "a", answer = "q_spread"}]'))
    with pytest.raises(InputError, match=r"answer: 'q_spread' looks at tasks of algorithm 'other', and the phase's"):
        load_campaign(path)


# An ensemble


def member(seed: int, q: "np.ndarray[Any, Any]", loss: float = 1.0) -> Task:
    one = done(task(seed=seed), [loss])
    return Task(one.task, Status.DONE, one.metrics, q_heldout=q)


def test_q_spread_by_hand() -> None:
    """Two members, two rows: they differ by 2 in no bet and by 0 and 4 in the small one."""
    first, second = np.zeros((2, 4), np.float32), np.array([[2, 0, 0, 0], [2, 4, 0, 0]], np.float32)
    told = ask("q_spread", [member(1, first, 0.4), member(2, second, 0.2)])
    assert told.figures is not None
    q = told.figures["q"]
    assert q["std_by_action"] == pytest.approx({"no-bet": 2**0.5, "small": 2**0.5, "medium": 0.0, "large": 0.0})
    assert (q["std"], q["members_mean_std"]) == pytest.approx((2**0.5 / 2, 1 / 2**0.5))
    assert (q["members_mean_lowest"], q["members_mean_highest"], q["rows"]) == (0.0, 1.0, 2)
    assert told.figures["values"] == pytest.approx({"best": 0.2, "mean": 0.3, "worst": 0.4, "std": 0.2 / 2**0.5})
    assert told.lines[0] == "2 seeds of alpha 0.3, lr 0.0001, [64]"
    known = ask(
        "q_spread",
        [member(1, first), member(2, second)],
        evaluation={"ensemble": {"q_std": 0.25}, "choices": {"ensemble": [{"which": "best\x1b"}]}},
    )
    assert "Q on the test rows, the evaluated ensemble's weights (best" in known.lines[2]
    assert "\x1b" not in known.lines[2]
    assert known.figures is not None
    assert (known.figures["test_q_std"], known.figures["metric"]) == (0.25, "loss")


def test_members_that_cannot_be_compared() -> None:
    q = np.ones((3, 4), np.float32)
    told = ask("q_spread", [member(1, q), member(2, q[:2]), done(task(seed=3), [0.5])])
    assert told.figures is not None
    assert told.figures["q"] is None
    assert told.lines[1].startswith("Q of the same validation rows is known of 2 members; it needs two or more")
    alone = ask("q_spread", [member(1, q), done(task(dims=(8,)), [0.5])])
    assert (alone.figures, alone.lines) == (None, ("no configuration of the phase has two seeds",))


def estimate(value: float | None, lower: float | None = None, upper: float | None = None) -> dict[str, Any]:
    return {"value": value, "lower": lower, "upper": upper}


def bets(wins: int, losses: int, rate: float, roi: float) -> dict[str, Any]:
    figures = {"record": {"wins": wins, "losses": losses, "pushes": 1}, "break_even": 0.524}
    return figures | {"win_rate": estimate(rate, rate - 0.1, rate + 0.1), "roi": estimate(roi, roi - 0.2, roi + 0.2)}


def evaluation() -> dict[str, Any]:
    return {
        "provenance": {"rows": {"test": 570}},
        "choices": {"cut": {"share": 0.2}},
        "policies": [
            {"name": "CQL ensemble", "whole": bets(50, 50, 0.5, -0.05)},
            {"name": "CQL ensemble, confident", "whole": bets(12, 8, 0.6, 0.1)},
        ],
        "ensemble": {
            "coverage": 0.21,
            "uncertainty": {
                "bets": 100,
                "losing": {"value": 0.55, "se": 0.05},
                "with_losses": {"value": 0.1, "p_value": 0.3},
                "with_returns": {"value": -0.12, "p_value": 0.2},
                **{"aurc": 0.45, "random_aurc": 0.5, "random_sd": 0.03, "oracle_aurc": 0.2},
            },
            "confident_effect": {
                "rest": bets(38, 42, 0.475, -0.09),
                "win_rate": estimate(0.125, -0.05, 0.3),
                "roi": estimate(0.1875, None, None),
            },
        },
    }


def test_what_uncertainty_tells() -> None:
    told = ask("uncertainty", [], evaluation=evaluation())
    assert told.lines == (
        "uncertainty of 100 decided test bets: AUC for being lost 0.550 ± 0.050 (0.5: it says nothing); Spearman with "
        "being lost +0.100 (p = 0.300), with the unit return -0.120 (p = 0.200)",
        "area under risk against coverage 0.450; random abstention 0.500 ± 0.030, smallest possible 0.200",
    )
    assert told.figures is not None
    assert (told.figures["auc"], told.figures["oracle_aurc"]) == (0.55, 0.2)


def test_what_confidence_is_worth() -> None:
    told = ask("confident", [], evaluation=evaluation())
    assert told.lines == (
        "the cut that kept 20% of the bets on validation keeps 21% on 570 test rows",
        "confident: 12-8-1, win rate 60.0% (50.0% to 70.0%), break-even 52.4%, ROI +10.0% (-10.0% to +30.0%)",
        "all bets: 50-50-1, win rate 50.0% (40.0% to 60.0%), break-even 52.4%, ROI -5.0% (-25.0% to +15.0%)",
        "the rest: 38-42-1, win rate 47.5% (37.5% to 57.5%), break-even 52.4%, ROI -9.0% (-29.0% to +11.0%)",
        "confident minus the rest, in percentage points: win rate +12.5 (-5.0 to +30.0), ROI +18.8 (no interval)",
    )
    assert told.figures is not None
    assert {name: told.figures[name]["wins"] for name in ("confident", "all", "rest")} == {
        "confident": 12,
        "all": 50,
        "rest": 38,
    }
    assert told.figures["difference"] == {"win_rate": estimate(0.125, -0.05, 0.3), "roi": estimate(0.1875)}
    earlier = evaluation()
    del earlier["ensemble"]["confident_effect"]
    assert ask("confident", [], evaluation=earlier).lines[-1] == (
        "the rest of the bets and the difference are not known: this evaluation does not have them"
    )


@pytest.mark.parametrize("wrong", [{}, {"ensemble": None, "policies": 3}, {"ensemble": [1], "policies": [None, 7]}])
def test_nothing_is_believed_of_an_evaluation(wrong: dict[str, Any]) -> None:
    assert ask("uncertainty", [], evaluation=wrong).figures is None
    assert ask("confident", [], evaluation=wrong).lines == (
        "there is no ensemble whose confident bets could be compared",
    )
    garbled = evaluation()
    garbled["ensemble"] = {"uncertainty": {"bets": "x"}, "confident_effect": {"rest": [], "win_rate": 10**400}}
    garbled["policies"][0]["whole"] = {"record": None, "roi": {"value": float("nan")}}
    assert "win rate not known" in ask("confident", [], evaluation=garbled).lines[-1]
    assert "AUC for being lost - ± -" in ask("uncertainty", [], evaluation=garbled).lines[0]
