"""Tables of betting: the very numbers of the evaluation, and a reason where there are none."""

import math
from datetime import date, timedelta
from typing import Any

import pytest

from cqltui.judging.evaluated import CONFIDENT, ENSEMBLE
from cqltui.ledger.export import told
from cqltui.ledger.model import Bet, Entry, Result
from cqltui.ledger.standing import standing
from cqltui.report.table import Table
from cqltui.report.tables import betting, evidence, ledger, offpolicy
from tests.report.evaluations import (
    HOSTILE,
    audit,
    damaged,
    evaluated,
    evaluation,
    finding,
    off_policy,
    policy,
)
from tests.report.materials import material, provenance

TABLES = (
    betting.performance,
    betting.against_baselines,
    betting.season_record,
    offpolicy.estimates,
    offpolicy.grid,
    evidence.multiple_testing,
    evidence.bootstrap_intervals,
    evidence.leakage_audit,
    evidence.openings,
    ledger.closing_values,
)


def row(table: Table, **wanted: Any) -> dict[str, Any]:
    """Return the row that has these values, by its columns' names."""
    names = [column.name for column in table.columns]
    (found,) = (
        its for values in table.rows if (its := dict(zip(names, values, strict=True))).items() >= wanted.items()
    )
    return found


def test_performance_has_the_numbers_of_the_evaluation_unrounded() -> None:
    table = betting.performance(evaluated(evaluation(policy(HOSTILE), policy(CONFIDENT, "edge", record=(7, 2, 3)))))
    assert row(table, method=HOSTILE) == {
        "method": HOSTILE,
        "record": "51-48-1",
        "bets": 100,
        "win_rate": 51 / 99,
        "win_rate_lower": 51 / 99 - 0.1,
        "win_rate_upper": 51 / 99 + 0.1,
        "break_even": 0.5118476404380309,
        "roi": -0.0123456789,
        "roi_lower": -0.0123456789 - 0.1,
        "roi_upper": -0.0123456789 + 0.1,
        "sharpe": -0.123456,
        "max_drawdown": 0.345678,
        "verdict": "undecided",
    }
    assert (row(table, verdict="edge")["record"], row(table, verdict="edge")["bets"]) == ("7-2-3", 12)
    assert "570 test rows" in table.caption
    assert "bootstrap-t over weeks (2,000 resamples)" in table.caption
    assert "largest stake is 5 %" in table.notes[1]
    assert table.notes[2:] == ("Undecided: not distinguishable from break-even.",)


def test_a_record_of_which_a_part_is_missing_is_none() -> None:
    torn = policy()
    del torn["whole"]["record"]["pushes"]
    found = row(betting.performance(evaluated(evaluation(torn))), method=CONFIDENT)
    assert (found["record"], found["bets"], found["win_rate"]) == (None, None, 51 / 99)


def test_what_validation_rows_flatter_says_so() -> None:
    table = betting.performance(evaluated(evaluation(part="validation")))
    assert "560 validation rows, by which the networks were chosen, which flatters them" in table.caption


def test_predictions_have_scores_and_policies_records() -> None:
    table = betting.against_baselines(evaluated())
    fitted = row(table, model="P(cover), fitted")
    assert (fitted["brier"], fitted["log_loss"]) == (0.24982054241975088, 0.692789)
    assert {fitted[name] for name in ("ats", "roi", "sharpe", "max_drawdown")} == {None}
    assert row(table, model=ENSEMBLE) == {
        "model": ENSEMBLE,
        "brier": None,
        "log_loss": None,
        "ats": 51 / 99,
        "roi": -0.0123456789,
        "sharpe": -0.123456,
        "max_drawdown": 0.345678,
    }
    assert any("565 decided games" in note for note in table.notes)


def test_without_scores_of_p_cover_the_policies_stand_alone() -> None:
    cover: dict[str, Any] = {"whole": None, "seasons": {}, "reason": "fewer than 100 games before"}
    table = betting.against_baselines(evaluated(evaluation(cover=cover)))
    assert table.column("model") == [ENSEMBLE, CONFIDENT]
    assert any("fewer than 100 games before" in note for note in table.notes)


