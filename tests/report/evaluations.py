"""Small evaluations, made by hand, as evaluation.json has them: numbers that no rounding would leave as they are."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

from cqltui.judging.evaluated import CONFIDENT, ENSEMBLE
from cqltui.ledger.model import Bet, Entry, Result
from cqltui.report.material import Material
from cqltui.report.table import Table
from cqltui.results.digest import FORMAT
from tests.report.materials import material

HOSTILE = '<b>&_%$"\\x1b[31m'
"""A name of HTML and LaTeX."""
METHOD = "bootstrap-t over weeks"


def estimate(value: float | None, half: float = 0.1, **changes: Any) -> dict[str, Any]:
    """Return an estimate with an interval of `half` to either side, and one-sided bounds within it."""
    found: dict[str, Any] = {"value": value, "error": half / 2, "method": METHOD, "reason": None}
    if value is not None:
        found |= {"lower": value - half, "upper": value + half}
        found |= {"lower_bound": value - 0.8 * half, "upper_bound": value + 0.8 * half}
    return found | changes


def figures(record: tuple[int, int, int] = (51, 48, 1), roi: float | None = -0.0123456789) -> dict[str, Any]:
    """Return a policy's figures over one span."""
    wins, losses, pushes = record
    rate = wins / (wins + losses) if wins + losses else None
    bank = {"sharpe": estimate(-0.123456, 1.0), "max_drawdown": estimate(0.345678, method="percentile over weeks")}
    return {
        "record": {"wins": wins, "losses": losses, "pushes": pushes},
        "win_rate": estimate(rate),
        "break_even": 0.5118476404380309,
        "roi": estimate(roi),
        "bankrolls": [
            {"largest_stake": 0.05, **bank},
            {"largest_stake": 0.01, "sharpe": estimate(9.0), "max_drawdown": estimate(0.9)},
        ],
    }


def policy(
    name: str = CONFIDENT, verdict: str = "not distinguishable from break-even", raw_p: float | None = 0.2, **its: Any
) -> dict[str, Any]:
    """Return a policy: `its` of `figures`."""
    whole = figures(**its)
    return {
        "name": name,
        "verdict": {"verdict": verdict, "sentence": "", "further_bets": 1234},
        "compared": {
            "value": whole["roi"]["value"],
            "raw_p": raw_p,
            "adjusted_p": 0.777,
            "step_down_p": 0.666,
            "holm_p": 0.555,
            "fdr_p": 0.444,
            "adjusted_lower": -0.3,
            "reason": None if raw_p is not None else "no bets",
        },
        "whole": whole,
        "seasons": {"2024": figures((20, 25, 0), -0.2), "2023": figures((31, 23, 1), 0.15)},
    }


def span(games: int = 565) -> dict[str, Any]:
    """Return P(cover)'s calibration."""
    bins = [
        {"count": 56, "predicted": 0.463, "observed": 0.571, "low": 0.441, "high": 0.692},
        {"count": 57, "predicted": 0.521, "observed": 0.401, "low": 0.301, "high": 0.511},
    ]
    return {
        "games": games,
        "fitted": {"brier": 0.24982054241975088, "log_loss": 0.692789, "bins": bins},
        "half": {"brier": 0.25, "log_loss": 0.693147},
        "market": {"brier": 0.250114, "log_loss": 0.693376},
    }


def finding(subject: str, value: float | None, bound: float | None, grade: str = "CLEAN") -> dict[str, Any]:
    """Return a finding of the check of a feature's AUC."""
    said = f"AUC {value} of {subject}"
    return {
        "check": "feature_auc",
        "subject": subject,
        "value": value,
        "bound": bound,
        "grade": grade,
        "sentence": said,
    }


def audit(*findings: dict[str, Any]) -> dict[str, Any]:
    """Return a leak audit; of one clean finding if none is given."""
    told = list(findings) or [finding("spread_close", 0.517, 0.586)]
    worst = max((it["grade"] for it in told), key=["UNTESTED", "CLEAN", "SUSPECT", "WRONG", "LEAK"].index)
    return {"grade": worst, "trusted": worst not in ("WRONG", "LEAK"), "findings": told}


