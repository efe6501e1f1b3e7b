"""What the log alone tells of policies: estimates, how they depend on clip and shrinkage, and what was refused."""

from collections.abc import Iterator
from typing import Any

from cqltui.judging.evaluated import NOT_YET, at, figure_at, only_estimated
from cqltui.report.material import Material
from cqltui.report.reading import (
    AGAIN,
    SENTENCE_LENGTH,
    Document,
    ends_at,
    objects,
    rows_said,
    sentence,
    share,
    text_at,
    texts_at,
    verdict_notes,
    verdict_text,
    whole_at,
)
from cqltui.report.table import Cell, Column, Table, absent
from trainer.evaluation.offpolicy import MAX_MISSING, MIN_ESS, MIN_ESS_SHARE

GATE_FORMAT = "cqltui.ope_gate/1"
UNITS = "Values are profits a decision, in units of the largest stake."
WEIGHTS = {"bets": "betting or not", "actions": "the action"}
"""What importance weights are of, as evaluation.json names it."""


def grid(material: Material) -> Table:
    """Return a row for each policy, clip and shrinkage of the weights."""
    name, title = "ope_grid_table", "Off-policy estimates by clip and shrinkage"
    columns = (
        Column("policy", "Policy"),
        Column("clip", "Clip", "number", 0, help="The largest weight; of switch-DR: above it none counts."),
        Column("shrink", "Shrink", "number", 2, help="Weights are w / (1 + shrink w^2)."),
        Column("ips", "IPS", "number", 4, signed=True),
        Column("snis", "SNIS", "number", 4, signed=True, help="Self-normalised importance sampling (SNIPS)."),
        Column("dr", "DR", "number", 4, signed=True, help="Doubly robust."),
        Column("switch_dr", "switch-DR", "number", 4, signed=True),
        Column("ess", "ESS", "number", 1, help="Effective sample size of these weights."),
    )
    caption = f"Estimates by the log with weights that are clipped and shrunk. {UNITS}"
    found = _policies(material)
    rows = tuple(row for policy in found for row in _grid(policy))
    if not rows:
        return absent(name, title, caption, columns, _no_estimates(material))
    return Table(name, title, f"{caption} On {rows_said(material)}.", columns, rows, tuple(_refused(found)))


def _grid(policy: Document) -> Iterator[tuple[Cell, ...]]:
    cells: dict[tuple[float | None, float | None], dict[str, Document]] = {}
    for its in objects(policy, "grid"):
        key = figure_at(its, "clip"), figure_at(its, "shrinkage")
        cells.setdefault(key, {})[text_at(its, "name")] = its
    for (clip, shrink), by_name in cells.items():
        values = (figure_at(by_name.get(name), "value") for name in ("IPS", "SNIPS", "DR", "switch-DR"))
        yield text_at(policy, "name"), clip, shrink, *values, figure_at(by_name.get("SNIPS"), "ess")


def estimates(material: Material) -> Table:
    """Return a row for each policy and estimator; of a policy that was refused one row, with what refused it."""
    name, title = "ope_estimates_table", "Off-policy estimates"
    columns = (
        Column("policy", "Policy"),
        Column("estimator", "Estimator"),
        Column("value", "Value", "number", 4, signed=True),
        Column("lower", "from", "number", 4, signed=True),
        Column("upper", "to", "number", 4, signed=True),
        Column("error", "SE", "number", 4),
        Column("ess", "ESS", "number", 1, help="Effective sample size of the estimator's weights."),
        share("roi", "ROI", signed=True, help_text="Of the estimate that is judged: value / mean stake."),
        share("roi_lower", "ROI from", signed=True),
        share("roi_upper", "ROI to", signed=True),
        Column("verdict", "Verdict"),
    )
    caption = f"What the log's own rewards tell of each policy, with 95 % intervals by Student's t over weeks. {UNITS}"
    found = _policies(material)
    rows = tuple(row for policy in found for row in _estimates(policy))
    if not rows:
        return absent(name, title, caption, columns, _no_estimates(material))
    notes = verdict_notes(row[-1] for row in rows)
    notes += [f"Weights of {policy}: of {weights}." for policy, weights in _weights(found)]
    if material.evaluation is not None and not only_estimated(material.evaluation):
        notes.append("Outcomes of these rows are known: what the bets returned is the answer, not these estimates.")
    return Table(name, title, f"{caption} On {rows_said(material)}.", columns, rows, tuple(notes))


