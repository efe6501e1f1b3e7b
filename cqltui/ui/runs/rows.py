"""The list of runs as lines. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from cqltui.results.overview import RunOverview
from cqltui.state.plain import plain
from cqltui.state.units import size
from cqltui.ui import format as fmt
from cqltui.ui.line import Line, Span, left, right
from cqltui.ui.spark import bar

SIGNS = {
    "running": ("▶", "running"), "finished": ("✓", "done"), "stopped": ("■", "delayed"), "empty": ("·", "dim"),
    "unreadable": ("✗", "dead"), "large": ("·", "dim"),
}  # fmt: skip
MARGIN, BAR_CELLS = 4, 12
WIDTHS = {
    "run": 14, "state": 10, "progress": BAR_CELLS + 1, "done": 7, "failed": 6, "best": 8, "when": 15, "size": 9,
    "verdict": 12,
}  # fmt: skip
"""Least cells of each column."""
GIVES_WAY = ("progress", "failed", "size", "best", "when", "verdict", "done")
"""What is left out where the width does not do for all, the first first."""
LONGEST_RUN = 40
RIGHT = frozenset({"done", "failed", "best", "size"})
TITLES = {"when": "ETA or age", "best": "best val", "progress": ""}


class Row(Struct, frozen=True):
    """A run in the list."""

    run: RunOverview
    size_bytes: int | None = None
    """None while it has not been measured."""
    marked: bool = False


def columns(rows: Sequence[Row], cells: int) -> dict[str, int]:
    """Return the columns that fit, with their cells; what is left goes to names and verdicts."""
    shown = dict(WIDTHS)
    shown["state"] = max([shown["state"], *(2 + len(row.run.state) for row in rows)])
    names = max((len(row.run.name) for row in rows), default=0)
    for name in GIVES_WAY:
        if _width(shown) <= cells - MARGIN:
            break
        del shown[name]
    spare = cells - MARGIN - _width(shown)
    more = min(max(spare, 0), max(0, min(names, LONGEST_RUN) - shown["run"]))
    shown["run"] += more
    if "verdict" in shown:
        shown["verdict"] += max(spare - more, 0)
    elif spare < 0:
        shown["run"] = max(shown["run"] + spare, 4)
    return shown


def _width(shown: Mapping[str, int]) -> int:
    return sum(shown.values()) + len(shown) - 1


def heading(shown: Mapping[str, int]) -> Line:
    """Return the names of the columns."""
    spans: list[Span] = [(" " * MARGIN, "faint")]
    for name, cells in shown.items():
        spans += [((right if name in RIGHT else left)(TITLES.get(name, name), cells), "dim"), (" ", "text")]
    return tuple(spans)


def line(row: Row, shown: Mapping[str, int], now: float) -> Line:
    """Return one run; the first cell is the cursor's, which `LineView` draws."""
    spans: list[Span] = [(" ", "text"), (left("+" if row.marked else "", MARGIN - 1), "accent")]
    for name, cells in shown.items():
        spans += [*_cell(name, row, cells, now), (" ", "text")]
    return tuple(spans)


def _cell(name: str, row: Row, cells: int, now: float) -> list[Span]:
    run = row.run
    if name == "progress":
        filled, rest = bar(run.done / run.tasks if run.tasks else 0.0, cells - 1)
        return [(filled, "done" if run.state == "finished" else "accent"), (rest + " ", "faint")]
    text, role = _text(name, row, now)
    return [((right if name in RIGHT else left)(text, cells), role)]


def _text(name: str, row: Row, now: float) -> Span:
    run = row.run
    match name:
        case "run":
            return plain(run.name), "strong"
        case "state":
            sign, role = SIGNS.get(run.state, ("·", "dim"))
            return f"{sign} {run.state}", role
        case "done":
            return ("" if run.why and not run.tasks else f"{run.done}/{run.tasks}"), "text"
        case "failed":
            return (str(run.failed), "dead") if run.failed else ("", "faint")
        case "best":
            return ("" if run.best is None else fmt.number(run.best)), "text"
        case "when":
            return _when(run, now), "text"
        case "size":
            return ("…" if row.size_bytes is None else size(row.size_bytes)), "dim"
        case _:
            return (f"campaign.json {run.why}", "dead") if run.why else _verdict(run)


def _verdict(run: RunOverview) -> Span:
    return run.verdict, "dead" if run.verdict == "leak" else "text"


def _when(run: RunOverview, now: float) -> str:
    if run.state == "running":
        return f"ETA ~{fmt.clock(run.expected_ts, now)}" if run.expected_ts else "no ETA yet"
    ts = run.finished_ts or run.started_ts
    return f"{fmt.duration(now - ts)} ago" if ts else ""


def total_line(rows: Sequence[Row]) -> str:
    """Return how many runs there are, and the room that they take as far as it is known."""
    count = f"{len(rows)} run{'' if len(rows) == 1 else 's'}"
    known = [row.size_bytes for row in rows if row.size_bytes is not None]
    marked = sum(row.marked for row in rows)
    parts = [count, *([size(sum(known))] if known else []), *([f"{marked} marked"] if marked else [])]
    return " · ".join(parts)
