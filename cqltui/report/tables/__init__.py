"""The tables of a report, each made from the material by a pure function."""

from collections.abc import Callable

from cqltui.report.material import Material
from cqltui.report.table import Table
from cqltui.report.tables import architectures, betting, evidence, ledger, offpolicy

TABLES: tuple[Callable[[Material], Table], ...] = (
    architectures.architecture_comparison,
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
)
"""In the order of the report."""
