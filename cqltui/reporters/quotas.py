"""Quotas of workers a user, as a table, lines and JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import to_builtins
from rich.table import Table
from rich.text import Text

from cqltui.broker.protocol.quotas import Quota
from cqltui.state.plain import plain

COLUMNS = ("user", "workers", "allowed", "set by")


def as_json(found: Sequence[Quota]) -> list[dict[str, Any]]:
    """Return an object a user; `limit` is null for any number, `used` where that cannot be read."""
    return [to_builtins(one) | {"places": sorted(one.places)} for one in found]


def quota_lines(found: Sequence[Quota]) -> Iterator[Text]:
    """Yield a line a user."""
    for one in found:
        yield Text(one.rule + (f": {one.used:,} in use" if one.used is not None else ""))


def quota_table(found: Sequence[Quota]) -> Table:
    """Return a line a user."""
    table = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, no_wrap=True, justify="right" if column in ("workers", "allowed") else "left")
    for one in found:
        used = "?" if one.used is None else f"{one.used:,}"
        allowed = "any number" if one.limit is None else f"{one.limit:,}"
        table.add_row(Text(plain(one.user, 64)), used, allowed, Text(plain(one.by, 80)))
    return table