def off_policy(name: str, *, refusals: tuple[str, ...] = (), verdict: str | None = "loses") -> dict[str, Any]:
    """Return what the log tells of a policy."""
    one = {"value": -0.0216, "standard_error": 0.0259, "low": -0.0739, "high": 0.0306, "clip": None, "shrinkage": 0.0}
    names = ("IPS", "SNIPS", "DM", "DR", "switch-DR")
    told = [{**one, "name": it, "value": -0.01 * place, "ess": 230.8} for place, it in enumerate(names, start=1)]
    grid = [
        {**one, "name": it, "clip": clip, "shrinkage": shrink, "value": clip + shrink, "ess": 10 * clip}
        for clip in (5.0, 10.0)
        for shrink in (0.0, 0.1)
        for it in names
        if it != "DM"
    ]
    return {
        "name": name,
        "verdict": None if refusals else verdict,
        "sentence": "",
        "value": None if refusals else -0.04,
        "roi": estimate(None if refusals else -0.0552904697),
        "by": "bets",
        "rows": 570,
        "bets": 600.0,
        "stake": 0.46,
        "ess": 94.0 if refusals else 373.2528,
        "mean_weight": 1.01,
        "largest_weight": 19.9,
        "missing": 0.07,
        "bounds": [-0.05, 0.02],
        "refusals": list(refusals),
        "estimates": [] if refusals else told,
        "grid": [] if refusals else grid,
    }


def evaluation(*policies: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an evaluation on the test rows of these policies, or of the ensemble and its confident bets."""
    histogram = {"edges": [0.0, 1.0, 2.0], "counts": [3, 5]}
    return {
        "format": FORMAT,
        "part": "test",
        "leak_audit": audit(),
        "provenance": {"rows": {"train": 1675, "validation": 560, "test": 570}, "settings": {"resamples": 2000}},
        "policies": list(policies) or [policy(ENSEMBLE), policy(CONFIDENT)],
        "tasks": [
            {"chosen": {"task": f"task{place:02}", "which": "best"}, "compared": policy()["compared"]}
            for place in range(12)
        ],
        "ensemble": {
            "members": 20,
            "q_std": 0.0984,
            "uncertainty": {"q_slope": 0.1001, "q_slope_error": 0.1021},
            "confident_effect": {"roi": estimate(0.0299), "win_rate": estimate(0.0427)},
            "distribution": {"mean": [histogram] * 4, "std": [histogram] * 4, "no_bet_mean": -0.4085},
        },
        "cover": {"whole": span(), "seasons": {"2023": span(282), "2024": span(283)}, "reason": None},
        "off_policy": {
            "is_answer": False,
            "policies": [off_policy(ENSEMBLE), off_policy(CONFIDENT, refusals=("an effective sample of 94 bets",))],
        },
    } | changes


def evaluated(found: Mapping[str, Any] | None = None, **changes: Any) -> Material:
    """Return a small run with this evaluation, or the usual one."""
    told = evaluation() if found is None else found
    audited: Mapping[str, Any] = {"evaluation": told, "audit": told.get("leak_audit"), **changes}
    return material(**audited)


def damaged(found: Any, by: Any) -> Any:
    """Return a document in which every number is replaced."""
    if isinstance(found, dict):
        return {key: damaged(value, by) for key, value in found.items()}
    if isinstance(found, list):
        return [damaged(value, by) for value in found]
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return deepcopy(by) if is_number else found


def row(table: Table, **wanted: Any) -> dict[str, Any]:
    """Return the row that has these values, by its columns' names."""
    names = [column.name for column in table.columns]
    (found,) = (
        its for values in table.rows if (its := dict(zip(names, values, strict=True))).items() >= wanted.items()
    )
    return found


def bets(count: int, *, taken: str = "2022-09-01T12:00:00Z", close: float | None = 3.0) -> list[Entry]:
    """Return bets at half a point and more better terms than the close: the first at 2.5, the next at 2, and so on."""
    found = []
    for week in range(1, count + 1):
        day = (date(2022, 9, 1) + timedelta(weeks=week)).isoformat()
        odds = 10 / 11
        bet = Bet(f"b{week}", f"g{week}", "home", 3 - week / 2, odds, 1.0, taken, 2022 + week % 2, week)
        found.append(Entry(bet, Result(f"g{week}", 2022 + week % 2, week, day, None, 24, 20, close, odds, odds)))
    return found
