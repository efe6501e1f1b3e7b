"""The tables of a report, each made from the material by a pure function."""

from collections.abc import Callable

from cqltui.report.material import Material
from cqltui.report.table import Table
from cqltui.report.tables import (
    architectures,
    asked,
    betting,
    convergence,
    evidence,
    ledger,
    members,
    offpolicy,
    origins,
    performance,
    results,
    running,
    sensitivity,
    weeks,
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
    betting.performance,
    betting.against_baselines,
    betting.season_record,
    offpolicy.estimates,
    offpolicy.grid,
    evidence.multiple_testing,
    evidence.bootstrap_intervals,
    evidence.leakage_audit,
    ledger.closing_values,
    evidence.openings,
    weeks.zero_weeks,
    weeks.adjusted_sharpe,
)
"""In the order of the report."""
