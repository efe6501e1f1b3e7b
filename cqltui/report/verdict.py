"""What is to be read first: whether the figures can be believed, and what the policy that would be deployed does."""

from collections.abc import Iterator, Mapping
from typing import Any

from cqltui.judging.evaluated import CONFIDENT, ENSEMBLE, at, figure_at, only_estimated, policy_at
from cqltui.report.material import Material
from cqltui.state.model import Status
from cqltui.state.plain import plain

SINGLE = "CQL single"
DEPLOYED = (CONFIDENT, ENSEMBLE, SINGLE)
"""Policies, the one that would be deployed first."""
SENTENCE = 400
FLATTERS = "on the validation rows, by which the networks were chosen and which flatter them"


def verdict_lines(material: Material) -> tuple[str, ...]:
    """Return the verdict, a line each: the first says it, the others go with it."""
    return tuple(_lines(material))


def _lines(material: Material) -> Iterator[str]:
    done = sum(record.standing.status is Status.DONE for record in material.records)
    tasks = f"{done:,} of {len(material.records):,} tasks are done"
    found, before = material.evaluation, "Interim: " if material.is_interim else ""
    audit = material.audit
    trusted = audit is None or audit.get("trusted") is True
    if not trusted:
        yield f"{before}no figure can be believed: the leak audit says {_grade(material)}."
    if found is None:
        yield f"{before}no verdict yet, for the run is not evaluated; {tasks}."
    else:
        policies = [(name, policy_at(found, name)) for name in DEPLOYED if policy_at(found, name)]
        if only_estimated(found):
            policies = list(_estimated(found))
        for place, (name, policy) in enumerate(policies):
            yield f"{'' if place or not trusted else before}{name}: {_said(policy)}"
        if not policies:
            yield f"{before}no verdict: no network that was trained is a policy of the evaluation."
        rows = figure_at(found, "provenance", "rows", material.part) or 0
        where = f"{rows:,.0f} test rows" if material.part == "test" else f"{rows:,.0f} rows, {FLATTERS}"
        yield f"Judged on {where}; {tasks}."
    if trusted:
        yield f"Leak audit: {_grade(material)}."


def _grade(material: Material) -> str:
    if material.audit is None:
        return "not made"
    return plain(str(material.audit.get("grade", "not known")).lower(), 20)


def _estimated(found: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the policies of which the log alone tells; each has its verdict as `_said` reads it."""
    told = at(found, "off_policy").get("policies")
    for its in map(at, told if isinstance(told, list) else []):
        name = str(its.get("name", ""))
        if name.startswith("CQL"):
            yield plain(name, 40), {"verdict": {"verdict": its.get("verdict"), "sentence": its.get("sentence")}}


def _said(policy: Mapping[str, Any]) -> str:
    judged = at(policy, "verdict")
    verdict, sentence = (plain(str(judged.get(name) or ""), SENTENCE) for name in ("verdict", "sentence"))
    return f"{verdict}. {sentence}" if verdict else sentence or "no verdict"
