"""Where each table and each figure has its place on the page. What nobody names comes last, so that nothing is lost."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct, field

from cqltui.campaign.model import Campaign, Question
from cqltui.report.figure import Figure
from cqltui.report.table import Table

Shown = Table | Figure
AUDIT, ANSWERS, FURTHER = "audit", "answers", "further"


class Section(Struct, frozen=True):
    """A part of the page below a heading of its own."""

    name: str
    title: str
    patterns: tuple[str, ...] = ()
    """Names of its tables and figures in order, as of `fnmatch`."""


SECTIONS = (
    Section(AUDIT, "Leak audit", ("leakage_audit_table", "leak_*", "leakage_*")),
    Section(ANSWERS, "Answers", ("answers_table", "criteria_table")),
    Section(
        "policies",
        "Policies",
        (
            "cql_betting_performance_table",
            "roi_forest",
            "bankroll_*",
            "cql_performance_table",
            "rl_vs_baseline_table",
            "oos_record_table",
            "utilization_adjusted_sharpe_table",
            "zero_weeks_table",
            "bootstrap_ci_table",
            "multiple_testing_table",
            "ope_*",
            "clv_*",
            "ledger_*",
        ),
    ),
    Section(
        "ensemble",
        "Ensemble and uncertainty",
        (
            "cql_ensemble_uncertainty_table",
            "risk_coverage*",
            "reliability_diagram*",
            "q_*",
            "ensemble_*",
            "*uncertainty*",
        ),
    ),
    Section(
        "convergence", "Convergence", ("cql_convergence_table", "cql_training_curves", "rl_learning_curves", "*_curves")
    ),
    Section(
        "architectures",
        "Architectures and settings",
        (
            "cql_architecture_comparison_table",
            "architecture_*",
            "cql_alpha_sensitivity_table",
            "alpha_sensitivity_*",
            "hparam_*",
            "*_sensitivity*",
        ),
    ),
    Section(
        "machine",
        "Hardware and throughput",
        ("*throughput*", "*queue*", "*lanes*", "eta_*", "*_eta", "*memory*"),
    ),
    Section("tasks", "Every task", ("all_cql_results*",)),
    Section("cost", "Cost", ("cost_*", "price_*")),
    Section("openings", "Looks at the test rows", ("*opened*", "*openings*")),
    Section("provenance", "Provenance", ("provenance*", "*versions*")),
    Section("methods", "Methods"),
    Section("files", "Files"),
    Section(FURTHER, "Further tables and figures"),
)
"""In the order of the page."""

BESIDE: Mapping[str, tuple[str, ...]] = {
    "convergence": ("cql_training_curves", "cql_convergence_table", "rl_learning_curves"),
    "best_loss": ("cql_convergence_table", "all_cql_results"),
    "setting": ("alpha_sensitivity_panel", "cql_alpha_sensitivity_table", "hparam_sensitivity"),
    "architectures": ("architecture_pareto", "cql_architecture_comparison_table", "hparam_sensitivity"),
    "q_spread": ("cql_ensemble_uncertainty_table",),
    "uncertainty": ("risk_coverage", "cql_ensemble_uncertainty_table"),
    "confident": ("cql_betting_performance_table", "roi_forest"),
}
"""Answer -> tables and figures that say more. The first, where it is a figure that stands nowhere yet, is shown with
the question; a link leads to each of the others."""


class Arrangement(Struct, frozen=True):
    """What is shown where, by name."""

    sections: Mapping[str, tuple[str, ...]]
    """Section -> its tables and figures."""
    elsewhere: Mapping[str, tuple[str, ...]]
    """Section -> those of its tables and figures that are shown with a question."""
    questions: Mapping[tuple[str, int], tuple[str, ...]]
    """(phase, place of the question) -> what is shown with it."""
    links: Mapping[tuple[str, int], tuple[str, ...]]
    """(phase, place of the question) -> where more stands."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Name -> `Table 3`, in the order of the page."""


def arrange(campaign: Campaign, tables: Sequence[Table], figures: Sequence[Figure]) -> Arrangement:
    """Give each table and figure its place, once, and its number. Names may not repeat."""
    items = named(tables, figures)
    beside, links = _questions(campaign, items)
    taken = {name for names in beside.values() for name in names}
    sections: dict[str, tuple[str, ...]] = {}
    elsewhere: dict[str, tuple[str, ...]] = {}
    left = dict(items)
    for section in SECTIONS:
        own = [name for pattern in section.patterns for name in left if fnmatchcase(name, pattern)]
        own = list(dict.fromkeys(own))
        for name in own:
            del left[name]
        sections[section.name] = tuple(name for name in own if name not in taken)
        elsewhere[section.name] = tuple(name for name in own if name in taken)
    sections[FURTHER] = tuple(name for name in left if name not in taken)
    order = list(_in_order(sections, beside))
    return Arrangement(sections, elsewhere, beside, links, _labels(order, items))


def named(tables: Sequence[Table], figures: Sequence[Figure]) -> dict[str, Shown]:
    """Return both by their names."""
    return {table.name: table for table in tables} | {figure.name: figure for figure in figures}


def _questions(
    campaign: Campaign, items: Mapping[str, Shown]
) -> tuple[dict[tuple[str, int], tuple[str, ...]], dict[tuple[str, int], tuple[str, ...]]]:
    beside: dict[tuple[str, int], tuple[str, ...]] = {}
    links: dict[tuple[str, int], tuple[str, ...]] = {}
    taken: set[str] = set()
    for phase in campaign.phases:
        for place, question in enumerate(phase.questions):
            names = [name for name in _beside(campaign, question) if name in items]
            first = items[names[0]] if names else None
            own = (first.name,) if isinstance(first, Figure) and first.panels and first.name not in taken else ()
            taken.update(own)
            beside[phase.name, place] = own
            links[phase.name, place] = tuple(name for name in names if name not in own)
    return beside, links


def _beside(campaign: Campaign, question: Question) -> tuple[str, ...]:
    names = BESIDE.get(question.answer, ())
    scales = {task.algorithm.scale for task in campaign.tasks}
    if question.answer == "setting" and dict(question.params).get("setting") not in scales:
        return names[-1:]  # the others are about the scale setting alone
    return names


def _in_order(
    sections: Mapping[str, tuple[str, ...]], beside: Mapping[tuple[str, int], tuple[str, ...]]
) -> Iterator[str]:
    for section in SECTIONS:
        if section.name == ANSWERS:
            yield from (name for names in beside.values() for name in names)  # before its own, which sum it up
        yield from sections[section.name]


def _labels(order: Sequence[str], items: Mapping[str, Shown]) -> dict[str, str]:
    counts = {"Table": 0, "Figure": 0}
    labels = {}
    for name in order:
        kind = "Table" if isinstance(items[name], Table) else "Figure"
        counts[kind] += 1
        labels[name] = f"{kind} {counts[kind]}"
    return labels
