"""What the ensemble's uncertainty is worth: the risk of the bets that it is most certain of."""

from cqltui.judging.evaluated import at, figure_at
from cqltui.report.figure import Axis, Band, Figure, Line, Mark, Panel, Rule
from cqltui.report.material import Material
from cqltui.report.reading import no_policies, rows_said
from cqltui.report.series import equally_long, numbers_at, why_not

DEVIATIONS = 2.0
"""Of random abstention, that its band reaches to both sides."""


def risk_coverage(material: Material) -> Figure:
    """Return the share of lost bets among the most certain ones, by how many are kept, beside chance and the best."""
    name, title = "risk_coverage", "Risk against coverage"
    told = at(material.evaluation, "ensemble", "uncertainty")
    coverage, risk, deviations, oracle = (
        numbers_at(told, "curve", key) for key in ("coverage", "risk", "random_sd", "oracle")
    )
    expected = figure_at(told, "random_aurc")
    if expected is None or not equally_long(coverage, risk, deviations, oracle):
        caption = "Share of lost bets among those that the ensemble is most certain of."
        return Figure(name, title, caption, "", reason=_why_not(material))
    reach = [DEVIATIONS * deviation for deviation in deviations]
    marks: list[Mark] = [
        Band(
            f"random ± {DEVIATIONS:g} SD",
            coverage,
            tuple(max(0.0, expected - its) for its in reach),
            tuple(min(1.0, expected + its) for its in reach),
            color=2,
        ),
        Line("random, expected", coverage, (expected,) * len(coverage), color=2, style="dotted"),
        Line("by the losses themselves", coverage, oracle, color=1, style="dashed"),
        Line("by the ensemble's uncertainty", coverage, risk),
    ]
    cut = figure_at(material.evaluation, "ensemble", "coverage")
    if cut is not None and 0 <= cut <= 1:
        marks.append(Rule("the cut, chosen on validation", cut, vertical=True))
    bets = figure_at(told, "bets")
    areas = ", ".join(
        f"{said} {area:.3f}"
        for key, said in (("aurc", "by uncertainty"), ("random_aurc", "at random"), ("oracle_aurc", "at best"))
        if (area := figure_at(told, key)) is not None
    )
    caption = (
        "Share of lost bets among those that the ensemble is most certain of, by the share that is kept of its"
        f"{'' if bets is None else f' {bets:,.0f}'} decided bets on {rows_said(material)}; and of as many bets drawn "
        f"at random, with {DEVIATIONS:g} standard deviations. Areas: {areas}."
    )
    alt = f"Risk against coverage at {len(coverage)} coverages. Risk of all bets {expected:.3f}; areas {areas}."
    panel = Panel("", Axis("coverage", format="percent"), Axis("lost bets", format="percent"), tuple(marks))
    return Figure(name, title, caption, alt, (panel,))


def _why_not(material: Material) -> str:
    reason = no_policies(material)
    if not reason and not at(material.evaluation, "ensemble"):
        return "The run has no ensemble: a phase whose tasks differ by seed alone makes one."
    if not reason and not at(material.evaluation, "ensemble", "uncertainty"):
        return "Too few of the ensemble's bets were decided to order them by uncertainty: more test seasons have more."
    return reason or why_not(material, "the curve of risk against coverage")