def test_seasons_are_in_order_with_predictions_before_policies() -> None:
    table = betting.season_record(evaluated(evaluation(policy(ENSEMBLE))))
    assert table.column("season") == ["2023"] * 4 + ["2024"] * 4
    assert table.column("n") == [282, 282, 282, 55, 283, 283, 283, 45]
    assert row(table, season="2024", model=ENSEMBLE)["roi"] == -0.2
    assert row(table, season="2024", model=ENSEMBLE)["accuracy"] == 20 / 45
    assert row(table, season="2023", model="P(cover) = one half")["brier"] == 0.25
    assert table.caption.endswith("95 % intervals: bootstrap-t over weeks (2,000 resamples).")


def test_bonferroni_counts_the_policies_that_are_tested_and_stops_at_one() -> None:
    found = [policy("a", raw_p=0.01), policy("b", raw_p=0.4), policy("c", raw_p=0.5), policy("never", raw_p=None)]
    table = evidence.multiple_testing(evaluated(evaluation(*found)))
    tested = [row(table, test=name) for name in "abc"]
    assert [its["bonferroni_p"] for its in tested] == [pytest.approx(0.03), 1.0, 1.0]
    assert [tested[0][name] for name in ("raw_p", "holm_p", "fdr_p", "max_t_p", "step_down_p")] == [
        0.01,
        0.555,
        0.444,
        0.777,
        0.666,
    ]
    never = row(table, test="never")
    assert (never["raw_p"], never["bonferroni_p"]) == (None, None)
    assert table.notes[:2] == ("3 of 4 policies are compared, as one family.", "Not compared: never, no bets.")


def test_networks_are_a_family_of_their_own_of_which_the_first_are_shown() -> None:
    table = evidence.multiple_testing(evaluated())
    networks = [values for values in table.rows if values[0] == "networks"]
    assert [values[1] for values in networks] == [f"task{place:02} (best)" for place in range(10)]
    assert networks[0][4] == 1.0  # 0.2 times twelve networks
    assert "12 of 12 are compared; shown are the first 10" in table.notes[1]


def test_intervals_have_value_error_and_method_and_leave_out_what_has_no_value() -> None:
    table = evidence.bootstrap_intervals(evaluated(evaluation(policy(ENSEMBLE), policy("never bet", roi=None))))
    roi = row(table, figure="ROI")
    assert [roi[name] for name in ("model", "value", "error")] == [ENSEMBLE, -0.0123456789, 0.05]
    assert row(table, figure="Sharpe ratio", model=ENSEMBLE)["value"] == -0.123456
    assert row(table, figure="max drawdown", model=ENSEMBLE)["method"] == "percentile over weeks"
    assert row(table, figure="ROI, confident bets minus the rest")["value"] == 0.0299
    lone = policy("lone")
    lone["whole"]["roi"] = {"value": 0.1, "method": None, "reason": "bets in too few weeks"}
    told_why = row(evidence.bootstrap_intervals(evaluated(evaluation(lone))), figure="ROI")
    assert (told_why["lower"], told_why["method"]) == (None, "none: bets in too few weeks")
    never = policy(roi=None, record=(0, 0, 0))
    never["whole"]["bankrolls"] = []
    none = evidence.bootstrap_intervals(evaluated(evaluation(never, ensemble=None)))
    assert (none.name, none.reason) == ("bootstrap_ci_table", "No policy of the evaluation has bet.")


def test_the_worst_finding_is_the_first_and_an_unknown_grade_before_all() -> None:
    found = audit(finding("a", 0.51, 0.58), finding("b", 0.9, 0.58, "LEAK"), finding("c", None, None, "UNTESTED"))
    found["findings"].append({"check": "new", "subject": "d", "grade": "UNHEARD"})
    table = evidence.leakage_audit(material(audit=found))
    assert table.column("subject") == ["d", "b", "a", "c"]
    assert row(table, subject="b") == {
        "check": "feature auc",
        "subject": "b",
        "value": 0.9,
        "bound": 0.58,
        "grade": "leak",
        "finding": "AUC 0.9 of b",
    }
    assert row(table, subject="c")["value"] is None


