"""Tables of betting: the very numbers of the evaluation, and a reason where there are none."""

import math
from typing import Any

import pytest

from cqltui.judging.evaluated import CONFIDENT, ENSEMBLE
from cqltui.ledger.export import told
from cqltui.ledger.standing import standing
from cqltui.report.tables import betting, evidence, ledger, offpolicy
from tests.report.evaluations import (
    HOSTILE,
    audit,
    bets,
    damaged,
    evaluated,
    evaluation,
    finding,
    policy,
    row,
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
    assert table.column("subject") == ["d", "b", "c", "a"]
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
