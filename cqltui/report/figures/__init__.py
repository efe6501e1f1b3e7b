"""The figures of a report, each made from the material by a pure function."""

from collections.abc import Callable

from cqltui.report.figure import Figure
from cqltui.report.figures import bankroll, coverage, training
from cqltui.report.material import Material

FIGURES: tuple[Callable[[Material], Figure], ...] = (
    training.training_curves,
    bankroll.trajectories,
    bankroll.finals,
    coverage.risk_coverage,
)
"""In the order of the report."""
