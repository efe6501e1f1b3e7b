"""Tables of estimates by the log: every one with its interval, and why others were refused."""

from cqltui.judging.evaluated import CONFIDENT, ENSEMBLE
from cqltui.report.tables import offpolicy
from tests.report.evaluations import (
    evaluated,
    evaluation,
    off_policy,
    row,
)
from tests.report.materials import material


def test_the_grid_has_a_row_for_each_clip_and_shrinkage_and_names_what_was_refused() -> None:
    table = offpolicy.grid(evaluated())
    assert [values[:3] for values in table.rows] == [
        (ENSEMBLE, clip, shrink) for clip in (5.0, 10.0) for shrink in (0.0, 0.1)
    ]
    last = row(table, clip=10.0, shrink=0.1)
    assert (last["snis"], last["dr"], last["ess"]) == (10.1, 10.1, 100.0)
    assert table.notes == (f"{CONFIDENT}: an effective sample of 94 bets.",)


def test_estimates_have_their_intervals_and_the_judged_one_its_roi_and_verdict() -> None:
    table = offpolicy.estimates(evaluated())
    assert table.column("estimator") == ["IPS", "SNIPS", "DM", "DR", "switch-DR", None]
    judged, other = row(table, estimator="DR"), row(table, estimator="IPS")
    assert [judged[name] for name in ("value", "lower", "upper", "error", "ess")] == [
        -0.04,
        -0.0739,
        0.0306,
        0.0259,
        230.8,
    ]
    assert (judged["roi"], judged["verdict"]) == (-0.0552904697, "loses")
    assert (other["roi"], other["verdict"]) == (None, None)
    assert row(table, policy=CONFIDENT)["verdict"] == "refused: an effective sample of 94 bets"
    assert table.notes == (
        f"Weights of {ENSEMBLE}, {CONFIDENT}: of betting or not.",
        "Outcomes of these rows are known: what the bets returned is the answer, not these estimates.",
    )


def test_without_outcomes_estimates_are_all_there_is_and_who_never_bets_is_not_refused() -> None:
    never = {**off_policy("never bet", refusals=("an effective sample of 0",)), "bets": 0.0}
    alone = {"is_answer": True, "policies": [never, {**off_policy(ENSEMBLE), "refusals": [3, "x"], "sentence": "So."}]}
    found = evaluated(evaluation(off_policy=alone))
    table = offpolicy.estimates(found)
    assert row(table, policy="never bet")["verdict"] == "it never bets"
    assert table.notes == (f"Weights of never bet, {ENSEMBLE}: of betting or not.",)
    gate = offpolicy.gate(found)
    assert gate["outcomes_known"] is False
    assert [gate["policies"][1][name] for name in ("refusals", "sentence")] == [["x"], "So."]


def test_the_gate_says_by_what_each_policy_was_accepted_or_refused() -> None:
    found = offpolicy.gate(evaluated())
    accepted, refused = found["policies"]
    assert (found["format"], found["part"]) == ("cqltui.ope_gate/1", "test")
    assert found["rule"] == {"min_ess": 100.0, "min_ess_share_of_bets": 0.2, "max_missing": 0.05}
    assert (accepted["accepted"], accepted["ess"], accepted["least_ess"]) == (True, 373.2528, 120.0)
    assert (refused["accepted"], refused["refusals"]) == (False, ["an effective sample of 94 bets"])
    assert refused["worst_case"] == [-0.05, 0.02]
    assert accepted == {
        "policy": ENSEMBLE,
        "accepted": True,
        "refusals": [],
        "weights_of": "bets",
        "rows": 570,
        "bets": 600.0,
        "ess": 373.2528,
        "least_ess": 120.0,
        "missing": 0.07,
        "max_missing": 0.05,
        "mean_weight": 1.01,
        "largest_weight": 19.9,
        "worst_case": [-0.05, 0.02],
        "verdict": "loses",
        "sentence": None,
    }
    assert (found["outcomes_known"], found["reason"]) == (True, None)
    without = offpolicy.gate(material())
    assert (without["policies"], without["outcomes_known"]) == ([], None)
    assert "cqltui evaluate" in without["reason"]


def test_all_refused_leaves_no_grid_but_the_reasons() -> None:
    refused = {"is_answer": True, "policies": [off_policy("a", refusals=("no propensities",))]}
    table = offpolicy.grid(evaluated(evaluation(off_policy=refused)))
    assert table.rows == ()
    assert table.reason == "No estimate was accepted. A: no propensities."
