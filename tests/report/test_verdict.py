"""The first line of a report, in the order in which verdicts are looked for, and what it rests on."""

from typing import Any

import pytest
from msgspec.structs import replace

from cqltui.judging.evaluated import CONFIDENT, ENSEMBLE
from cqltui.report.material import Material
from cqltui.report.verdict import headline
from cqltui.state.described import Verdict
from tests.report.evaluations import audit, estimate, evaluated, evaluation, finding, off_policy, policy
from tests.report.materials import material, provenance
from tests.report.test_betting_tables import BROKEN

LEAK = audit(finding("epa_gap", 0.918, 0.57, "LEAK"))
NO_TEST = provenance(rows={"train": 9, "validation": 3, "test": 0})


def edge(name: str = CONFIDENT, roi: float = 0.12, lower: float = 0.034) -> dict[str, Any]:
    """Return a policy with an edge by its own figures."""
    found = policy(name, "edge", record=(530, 470, 0), roi=roi)
    found["compared"]["adjusted_lower"] = lower
    return found


def implausible(name: str) -> dict[str, Any]:
    """Return a policy that wins nine of ten."""
    return policy(name, "implausible", record=(90, 10, 0), roi=0.7)


def with_criteria(found: Material, *passed: bool | None) -> Material:
    """Return the material with criteria of its first phase."""
    first, *rest = found.summary.phases
    judged = replace(first, verdicts=tuple(Verdict(f"criterion {place}", its) for place, its in enumerate(passed)))
    return replace(found, summary=replace(found.summary, phases=(judged, *rest)))


def test_a_leak_comes_before_everything_and_names_its_findings() -> None:
    found = headline(evaluated(evaluation(implausible(CONFIDENT), leak_audit=LEAK)))
    assert (found.kind, found.sentence) == (
        "leak",
        "Leak: no figure of this run can be believed (epa_gap: AUC 0.918 of epa_gap).",
    )
    many = audit(*(finding(name, 0.9, 0.57, "LEAK") for name in "abcd"))
    assert "b: AUC 0.9 of b; and 2 more" in headline(material(audit=many, waiting=[0])).sentence


def test_data_that_contradicts_itself_is_no_leak_and_forbids_as_much() -> None:
    found = headline(evaluated(evaluation(leak_audit=audit(finding("rewards", 0.2, 0.01, "WRONG")))))
    assert found.kind == "leak"
    assert found.sentence.startswith("Wrong data: no figure of this run can be believed (rewards: ")
    assert headline(material(audit={"trusted": False})).kind == "leak"
    both = audit(finding("rewards", 0.2, 0.01, "WRONG"), finding("edge", 0.9, 0.57, "LEAK"))
    assert headline(material(audit=both)).sentence.startswith("Leak: ")
    said = headline(evaluated(evaluation(policy(verdict="leak"))))
    assert (said.kind, said.sentence) == (
        "leak",
        f'Leak: the evaluation says that no figure of "{CONFIDENT}" can be believed.',
    )


def test_what_is_too_good_comes_next_whichever_policy_it_is_but_the_all_knowing_one() -> None:
    found = headline(evaluated(evaluation(implausible("Kelly"), edge())))
    assert found.kind == "implausible"
    assert found.sentence == (
        'Implausible: "Kelly" wins 90.0 % of 100 decided bets, at least 82.0 % with 95 % confidence, and nobody wins '
        "over 58.0 % against closing spreads: look for the mistake."
    )
    assert headline(evaluated(evaluation(implausible("oracle"), edge()))).kind == "edge"


def test_an_edge_is_that_of_the_policy_that_would_be_deployed() -> None:
    found = headline(evaluated(evaluation(policy(ENSEMBLE), edge())))
    assert found.kind == "edge"
    assert found.sentence == (
        f'Edge: "{CONFIDENT}" returns +12.0 % (95 % interval +2.0 to +22.0 %) of what it stakes in 1,000 bets, more '
        "than +3.4 % with 95 % confidence, all 2 policies looked at being counted."
    )
    other = headline(evaluated(evaluation(edge(ENSEMBLE), policy(CONFIDENT))))
    assert other.kind == "undecided"
    assert f'an edge is shown by "{ENSEMBLE}" too' in other.basis
    assert headline(evaluated(evaluation(edge(ENSEMBLE)))).kind == "edge"


def test_a_loss() -> None:
    found = headline(evaluated(evaluation(policy(verdict="loses", roi=-0.2))))
    assert (found.kind, found.sentence) == (
        "loses",
        f'Loses: "{CONFIDENT}" returns -20.0 % (95 % interval -30.0 to -10.0 %) of what it stakes in 100 bets, with '
        "95 % confidence less than nothing.",
    )


def test_what_cannot_be_told_from_break_even_says_how_many_bets_more() -> None:
    found = headline(evaluated(evaluation(policy(roi=0.0123))))
    assert found.kind == "undecided"
    assert found.sentence == (
        f'Not distinguishable from break-even: "{CONFIDENT}" wins 51.5 % of 99 decided bets, where 51.2 % come out '
        "even; were this its true win rate, 1,234 bets more would show an edge with a chance of 80 %."
    )
    worse = policy(record=(40, 59, 1))
    assert "would show a loss" in headline(evaluated(evaluation(worse))).sentence
    for further, said in (
        (1, " 1 bet more"),
        (0, "its weeks differ too much"),
        (None, "no number of bets would decide it"),
    ):
        worse["verdict"]["further_bets"] = further
        assert said in headline(evaluated(evaluation(worse))).sentence


