"""What the policies returned, and how far the features know the outcome: values with their intervals and bounds."""

import math
from collections.abc import Sequence

from cqltui.judging.evaluated import at, figure_at
from cqltui.report.figure import Axis, Figure, Mark, Panel, Points, Rule
from cqltui.report.material import Material
from cqltui.report.reading import (
    Document,
    ends_at,
    method_said,
    no_policies,
    objects,
    policies,
    rows_said,
    text_at,
)

WIDTH, HEIGHT, ROWS = 6.0, 4.0, 12
"""Inches, and how many rows fit into that height."""
GREY = 4
"""Of the palette."""
GRADES = {"CLEAN": 0, "SUSPECT": 1, "WRONG": 2, "LEAK": 5}
"""Grades of findings that were tested, and their colors."""
AUCS = ("feature_auc", "features_auc")
"""Checks whose value is an AUC."""
ADJUSTED = "95 % lower bound, all policies counted"


def roi_forest(material: Material) -> Figure:
    """Return each policy's ROI with its interval, and the lower bound that holds for all of them together."""
    name, title = "roi_forest", "ROI by policy"
    if reason := no_policies(material):
        return Figure(name, title, "ROI of each policy with 95 % intervals.", "", reason=reason)
    found = policies(material)
    shown = [policy for policy in found if figure_at(policy, "whole", "roi", "value") is not None]
    without = [text_at(policy, "name") for policy in found if policy not in shown]
    method = method_said(material, [at(policy, "whole", "roi") for policy in shown])
    caption = f"Profit / staked of each policy on {rows_said(material)}; the line is break-even. {method}"
    caption += f" Without an ROI: {', '.join(without)}." if without else ""
    if not shown:
        return Figure(name, title, caption, "", reason="No policy of the evaluation has an ROI: none has bet.")
    names = tuple(text_at(policy, "name") for policy in shown)
    places = tuple(map(float, range(len(shown))))
    roi, lower, upper = ([_or_nan(ends_at(policy, "whole", "roi")[end]) for policy in shown] for end in range(3))
    bounds = tuple(_or_nan(figure_at(policy, "compared", "adjusted_lower")) for policy in shown)
    marks: list[Mark] = [
        Rule("break-even", 0.0, vertical=True),
        Points("ROI, 95 % interval", tuple(roi), places, 0, tuple(lower), tuple(upper), across=True, names=names),
    ]
    if not all(map(math.isnan, bounds)):
        marks.append(Points(ADJUSTED, bounds, places, color=1, marker="triangle", names=names))
    told = (
        f"{policy} {100 * value:+.1f} %{_between(low, high)}"
        for policy, value, low, high in zip(names, roi, lower, upper, strict=True)
    )
    alt = f"ROI of {len(shown)} policies, with 95 % intervals: {'; '.join(told)}."
    panel = Panel("", Axis("ROI", format="percent"), Axis("", categories=names), tuple(marks))
    return Figure(name, title, caption, alt, (panel,), size=_size(len(shown)))


def leak_auc(material: Material) -> Figure:
    """Return each feature's AUC for the bet's outcome, and the range outside of which it is a leak."""
    name, title = "leak_auc", "What the features know of the outcome"
    caption = (
        "Area under the ROC curve of each feature, for whether the bet covers, over all decided bets; the line is what "
        "a feature has that knows nothing. A feature whose value lies outside of its range is a leak."
    )
    findings = [its for its in objects(material.audit, "findings") if text_at(its, "check") in AUCS]
    measured = [its for its in findings if None not in (figure_at(its, "value"), figure_at(its, "bound"))]
    if not measured:
        why = "; ".join(dict.fromkeys(filter(None, (text_at(its, "sentence", limit=300) for its in findings))))
        reason = f"No AUC was measured: {why or 'the run has no leak audit that has tested the features'}."
        return Figure(name, title, caption, "", reason=reason)
    names = tuple(text_at(its, "subject") for its in measured)
    allowed = [abs((figure_at(its, "bound") or 0.0) - 0.5) for its in measured]
    places = tuple(map(float, range(len(measured))))
    marks: list[Mark] = [
        Rule("knows nothing", 0.5, vertical=True),
        Points(
            "0.5 with the permitted range",
            (0.5,) * len(measured),
            places,
            color=GREY,
            low=tuple(0.5 - reach for reach in allowed),
            high=tuple(0.5 + reach for reach in allowed),
            across=True,
            names=names,
            marker="cross",
        ),
        *_by_grade(measured),
    ]
    values = (f"{text_at(its, 'subject')} {figure_at(its, 'value'):.3f}" for its in measured)
    alt = f"AUC of {len(measured)} features: {'; '.join(values)}."
    panel = Panel("", Axis("AUC"), Axis("", categories=names), tuple(marks))
    return Figure(name, title, caption, alt, (panel,), size=_size(len(measured)))


def _by_grade(measured: Sequence[Document]) -> list[Points]:
    """Return the AUCs of each grade that there is, each in its place."""
    found = []
    for grade in dict.fromkeys(text_at(its, "grade") for its in measured):
        of_grade = [(place, its) for place, its in enumerate(measured) if text_at(its, "grade") == grade]
        found.append(
            Points(
                f"AUC, {grade.lower() or 'no grade'}",
                tuple(_or_nan(figure_at(its, "value")) for _, its in of_grade),
                tuple(float(place) for place, _ in of_grade),
                color=GRADES.get(grade, 6),
                names=tuple(text_at(its, "subject") for _, its in of_grade),
                marker="circle" if grade == "CLEAN" else "diamond",
            )
        )
    return found


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _between(low: float, high: float) -> str:
    return "" if math.isnan(low) or math.isnan(high) else f" ({100 * low:+.1f} to {100 * high:+.1f})"


def _size(rows: int) -> tuple[float, float]:
    """Return a figure's size with so many rows."""
    return WIDTH, HEIGHT * max(1.0, rows / ROWS)