def test_openings_tell_when_why_and_of_which_results() -> None:
    entry = {
        "ts": 1795754615.66,
        "why": "cqltui evaluate",
        "git_commit": "49d7b3662f5e70853e7c-dirty",
        "tasks_done": 49,
        "rows": {"test": 570},
        "results": "eb3e",
        "settings": {"seed": 20160},
    }
    table = evidence.openings(material(opened=(entry, {**entry, "results": "ffff"}, {"ts": "never"})))
    assert table.rows[0] == (1, "2026-11-27 04:43:35", "cqltui evaluate", 49, 570, "eb3e", "20160", "49d7b3662f-dirty")
    assert table.rows[2] == (3, *(None,) * 7)
    assert table.notes == ("The test rows were opened 3 times, of 3 states of the run.",)
    once = evidence.openings(material(opened=(entry,)))
    assert once.notes == ("The test rows were opened once.",)


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


def bets(count: int, *, taken: str = "2022-09-01T12:00:00Z", close: float | None = 3.0) -> list[Entry]:
    """Return bets at half a point and more better terms than the close: the first at 2.5, the next at 2, and so on."""
    found = []
    for week in range(1, count + 1):
        day = (date(2022, 9, 1) + timedelta(weeks=week)).isoformat()
        odds = 10 / 11
        bet = Bet(f"b{week}", f"g{week}", "home", 3 - week / 2, odds, 1.0, taken, 2022 + week % 2, week)
        found.append(Entry(bet, Result(f"g{week}", 2022 + week % 2, week, day, None, 24, 20, close, odds, odds)))
    return found


def test_closing_line_values_are_in_basis_points_with_why_others_are_not_measurable() -> None:
    taken = [
        *bets(4),
        *(Entry(entry.bet, None) for entry in bets(1)),
        *bets(2, taken="2023-09-01T12:00:00Z"),
        *bets(1, close=None),
    ]
    table = ledger.closing_values(material(ledger=told("mine.sqlite", standing(taken, None))))
    document = told("mine.sqlite", standing(taken, None))
    known = [bet["clv_bps"] for bet in document["taken"] if bet["clv_bps"] is not None]
    every = row(table, season="all")
    assert (every["bets"], every["measured"], len(known)) == (8, 4, 4)
    assert every["mean_bps"] == pytest.approx(sum(known) / 4)
    assert every["q50_bps"] == pytest.approx((sorted(known)[1] + sorted(known)[2]) / 2)
    assert every["better"] == 1.0
    worthless = told("l", standing(bets(2), None))
    worthless["taken"][0] |= {"clv_bps": 0.0, "posted_bps": 0.0}
    half = row(ledger.closing_values(material(ledger=worthless)), season="all")
    assert (half["beat"], half["better"]) == (0.5, 0.5)
    assert table.column("season") == ["all", "2022", "2023"]
    said = " ".join(table.notes)
    assert "mine.sqlite, 8 bets" in said
    for reason in ("1 without a result yet", "2 not taken before the kick-off", "1 whose closing line is not known"):
        assert reason in said


def test_the_mean_has_the_interval_of_the_ledger_and_a_season_may_be_without_a_measured_bet() -> None:
    document = told("l.sqlite", standing([*bets(12), *bets(1, taken="2029-09-01T12:00:00Z")], None))
    for bet in document["taken"]:
        if bet["season"] == 2023:
            bet["clv_bps"] = None
    closing = document["closing_line_value"]
    closing["assumed"] = 3
    table = ledger.closing_values(material(ledger=document))
    every, measured, none = table.rows
    assert [row(table, season="all")[name] for name in ("mean_bps", "lower_bps", "upper_bps")] == [
        10_000 * closing["value"][end] for end in ("value", "lower", "upper")
    ]
    assert every[1:3] == (13, 6)
    assert measured[:3] == ("2022", 6, 6)
    assert none == ("2023", 7, 0, *(None,) * 10)
    assert "Of 3 closing lines no prices are known: -110 was assumed for both sides." in table.notes
    assert "95 %, bootstrap-t over weeks" in table.caption


