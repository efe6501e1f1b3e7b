"""The tables of a report, each made from the material by a pure function."""

from collections.abc import Callable

from cqltui.report.material import Material
from cqltui.report.table import Table
from cqltui.report.tables import (
    architectures,
    asked,
    convergence,
    members,
    origins,
    performance,
    results,
    running,
    sensitivity,
)

TABLES: tuple[Callable[[Material], Table], ...] = (
    architectures.architecture_comparison,
    sensitivity.alpha_sensitivity,
    convergence.convergence_table,
    members.ensemble_uncertainty,
    performance.performance,
    results.all_results,
    asked.criteria,
    asked.answers,
    running.hardware,
    running.cost,
    origins.provenance,
)
"""In the order of the report."""
