"""What the figures rest on: many looks at the same rows, intervals, the leak audit, and openings of the test rows."""

from collections.abc import Iterator

from cqltui.judging.evaluated import at, figure_at
from cqltui.report.material import Material
from cqltui.report.reading import (
    SENTENCE_LENGTH,
    Document,
    bankroll_of,
    ends_at,
    method_said,
    no_policies,
    objects,
    policies,
    rows_said,
    share,
    text_at,
    whole_at,
)
from cqltui.report.table import Cell, Column, Table, absent
from cqltui.report.wording import moment
from cqltui.state import decode
from trainer.evaluation.leak_findings import Grade

NETWORKS_SHOWN = 10
"""Of all networks, the best so many on the rows are in the table of tests."""
COMMIT_LENGTH = 10
FIGURES = (
    ("ROI", "roi", False),
    ("win rate", "win_rate", False),
    ("Sharpe ratio", "sharpe", True),
    ("max drawdown", "max_drawdown", True),
)
"""What they are called, their keys in evaluation.json, and whether they are of a bankroll."""
ADJUSTED = ("holm_p", "fdr_p", "adjusted_p", "step_down_p")


def multiple_testing(material: Material) -> Table:
    """Return the one-sided tests of "ROI is 0 or less": of the policies, and of the best of all networks."""
    name, title = "multiple_testing_table", "Many looks at the same rows"
    columns = (
        Column("family", "Family", help="What is counted together."),
        Column("test", "Test"),
        share("roi", "ROI", signed=True, help_text="Profit / staked."),
        Column("raw_p", "raw p", "number", 4, help="One-sided, as if it were the only one."),
        Column("bonferroni_p", "Bonferroni", "number", 4, help="Raw p times the tests of the family, at most 1."),
        Column("holm_p", "Holm", "number", 4),
        Column("fdr_p", "FDR", "number", 4, help="Benjamini and Hochberg."),
        Column("max_t_p", "max-t", "number", 4, help="Of the studentised maximum over the family, in one step."),
        Column("step_down_p", "step-down", "number", 4, help="The same, stepwise."),
        share("adjusted_lower", "ROI over", signed=True, help_text="Bounds that hold for the whole family: 95 %."),
    )
    caption = 'One-sided tests of "it returns nothing or less" by resampled weeks, alone and adjusted for the family.'
    if reason := no_policies(material):
        return absent(name, title, caption, columns, reason)
    tested = [(text_at(policy, "name"), at(policy, "compared")) for policy in policies(material)]
    networks = objects(material.evaluation, "tasks")
    of_tasks = [(_network(its), at(its, "compared")) for its in networks]
    rows = (*_tests("policies", tested), *list(_tests("networks", of_tasks))[:NETWORKS_SHOWN])
    counted = sum(figure_at(its, "raw_p") is not None for _, its in tested)
    notes = [f"{counted} of {len(tested)} policies are compared, as one family."]
    notes += [f"Not compared: {name}, {why}." for name, its in tested if (why := text_at(its, "reason"))]
    if of_tasks:
        own = sum(figure_at(its, "raw_p") is not None for _, its in of_tasks)
        shown = min(NETWORKS_SHOWN, len(of_tasks))
        notes.append(
            f"Each task's network is one of another family, of which {own} of {len(of_tasks)} are compared; shown are "
            f"the first {shown} by their ROI on these rows."
        )
    return Table(name, title, f"{caption} On {rows_said(material)}.", columns, rows, tuple(notes))


def _network(its: Document) -> str:
    which = text_at(its, "chosen", "which")
    return text_at(its, "chosen", "task") + (f" ({which})" if which else "")


def _tests(family: str, tested: list[tuple[str, Document]]) -> Iterator[tuple[Cell, ...]]:
    count = sum(figure_at(its, "raw_p") is not None for _, its in tested)
    for name, its in tested:
        raw = figure_at(its, "raw_p")
        alone = None if raw is None else min(1.0, raw * count)
        adjusted = (figure_at(its, key) for key in ADJUSTED)
        yield family, name, figure_at(its, "value"), raw, alone, *adjusted, figure_at(its, "adjusted_lower")