def test_without_a_measurable_bet_the_reasons_are_told() -> None:
    late = told("l.sqlite", standing(bets(2, taken="2023-09-01T12:00:00Z"), None))
    table = ledger.closing_values(material(ledger=late))
    assert table.rows == ()
    assert "2 not taken before the kick-off" in table.reason
    assert ledger.closing_values(material(ledger=told("l.sqlite", standing([], None)))).reason.endswith("has no bets.")


@pytest.mark.parametrize("make", TABLES)
def test_a_run_without_an_evaluation_says_what_would_bring_each_table(make: Any) -> None:
    table = make(material())
    assert table.rows == ()
    assert table.reason.endswith(".")
    if make is betting.performance:
        assert "cqltui evaluate" in table.reason
        no_test = make(material(provenance=provenance(rows={"train": 9, "validation": 3, "test": 0})))
        assert "no test rows" in no_test.reason
        estimated = make(evaluated(evaluation() | {"policies": [], "off_policy": {"is_answer": True}}))
        assert "How the test bets came out is not known" in estimated.reason


BROKEN: tuple[Any, ...] = (
    {},
    {"part": 7, "policies": {"a": 1}, "tasks": "x", "cover": [], "off_policy": 3, "leak_audit": [], "provenance": None},
    evaluation({}, {"name": None, "whole": [], "seasons": [1]}, {"name": 3, "verdict": "edge", "compared": 0}),
    evaluation(policy(), off_policy={"policies": [{}, {"grid": [1, {}], "estimates": [{}], "bounds": "x"}]}),
    damaged(evaluation(), math.nan),
    damaged(evaluation(), math.inf),
    damaged(evaluation(), "12"),
    damaged(evaluation(), None),
    damaged(evaluation(), True),
    damaged(evaluation(), []),
    damaged(evaluation(), 10**400),
)
"""Evaluations that are damaged, or of another version."""


@pytest.mark.parametrize("make", TABLES)
def test_nothing_of_an_evaluation_is_believed(make: Any) -> None:
    for found in BROKEN:
        table = make(evaluated(found, opened=(found, {"ts": found})))
        for values in table.rows:
            assert all(value is None or isinstance(value, str | int | float) for value in values)
            assert all(value != value or abs(value) != math.inf for value in values if isinstance(value, float))
    assert offpolicy.gate(evaluated(BROKEN[3]))["policies"][0]["accepted"] is False


def test_escape_sequences_of_a_name_are_gone() -> None:
    found = evaluation(policy("a\x1b[31mb\nc\u202e"))
    assert betting.performance(evaluated(found)).column("method") == ["ab c\\u202e"]


