"""A table of the report as CSV: for programs, with every digit."""

import csv
import io
import math

from cqltui.report.table import Cell, Table
from cqltui.results.tables import cell
from cqltui.state.plain import plain

LONGEST_REASON = 2_000


def csv_text(table: Table) -> str:
    """Return the names of the columns, and a row a line: numbers in full precision, shares as shares, flags as true and
    false, nothing where there is no value. Text is no formula (see `cqltui.results.tables.cell`).

    Below the names of a table without rows is its reason, a line that begins with "# ": pandas reads no row with
    `comment="#"`, and one that says why without.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    if table.rows:
        writer.writerows([_cell(value) for value in row] for row in table.rows)
    else:
        # Neither commas nor quotes: it would be put into quotes, and be no comment any more.
        said = plain(table.reason, LONGEST_REASON).replace(",", ";").replace('"', "'")
        out.write(cell(f"# {said}") + "\n")
    return out.getvalue()


def _cell(value: Cell) -> str:
    """Return a value as every reader of numbers takes it. NaN is no value; infinity is one."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return cell(value)
        case int():
            return str(int(value))
        case _:
            number = float(value)  # NumPy's own say their type with repr
            return "" if math.isnan(number) else repr(number)