def bootstrap_intervals(material: Material) -> Table:
    """Return each policy's figures with interval, standard error and method."""
    name, title = "bootstrap_ci_table", "Intervals"
    columns = (
        Column("figure", "Figure"),
        Column("model", "Model"),
        Column("value", "Value", "number", 4),
        Column("lower", "from", "number", 4),
        Column("upper", "to", "number", 4),
        Column("error", "SE", "number", 4),
        Column("method", "Method"),
    )
    caption = "Figures of each policy with their 95 % intervals and standard errors; shares of 1, not percentages."
    if reason := no_policies(material):
        return absent(name, title, caption, columns, reason)
    figures = [
        (figure, text_at(policy, "name"), at(bankroll_of(whole) if of_bankroll else whole, key))
        for figure, key, of_bankroll in FIGURES
        for policy in policies(material)
        for whole in [at(policy, "whole")]
    ]
    effect = at(material.evaluation, "ensemble", "confident_effect")
    figures += [
        (f"{figure}, confident bets minus the rest", "CQL ensemble", its)
        for figure, key in (("ROI", "roi"), ("win rate", "win_rate"))
        if (its := at(effect, key))
    ]
    known = [(figure, model, its) for figure, model, its in figures if figure_at(its, "value") is not None]
    if not known:
        return absent(name, title, caption, columns, "No policy of the evaluation has bet.")
    rows = tuple(
        (
            figure,
            model,
            *ends_at(its),
            figure_at(its, "error"),
            text_at(its, "method") or (f"none: {why}" if (why := text_at(its, "reason")) else None),
        )
        for figure, model, its in known
    )
    said = method_said(material, [its for _, _, its in known])
    return Table(name, title, f"{caption} On {rows_said(material)}. {said}", columns, rows)


def leakage_audit(material: Material) -> Table:
    """Return a row a finding of the leak audit, the worst first."""
    name, title = "leakage_audit_table", "Leak audit"
    columns = (
        Column("check", "Check"),
        Column("subject", "Feature or subject"),
        Column(
            "value",
            "Value",
            "number",
            3,
            help="An AUC for the bet's outcome, a correlation, a share or a count.",
            counts=True,
        ),
        Column("bound", "Bound", "number", 3, help="What the value is compared with.", counts=True),
        Column("grade", "Grade"),
        Column("finding", "Finding"),
    )
    caption = "Findings of the leak audit, the worst first. The outcome is that the bet covers; pushes are left out."
    if material.audit is None:
        return absent(name, title, caption, columns, "The run has no leak audit: `cqltui data check` makes one.")
    findings = sorted(objects(material.audit, "findings"), key=_severity)
    if not findings:
        return absent(name, title, caption, columns, "The leak audit has no findings that can be read: repeat it.")
    rows = tuple(
        (
            text_at(finding, "check").replace("_", " "),
            text_at(finding, "subject"),
            figure_at(finding, "value"),
            figure_at(finding, "bound"),
            text_at(finding, "grade").lower(),
            text_at(finding, "sentence", limit=SENTENCE_LENGTH),
        )
        for finding in findings
    )
    said = (
        f"Grade of the whole audit, that of the worst of what was tested: {text_at(material.audit, 'grade').lower()}."
    )
    return Table(name, title, caption, columns, rows, (said,))


WORST_FIRST = tuple(it.name for it in (Grade.LEAK, Grade.WRONG, Grade.SUSPECT, Grade.UNTESTED, Grade.CLEAN))
"""An unknown grade comes before all."""


def _severity(finding: Document) -> int:
    grade = text_at(finding, "grade")
    return WORST_FIRST.index(grade) if grade in WORST_FIRST else -1


def openings(material: Material) -> Table:
    """Return a row for each time that the test rows were looked at."""
    name, title = "test_openings_table", "Openings of the test rows"
    columns = (
        Column("number", "Opening", "integer"),
        Column("when", "When (UTC)"),
        Column("why", "Why"),
        Column("tasks_done", "Tasks done", "integer"),
        Column("rows", "Test rows", "integer"),
        Column("results", "Results", help="Stands for the results that were evaluated."),
        Column("seed", "Seed", help="Of the evaluation's draws."),
        Column("code", "Code", help="The program's commit."),
    )
    caption = "Every time that the test rows were looked at, in order."
    if not material.opened:
        return absent(name, title, caption, columns, "The test rows of this run were never opened.")
    rows = tuple(
        (
            number,
            moment(decode.stamp(entry, "ts")) or None,
            text_at(entry, "why", limit=SENTENCE_LENGTH) or None,
            whole_at(entry, "tasks_done"),
            whole_at(entry, "rows", "test"),
            text_at(entry, "results") or None,
            None if (seed := whole_at(entry, "settings", "seed")) is None else str(seed),
            _commit(text_at(entry, "git_commit")),
        )
        for number, entry in enumerate(material.opened, start=1)
    )
    results = len({row[5] for row in rows})
    times, states = ("once", "") if len(rows) == 1 else (f"{len(rows):,} times", f", of {results:,} states of the run")
    return Table(name, title, caption, columns, rows, (f"The test rows were opened {times}{states}.",))


def _commit(said: str) -> str | None:
    """Return the beginning of a commit's name, and whether files had been changed."""
    name, dash, dirty = said.partition("-")
    return (name[:COMMIT_LENGTH] + dash + dirty) or None
