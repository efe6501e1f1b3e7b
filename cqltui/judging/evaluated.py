"""The checks that only an evaluation on the test rows can answer. Each names its parts, with the value of each."""

from collections.abc import Iterator, Mapping
from typing import Any

from cqltui.judging.outcomes import Judgement, Params, Scope
from cqltui.state.plain import plain

ENSEMBLE, CONFIDENT = "CQL ensemble", "CQL ensemble, confident"
"""Policies; the latter would be deployed."""
LEAST_BETS = 50
"""Fewer bets decide nothing."""
CHANCE = 0.05
"""Probability above which a correlation may be chance."""
ERRORS = 2.0
"""Standard errors within which Q counts as calibrated."""
FORBIDS = ("WRONG", "LEAK")
"""Grades of findings that forbid believing any figure."""
FINDINGS, SENTENCE = 3, 300
"""So many findings are named, in so many characters each."""
LARGEST = 1e300
"""A number beyond it, as a file may have, is none."""
NOT_YET = "not yet evaluated: `cqltui evaluate` does, and the campaign once every task is done"
NO_OUTCOMES = "how the test bets came out is not known: estimates by the log do not answer it"


def no_leak(scope: Scope, params: Params) -> Judgement:
    """Judge whether the leak audit permits believing the figures; what forbids it is named."""
    if scope.evaluation is None:
        return None, NOT_YET
    audit = at(scope.evaluation, "leak_audit")
    grade, findings = plain(str(audit.get("grade")).lower(), 20), audit.get("findings")
    told = map(at, findings if isinstance(findings, list) else [])
    bad = [f"{it.get('subject')}: {it.get('sentence')}" for it in told if it.get("grade") in FORBIDS]
    said = "; ".join([f"leak audit: {grade}", *(plain(text, SENTENCE) for text in bad[:FINDINGS])])
    said += f"; and {len(bad) - FINDINGS} more" if len(bad) > FINDINGS else ""
    if grade == "untested":
        return None, f"{said}: the data lacks what the checks need"
    return audit.get("trusted") is True and not bad, said


def uncertainty_correlates(scope: Scope, params: Params) -> Judgement:
    """Judge whether uncertain bets are lost more often: Spearman's correlation of uncertainty with being lost."""
    if scope.evaluation is None:
        return None, NOT_YET
    if only_estimated(scope.evaluation):
        return None, NO_OUTCOMES
    found = at(scope.evaluation, "ensemble", "uncertainty")
    correlation, p_value = figure_at(found, "with_losses", "value"), figure_at(found, "with_losses", "p_value")
    if correlation is None or p_value is None:
        return None, "no ensemble has bet often enough on the test games to tell"
    limit = float(params["min_correlation"])
    said = f"correlation of uncertainty with lost bets {correlation:+.3f} (p = {p_value:.3f}), wanted {limit:g} or more"
    if correlation >= limit and p_value > CHANCE:
        return False, f"{said}, beyond chance"
    return correlation >= limit, f"{said}; {figure_at(found, 'bets') or 0:,.0f} test bets"


def deployment_ready(scope: Scope, params: Params) -> Judgement:
    """Judge whether the ensemble's confident bets may be taken: every part has to hold."""
    if scope.evaluation is None:
        return None, NOT_YET
    if only_estimated(scope.evaluation):
        return None, NO_OUTCOMES
    share, wanted = figure_at(scope.evaluation, "choices", "cut", "share"), float(params["keep_share"])
    found = policy_at(scope.evaluation, CONFIDENT)
    if share is None or not found:
        return None, "there is no ensemble whose confident bets could be taken"
    if abs(share - wanted) > 1e-9:
        return None, f"evaluated at {share:.0%} of the bets, wanted {wanted:.0%}: [evaluate] confident = {wanted:g}"
    parts = list(_parts(scope.evaluation, found, float(params["min_win_rate"])))
    return all(holds for holds, _ in parts), "; ".join(f"{'yes' if holds else 'no'}: {said}" for holds, said in parts)


def _parts(evaluation: Mapping[str, Any], policy: Mapping[str, Any], least_rate: float) -> Iterator[tuple[bool, str]]:
    trusted, grade = at(evaluation, "leak_audit").get("trusted") is True, at(evaluation, "leak_audit").get("grade")
    yield trusted, f"no leak ({str(grade).lower()})"
    verdict = at(policy, "verdict").get("verdict")
    yield verdict == "edge", f"an edge ({verdict})"
    slope, error = (figure_at(evaluation, "ensemble", "uncertainty", name) for name in ("q_slope", "q_slope_error"))
    if slope is None or error is None:
        yield False, "calibrated (not known)"
    else:
        yield abs(slope - 1) <= ERRORS * error, f"calibrated (slope {slope:.2f} ± {error:.2f}, wanted 1)"
    record = at(policy, "whole", "record")
    bets = sum(int(figure_at(record, name) or 0) for name in ("wins", "losses", "pushes"))
    yield bets >= LEAST_BETS, f"{LEAST_BETS} bets or more ({bets})"
    rate = figure_at(policy, "whole", "win_rate", "value")
    yield (
        rate is not None and rate >= least_rate,
        (f"a win rate of {least_rate:.1%} or more ({'not known' if rate is None else f'{rate:.1%}'})"),
    )


def only_estimated(evaluation: Mapping[str, Any]) -> bool:
    """Return whether outcomes are not known, so that there is nothing but estimates by the log."""
    return at(evaluation, "off_policy").get("is_answer") is True


def policy_at(evaluation: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the policy of that name; an empty object where there is none."""
    policies = evaluation.get("policies")
    named = (at(policy) for policy in policies) if isinstance(policies, list) else iter(())
    return next((policy for policy in named if policy.get("name") == name), {})


def at(value: object, *path: str) -> Mapping[str, Any]:
    """Return the object at a path; an empty one where there is none: the file may be somebody else's."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def figure_at(value: object, *path: str) -> float | None:
    """Return the finite number at a path, or None."""
    found = at(value, *path[:-1]).get(path[-1])
    if not isinstance(found, int | float) or isinstance(found, bool) or abs(found) > LARGEST:
        return None
    return float(found) if found == found else None