def _estimates(policy: Document) -> Iterator[tuple[Cell, ...]]:
    name, none = text_at(policy, "name"), (None,) * 8
    told = objects(policy, "estimates")
    if not told:
        why = "; ".join(texts_at(policy, "refusals"))
        bets = figure_at(policy, "bets")
        yield name, None, *none, "it never bets" if bets == 0 else f"refused: {why}" if why else "not known"
    judged = ends_at(policy, "roi")
    for its in told:
        is_judged = text_at(its, "name") == "DR"
        roi, verdict = (judged, verdict_text(policy, "verdict")) if is_judged else ((None, None, None), None)
        figures = (figure_at(its, key) for key in ("value", "low", "high", "standard_error", "ess"))
        yield name, text_at(its, "name"), *figures, *roi, verdict


def _weights(found: list[Document]) -> Iterator[tuple[str, str]]:
    """Yield (policies, what their weights are of)."""
    by: dict[str, list[str]] = {}
    for policy in found:
        by.setdefault(WEIGHTS.get(text_at(policy, "by"), "something unknown"), []).append(text_at(policy, "name"))
    yield from ((", ".join(names), weights) for weights, names in by.items())


def gate(material: Material) -> dict[str, Any]:
    """Return ope_gate.json: which policies the log suffices for, by what figures, and what refuses the others."""
    found = _policies(material)
    return {
        "format": GATE_FORMAT,
        "part": material.part or None,
        "outcomes_known": None if material.evaluation is None else not only_estimated(material.evaluation),
        "rule": {"min_ess": MIN_ESS, "min_ess_share_of_bets": MIN_ESS_SHARE, "max_missing": MAX_MISSING},
        "reason": None if found else _no_estimates(material),
        "policies": [_gated(policy) for policy in found],
    }


def _gated(policy: Document) -> dict[str, Any]:
    bets, told = figure_at(policy, "bets"), bool(objects(policy, "estimates"))
    bounds = policy.get("bounds")
    both = bounds if isinstance(bounds, list) and len(bounds) == 2 else [None, None]
    return {
        "policy": text_at(policy, "name"),
        "accepted": told,
        "refusals": texts_at(policy, "refusals"),
        "weights_of": text_at(policy, "by") or None,
        "rows": whole_at(policy, "rows"),
        "bets": bets,
        "ess": figure_at(policy, "ess"),
        "least_ess": None if bets is None else max(MIN_ESS, MIN_ESS_SHARE * bets),
        "missing": figure_at(policy, "missing"),
        "max_missing": MAX_MISSING,
        "mean_weight": figure_at(policy, "mean_weight"),
        "largest_weight": figure_at(policy, "largest_weight"),
        "worst_case": [figure_at({"end": end}, "end") for end in both],
        "verdict": text_at(policy, "verdict") or None,
        "sentence": text_at(policy, "sentence", limit=SENTENCE_LENGTH) or None,
    }


def _policies(material: Material) -> list[Document]:
    return objects(material.evaluation, "off_policy", "policies")


def _refused(found: list[Document]) -> Iterator[str]:
    for policy in found:
        if not objects(policy, "grid"):
            why = "; ".join(texts_at(policy, "refusals")) or "it has no estimates"
            yield sentence(f"{text_at(policy, 'name')}: {why}")


def _no_estimates(material: Material) -> str:
    if material.evaluation is None:
        return sentence(NOT_YET)
    if not at(material.evaluation, "off_policy"):
        return "The log has no propensities, and how the bets came out is known: nothing was estimated by it."
    if refused := list(_refused(_policies(material))):
        return f"No estimate was accepted. {' '.join(refused)}"
    return f"The evaluation has no estimates that can be read: {AGAIN}."