READ = {
    "cql_betting_performance_table": (
        "method | record | bets | win_rate | win_rate_lower | win_rate_upper | break_even | roi | roi_lower |"
        " roi_upper | sharpe | max_drawdown | verdict",
        "Method | W-L-P | Bets | Win % | Win from % | Win to % | Even at % | ROI % | ROI from % | ROI to % | "
        "Sharpe | Max DD % | Verdict",
        "CQL ensemble | 51-48-1 | 100 | 51.5 | 41.5 | 61.5 | 51.2 | −1.2 | −11.2 | +8.8 | −0.12 | 34.6 | undecided",
    ),
    "rl_vs_baseline_table": (
        "model | brier | log_loss | ats | roi | sharpe | max_drawdown",
        "Model | Brier | Log loss | ATS % | ROI % | Sharpe | Max DD %",
        "CQL ensemble | – | – | 51.5 | −1.2 | −0.12 | 34.6",
    ),
    "oos_record_table": (
        "season | model | n | brier | accuracy | roi | roi_lower | roi_upper",
        "Season | Model | N | Brier | Accuracy % | ROI % | ROI from % | ROI to %",
        "2023 | CQL ensemble | 55 | – | 57.4 | +15.0 | +5.0 | +25.0",
    ),
    "ope_estimates_table": (
        "policy | estimator | value | lower | upper | error | ess | roi | roi_lower | roi_upper | verdict",
        "Policy | Estimator | Value | from | to | SE | ESS | ROI % | ROI from % | ROI to % | Verdict",
        "CQL ensemble | DR | −0.0400 | −0.0739 | +0.0306 | 0.0259 | 230.8 | −5.5 | −15.5 | +4.5 | loses",
    ),
    "ope_grid_table": (
        "policy | clip | shrink | ips | snis | dr | switch_dr | ess",
        "Policy | Clip | Shrink | IPS | SNIS | DR | switch-DR | ESS",
        "CQL ensemble | 10 | 0.10 | +10.1000 | +10.1000 | +10.1000 | +10.1000 | 100.0",
    ),
    "multiple_testing_table": (
        "family | test | roi | raw_p | bonferroni_p | holm_p | fdr_p | max_t_p | step_down_p | adjusted_lower",
        "Family | Test | ROI % | raw p | Bonferroni | Holm | FDR | max-t | step-down | ROI over %",
        "networks | task01 (best) | −1.2 | 0.2000 | 1.0000 | 0.5550 | 0.4440 | 0.7770 | 0.6660 | −30.0",
    ),
    "bootstrap_ci_table": (
        "figure | model | value | lower | upper | error | method",
        "Figure | Model | Value | from | to | SE | Method",
        "win rate | CQL ensemble, confident | 0.5152 | 0.4152 | 0.6152 | 0.0500 | bootstrap-t over weeks",
    ),
    "leakage_audit_table": (
        "check | subject | value | bound | grade | finding",
        "Check | Feature or subject | Value | Bound | Grade | Finding",
        "feature auc | spread_close | 0.517 | 0.586 | clean | AUC 0.517 of spread_close",
    ),
    "test_openings_table": (
        "number | when | why | tasks_done | rows | results | seed | code",
        "Opening | When (UTC) | Why | Tasks done | Test rows | Results | Seed | Code",
        "1 | 2026-11-27 04:43:35 | x | 49 | 570 | eb | 2 | abc",
    ),
    "clv_distribution_table": (
        "season | bets | measured | mean_bps | lower_bps | upper_bps | q05_bps | q25_bps | q50_bps | q75_bps "
        "| q95_bps | beat | better",
        "Season | Bets | Measured | Mean | from | to | 5 % | 25 % | 50 % | 75 % | 95 % | Beat close % | Better terms %",
        "all | 12 | 12 | +1,440.5 | +1,019.2 | +2,009.1 | +514.2 | +1,011.1 | +1,319.4 | +1,819.9 | +2,534.0 "
        "| 100.0 | 100.0",
    ),
}
"""Name of a table -> names of its columns as in the CSV, headings, and how a row reads."""


def test_files_and_columns_have_their_names_and_values_read_as_people_write_them() -> None:
    opening = {
        "ts": 1795754615.66,
        "why": "x",
        "rows": {"test": 570},
        "tasks_done": 49,
        "results": "eb",
        "settings": {"seed": 2},
        "git_commit": "abc",
    }
    found = evaluated(opened=(opening,), ledger=told("l", standing(bets(12), None)))
    for make in TABLES:
        table = make(found)
        shown = table.rows[3 if len(table.rows) > 3 else 0]
        texts = (column.text(value) for column, value in zip(table.columns, shown, strict=True))
        names, headings = ([getattr(column, key) for column in table.columns] for key in ("name", "heading"))
        assert tuple(" | ".join(its) for its in (names, headings, texts)) == READ[table.name]
        without = make(material())
        assert (without.name, without.title, without.columns) == (table.name, table.title, table.columns)
        assert without.caption.endswith(".")
