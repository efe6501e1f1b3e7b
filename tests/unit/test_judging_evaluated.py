"""The checks that an evaluation answers: every part with its value, and nothing believed of a file."""

from typing import Any

import pytest

from cqltui.campaign.model import Criterion, Phase
from cqltui.judging.evaluated import CONFIDENT, deployment_ready, no_leak, uncertainty_correlates
from cqltui.judging.outcomes import Scope


def evaluation(**changed: Any) -> dict[str, Any]:
    """One that is ready for deployment, and whose uncertainty tells; `changed` by dotted path, with __ for the dots."""
    found: dict[str, Any] = {
        "leak_audit": {"trusted": True, "grade": "CLEAN"},
        "choices": {"cut": {"share": 0.2}},
        "ensemble": {
            "uncertainty": {
                "bets": 300,
                "with_losses": {"value": 0.2, "p_value": 0.01},
                "q_slope": 0.9,
                "q_slope_error": 0.1,
            }
        },
        "policies": [
            {
                "name": CONFIDENT,
                "verdict": {"verdict": "edge"},
                "whole": {"record": {"wins": 30, "losses": 19, "pushes": 1}, "win_rate": {"value": 0.61}},
            }
        ],
    }
    for path, value in changed.items():
        *way, last = path.split("__")
        place: Any = found
        for step in way:
            place = place[int(step) if isinstance(place, list) else step]
        place[last] = value
    return found


def scope(document: dict[str, Any] | None) -> Scope:
    return Scope(Criterion("c", "all_done", ()), Phase("p", "p", 1, "", (), "", (), ()), {}, document)


READY = {"keep_share": 0.2, "min_win_rate": 0.53}


def ready(**changed: Any) -> tuple[bool | None, str]:
    return deployment_ready(scope(evaluation(**changed)), READY)


def test_without_an_evaluation_all_say_who_makes_one() -> None:
    for judged in (
        deployment_ready(scope(None), READY),
        no_leak(scope(None), {}),
        uncertainty_correlates(scope(None), {"min_correlation": 0.1}),
    ):
        assert judged == (None, "not yet evaluated: `cqltui evaluate` does, and the campaign once every task is done")


def test_estimates_by_a_log_answer_neither() -> None:
    estimated = scope(evaluation(off_policy={"is_answer": True}))
    for judged in (
        deployment_ready(estimated, READY),
        uncertainty_correlates(estimated, {"min_correlation": 0.1}),
    ):
        assert judged == (None, "how the test bets came out is not known: estimates by the log do not answer it")
    assert ready(off_policy={"is_answer": False})[0] is True


def test_every_part_of_ready_for_deployment_is_named_with_its_value() -> None:
    assert ready() == (
        True,
        "yes: no leak (clean); yes: an edge (edge); yes: calibrated (slope 0.90 ± 0.10, wanted 1); "
        "yes: 50 bets or more (50); yes: a win rate of 53.0% or more (61.0%)",
    )


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("leak_audit", {"trusted": False, "grade": "LEAK"}, "no: no leak (leak)"),
        ("leak_audit", {"trusted": "yes", "grade": "CLEAN"}, "no: no leak (clean)"),
        ("policies__0__verdict__verdict", "loses", "no: an edge (loses)"),
        ("ensemble__uncertainty__q_slope", 0.79, "no: calibrated (slope 0.79 ± 0.10, wanted 1)"),
        ("ensemble__uncertainty__q_slope", 1.21, "no: calibrated (slope 1.21 ± 0.10, wanted 1)"),
        ("ensemble__uncertainty__q_slope", None, "no: calibrated (not known)"),
        ("policies__0__whole__record__pushes", 0, "no: 50 bets or more (49)"),
        ("policies__0__whole__win_rate__value", 0.529, "no: a win rate of 53.0% or more (52.9%)"),
        ("policies__0__whole__win_rate__value", None, "no: a win rate of 53.0% or more (not known)"),
    ],
)
def test_one_part_that_does_not_hold_is_enough(path: str, value: object, said: str) -> None:
    passed, detail = ready(**{path: value})
    assert passed is False
    assert [part for part in detail.split("; ") if part.startswith("no")] == [said]


