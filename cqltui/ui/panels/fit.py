"""Which columns of the task list fit, and how wide they are. Pure."""

from collections.abc import Sequence

from cqltui.ui.panels.columns import NEVER, Column

TITLE = 16
TITLE_SHARE = 28
"""The least of a title, and its least part in percent: it often ends in what tells one task from the next. It needs no
more than the longest title."""
LONGEST_CURVE = 60
WORDS, ROOM = 100, 125
"""From these widths on states are words, and have room for the longest."""
FOLDED = {"state": 10, "loss": 15, "best": 15, "val": 7}
"""Cells where tasks are folded: counts of states, and means with their spread."""
FIRST = ("state", "title", "epoch", "loss", "best", "curve")
"""Shown first where tasks are folded."""


def widths(
    cells: int,
    columns: Sequence[Column],
    chosen: Sequence[str] = (),
    title_cells: int = 0,
    folded: bool = False,
) -> list[tuple[Column, int]]:
    """Return the columns that are shown in a list of this width, with their cells; one space goes between two of them.

    Those that were `chosen` by name, in that order; where there is none of these, those of the lowest rank that fit, in
    the order of `columns`. A title takes what is left until it has `title_cells`, then curves do.
    """
    least = _least(cells, title_cells, folded)
    named = {column.name: column for column in columns}
    wanted = [named[name] for name in chosen if name in named]
    if automatic := not wanted:
        wanted = sorted((c for c in columns if c.rank < NEVER), key=lambda column: _rank(column, folded))
    kept: dict[str, int] = {}
    room, full = cells, NEVER
    for column in wanted:
        needed, rank = least.get(column.name, column.cells) + bool(kept), _rank(column, folded)
        if (needed <= room and rank <= full) or (automatic and column.rank == 0 and not folded):
            kept[column.name] = least.get(column.name, column.cells)
            room -= needed
        elif automatic:
            full = min(full, rank)  # what counts less than one that has no room is left out, too
    shown = columns if automatic else wanted
    if "title" in kept:
        kept["title"] = max(4, kept["title"] + min(room, 0))
    for name, most in (("title", title_cells), ("curve", LONGEST_CURVE), ("title", cells)):
        if room > 0 and name in kept:
            more = min(room, max(0, most - kept[name]))
            kept[name] += more
            room -= more
    return [(column, kept[column.name]) for column in shown if column.name in kept]


def _least(cells: int, title_cells: int, folded: bool) -> dict[str, int]:
    found = {"title": max(TITLE, min(cells * TITLE_SHARE // 100, title_cells))}
    if cells >= WORDS:
        found |= {"state": 9, "curve": 12}
    if cells >= ROOM:
        found["state"] = 11
    return found | (FOLDED if folded else {})


def _rank(column: Column, folded: bool) -> int:
    return -1 if folded and column.name in FIRST else column.rank
