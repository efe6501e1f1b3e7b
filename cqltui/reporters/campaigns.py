"""The campaigns on a server as a table, and as JSON."""

from collections.abc import Sequence
from typing import Any

from msgspec import to_builtins
from rich.table import Table
from rich.text import Text

from cqltui.broker.protocol.census import Standing
from cqltui.reporters.wording import span
from cqltui.state.model import FAILED, Status
from cqltui.state.plain import plain

COLUMNS = ("campaign", "title", "owner", "state", "done", "queued", "running", "failed", "workers", "weight", "ends")
_FIGURES = ("done", "queued", "running", "failed", "workers", "weight")
NAMELESS = "(none)"
"""In the place of a namespace that is empty."""
_WAITING = (Status.QUEUED, Status.DELAYED, Status.PAUSED)


def as_json(found: Sequence[Standing]) -> list[dict[str, Any]]:
    """Return an object a campaign, whose counts are by status."""
    return [
        to_builtins(one) | {"counts": {str(status): count for status, count in one.counts.items()}} for one in found
    ]


def campaign_table(found: Sequence[Standing], now: float) -> Table:
    """Return a line a campaign."""
    table = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, no_wrap=True, justify="right" if column in _FIGURES else "left")
    for one in found:
        name = one.namespace or NAMELESS
        if one.trouble:
            table.add_row(Text(name), Text(plain(one.trouble, 60)), "", one.state)
            continue
        tasks = sum(count for status, count in one.counts.items() if status is not Status.WITHDRAWN)
        waiting, failed = (sum(one.counts.get(status, 0) for status in of) for of in (_WAITING, FAILED))
        table.add_row(
            Text(name),
            Text(plain(one.title or one.name, 40)),
            Text(plain(one.owner or one.host, 40)),
            one.state,
            f"{one.counts.get(Status.DONE, 0):,}/{tasks:,}",
            f"{waiting:,}" if waiting else "",
            f"{count:,}" if (count := one.counts.get(Status.RUNNING, 0)) else "",
            f"{failed:,}" if failed else "",
            str(one.workers or ""),
            str(one.weight),
            _ends(one, now),
        )
    return table


def _ends(one: Standing, now: float) -> str:
    """Return in how long it is going to end, or how long ago it began or ended."""
    if one.finished_ts:
        return f"{span(now - one.finished_ts)} ago"
    if one.expected_ts:
        return f"in {span(one.expected_ts - now)}"
    return f"began {span(now - one.started_ts)} ago" if one.started_ts else ""
