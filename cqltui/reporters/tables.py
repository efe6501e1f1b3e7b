"""Tables of the report in the terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from cqltui.report.table import ABSENT, Table


def rich_table(table: Table) -> RenderableType:
    """Return a table for a terminal; where there is none, the reason. Markup in text stays text."""
    if not table.rows:
        return Text.assemble((f"{table.title}: ", "bold"), table.reason)
    found = RichTable(
        title=Text(table.title, "bold"), title_justify="left", header_style="bold", box=None, pad_edge=False
    )
    for column in table.columns:
        is_text = column.kind in ("text", "flag")
        found.add_column(
            Text(column.heading), justify="left" if is_text else "right", overflow="fold" if is_text else "ellipsis"
        )
    for row in table.rows:
        shown = (column.text(value) for column, value in zip(table.columns, row, strict=True))
        found.add_row(*(Text("" if text == ABSENT else text) for text in shown))
    return found


def shown(table: Table) -> Iterator[RenderableType]:
    """Yield the table, and what there is to say below it."""
    yield rich_table(table)
    yield from (Text(note, "dim") for note in table.notes)
    yield Text()
