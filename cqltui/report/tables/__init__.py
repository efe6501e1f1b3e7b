"""The tables of a report, each made from the material by a pure function."""

from collections.abc import Callable

from cqltui.report.material import Material
from cqltui.report.table import Table
from cqltui.report.tables import architectures, weeks

TABLES: tuple[Callable[[Material], Table], ...] = (
    architectures.architecture_comparison,
    weeks.zero_weeks,
    weeks.adjusted_sharpe,
)
"""In the order of the report."""