def test_another_share_than_was_evaluated_is_no_answer() -> None:
    assert ready(choices__cut__share=0.3) == (
        None,
        "evaluated at 30% of the bets, wanted 20%: [evaluate] confident = 0.2",
    )


@pytest.mark.parametrize("path", ["policies", "choices", "choices__cut"])
@pytest.mark.parametrize("value", [None, [], [1], "x"])
def test_a_file_without_such_an_ensemble_is_no_answer(path: str, value: object) -> None:
    assert ready(**{path: value}) == (None, "there is no ensemble whose confident bets could be taken")


@pytest.mark.parametrize(
    ("value", "p_value", "passed"),
    [(0.1, 0.05, True), (0.1, 0.051, False), (0.099, 0.001, False), (-0.3, 0.001, False)],
)
def test_a_correlation_has_to_be_large_enough_and_beyond_chance(value: float, p_value: float, passed: bool) -> None:
    changed = {"ensemble__uncertainty__with_losses": {"value": value, "p_value": p_value}}
    judged, said = uncertainty_correlates(scope(evaluation(**changed)), {"min_correlation": 0.1})
    assert judged is passed
    assert said.startswith(f"correlation of uncertainty with lost bets {value:+.3f} (p = {p_value:.3f}), wanted 0.1")


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"with_losses": 3},
        {"with_losses": {"value": True, "p_value": 0.1}},
        {"with_losses": {"value": 10**400, "p_value": 0.1}},
        {"with_losses": {"value": float("nan"), "p_value": 0.1}},
        {"with_losses": {"value": float("inf"), "p_value": 0.1}},
    ],
)
def test_an_ensemble_that_hardly_bets_tells_nothing(value: object) -> None:
    changed = evaluation(ensemble__uncertainty=value)
    judged = uncertainty_correlates(scope(changed), {"min_correlation": 0.1})
    assert judged == (None, "no ensemble has bet often enough on the test games to tell")


def finding(grade: str, subject: str = "edge") -> dict[str, str]:
    return {"grade": grade, "subject": subject, "sentence": "AUC 0.956"}


@pytest.mark.parametrize(
    ("audit", "judged"),
    [
        ({"trusted": True, "grade": "CLEAN", "findings": [finding("CLEAN")]}, (True, "leak audit: clean")),
        ({"trusted": True, "grade": "SUSPECT", "findings": [finding("SUSPECT")]}, (True, "leak audit: suspect")),
        (
            {"trusted": False, "grade": "LEAK", "findings": [finding("WRONG", "rows"), finding("LEAK")]},
            (False, "leak audit: leak; rows: AUC 0.956; edge: AUC 0.956"),
        ),
        (
            {"trusted": False, "grade": "LEAK", "findings": [finding("LEAK")] * 5},
            (False, f"leak audit: leak{'; edge: AUC 0.956' * 3}; and 2 more"),
        ),
        (
            {"trusted": True, "grade": "CLEAN", "findings": [finding("LEAK")]},
            (False, "leak audit: clean; edge: AUC 0.956"),
        ),
        (
            {"trusted": True, "grade": "UNTESTED", "findings": []},
            (None, "leak audit: untested: the data lacks what the checks need"),
        ),
        ({"trusted": 1, "grade": "CLEAN", "findings": "x"}, (False, "leak audit: clean")),
        ([], (False, "leak audit: none")),
    ],
)
def test_no_leak_is_what_the_audit_says_and_names_what_forbids_it(
    audit: object, judged: tuple[bool | None, str]
) -> None:
    assert no_leak(scope(evaluation(leak_audit=audit)), {}) == judged