def test_a_win_rate_and_a_return_that_point_to_different_sides_are_both_told() -> None:
    said = headline(evaluated()).sentence
    assert said.endswith("51.2 % come out even, each bet counted alike, while by its stakes it returns -1.2 %.")


def test_a_policy_that_never_bets_is_not_judged() -> None:
    never = policy(record=(0, 0, 0), roi=None)
    assert headline(evaluated(evaluation(never))).sentence.endswith(f'"{CONFIDENT}" never bets.')
    pushed = policy(record=(0, 0, 3), roi=0.0)
    assert "not known how many were won" in headline(evaluated(evaluation(pushed))).sentence


def test_a_verdict_that_its_own_figures_contradict_is_none() -> None:
    for found in (policy(verdict="edge"), policy(verdict="loses"), policy(verdict="implausible"), edge(lower=-0.01)):
        told = headline(evaluated(evaluation(found)))
        assert told.kind == "open"
        assert 'by its figures that would be "not distinguishable from break-even"' in told.sentence
    unknown = headline(evaluated(evaluation(policy(verdict="splendid"))))
    assert "cannot be read (splendid): run `cqltui evaluate` again" in unknown.sentence


def test_what_it_rests_on() -> None:
    found = evaluated(opened=({"ts": 1.0}, {"ts": 2.0}), waiting=[4])
    assert headline(found).basis == (
        f'Rests on 570 test rows (seasons 2023 to 2024) of a simulated market; "{CONFIDENT}", which would be deployed: '
        "51-48-1 (won, lost, pushed), win rate 51.5 % (95 % interval 41.5 to 61.5 %), ROI -1.2 % (95 % interval -11.2 "
        "to +8.8 %), p = 0.200 alone, 0.777 with all 2 policies counted; leak audit: clean; test rows opened 2 times; "
        "1 of 5 tasks without a result."
    )
    assert str(headline(found)).splitlines() == [headline(found).sentence, headline(found).basis]


def test_a_run_that_is_still_going_has_no_verdict_but_criteria() -> None:
    running = with_criteria(material(waiting=[3, 4]), True, True, False, None)
    found = headline(running)
    assert found.kind == "open"
    assert found.sentence == "No verdict yet: 3 of 5 tasks are done. Of 4 criteria: 2 met, 1 not met, 1 open."
    assert "1,675 training and 570 validation rows" in found.basis
    assert "there is no leak audit" in found.basis
    interim = headline(evaluated(evaluation(part="validation"), waiting=[0]))
    assert interim.sentence == "No verdict yet: 4 of 5 tasks are done."
    assert "560 validation rows, by which the networks were chosen, which flatters them" in interim.basis


def test_without_test_rows_or_their_evaluation_the_criteria_decide() -> None:
    done = with_criteria(material(provenance=NO_TEST), True)
    assert headline(done).sentence == "No verdict on betting: the run has no test rows. Of 1 criterion: 1 met."
    assert "have not been evaluated with these results" in headline(material()).sentence
    assert "have not been evaluated with these results" in headline(evaluated(evaluation(part="validation"))).sentence


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (off_policy(CONFIDENT), f'"{CONFIDENT}" loses: it returns -5.5 % (95 % interval -15.5 to +4.5 %)'),
        (off_policy(CONFIDENT, verdict="edge (off-policy estimate)"), "shows an edge (an off-policy estimate)"),
        (off_policy(CONFIDENT, refusals=("no propensities",)), "nothing can be said: no propensities."),
        ({**off_policy(CONFIDENT, refusals=("an ESS of 0",)), "bets": 0.0}, "it never bets."),
    ],
)
def test_estimates_alone_are_called_that(told: dict[str, Any], said: str) -> None:
    found = headline(evaluated(evaluation(policies=[], off_policy={"is_answer": True, "policies": [told]})))
    assert found.kind == "estimate"
    assert found.sentence.startswith("By the log's rewards alone, outcomes not being known, ")
    assert said in found.sentence
    nobody = {"is_answer": True, "policies": [off_policy("always large")]}
    none = headline(evaluated(evaluation(policies=[], off_policy=nobody)))
    assert none.sentence == "No verdict: the log, without outcomes, tells of no network's policy."


def test_nothing_of_an_evaluation_is_believed() -> None:
    for found in BROKEN:
        told = headline(evaluated(found))
        assert told.sentence.endswith(".")
        assert "\n" not in told.sentence + told.basis
    without = evaluation()
    without["leak_audit"] = None
    assert "no leak audit that can be read" in headline(evaluated(without, audit=None)).sentence
    one_sided = policy()
    del one_sided["whole"]["roi"]["upper"]
    assert "ROI -1.2 %, p = 0.200 alone" in headline(evaluated(evaluation(one_sided))).basis
    halved = policy()
    halved["whole"]["roi"] = estimate(None)
    assert "ROI not known" in headline(evaluated(evaluation(halved))).basis
