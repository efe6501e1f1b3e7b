"""What of the screen is seen at a size, and where it stands. Pure: rows and cells from rows and cells."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

PANELS = ("tasks", "curves", "timeline", "log", "evaluation", "hardware", "events", "phases", "details")
"""The panels of the main screen in the order of their digits, from 1 on, and of Tab. The queue goes with the phases."""
IMPORTANCE = ("tasks", "curves", "log", "timeline", "evaluation", "hardware", "events", "details")
"""Where there is no room for all of a column, the last of these go first."""

TWO_COLUMNS, THREE_COLUMNS = 110, 200
"""Cells from which on the panels stand in so many columns."""
BESIDE = 160
"""Cells from which on the details of a task stand beside the list, without having the keys."""
COLUMN_ROWS, STACK_ROWS, STACK_CELLS = 24, 40, 60
"""Rows of the body from which on there are columns, and only one: below, one panel is seen at a time."""
HEADER, TABS, FOOTER = 3, 1, 1
LOW_HEADER, LOW = 2, 14
"""Below so many rows the header has no bar."""
BORDER = 2
"""Rows of a panel's frame."""
HEADING = 1
LIST_ROWS = BORDER + HEADING + 3
"""The least of a list: its heading and three rows."""
LEAST = {
    "tasks": 8, "curves": 8, "timeline": 5, "log": 6, "evaluation": 5, "hardware": 7, "events": 5, "details": 9,
    "bottom": 8,
}  # fmt: skip
"""Rows that a panel has at least in a column; `bottom` are the log and the curves side by side."""
LENDING = dict.fromkeys((*PANELS, "queue"), BORDER + 1) | {"tasks": LIST_ROWS}
"""The rows that a panel keeps while something is typed below it."""
BESIDE_DETAILS = {"timeline": 7, "events": 6}
"""What more these have at least for details to stand in their column: lanes, and an event below another."""
WEIGHT = {
    "tasks": 12, "curves": 4, "timeline": 3, "log": 3, "evaluation": 4, "hardware": 2, "events": 2, "details": 4,
    "bottom": 3,
}  # fmt: skip
"""How what is left of a column is shared."""
STACK_SHARE = 40
"""Percent of the rows that the task list has at least where all stand in one column."""
HEADING_CELLS = 100
"""From this width on the phases have a heading, if there is a row for it."""
SIDE, MIDDLE, RIGHT = (28, 32, 56), (30, 60, 90), (22, 44, 62)
"""Percent of the width, and the least and most cells, of the second of two columns, and of the second and third of
three. The first has the rest."""
LANES = 6
"""Rows of the timeline beside its lanes: the axis, what is chosen, what was last, the legend."""
QUEUE_ROWS = 6
"""The least of the queue below the phases."""
LOG_SHARE = 60
"""Percent of the width that the log has beside the curves."""
CURVE_ROWS = 9
FIELDS_ROWS = 8
DETAILS_WIDE, DETAILS_TALL = 110, 31
"""Cells from which on a task's fields stand beside all else, and rows from which on its files and its phase stand one
below the other where they are narrow."""
DETAILS_CELLS, DETAILS_MOST = 48, 72
"""The least of a task's fields beside the rest, and of the phase beside the files; the most of the fields."""
PART_ROWS = 6
"""The least of the curve, and of files and phase."""
TIGHT_CELLS, TIGHT_ROWS, LOW_ROWS = 60, 18, 14


class Place(Struct, frozen=True):
    """A rectangle of the body, in cells and rows."""

    x: int
    y: int
    cells: int
    rows: int


class Wish(Struct, frozen=True):
    """What the user wants to see."""

    hidden: frozenset[str] = frozenset()
    current: str = "tasks"
    """The panel that has the keys: it is seen."""
    zoomed: bool = False
    """Whether it has the whole body."""
    single: bool = False
    """Whether one panel is seen at a time at any size."""


class Counts(Struct, frozen=True):
    """How much there is to be seen."""

    phases: int = 0
    workers: int = 0
    tasks: int = 0


class Layout(Struct, frozen=True):
    """The body of the main screen, which is all between the header and the last lines."""

    places: Mapping[str, Place] = field(default_factory=dict)
    """By panel; of the queue as `queue`, of the line that names the panels as `tabs`. What is missing is not seen."""
    small: bool = False
    """Whether one panel is seen at a time."""


def header_rows(rows: int) -> int:
    """Return the rows of the header on a terminal of so many."""
    return LOW_HEADER if rows < LOW else HEADER


def main_layout(cells: int, rows: int, counts: Counts, wish: Wish, lent: int = 0) -> Layout:
    """Return the body of the main screen in `cells` by `rows`: every cell of it is a panel's.

    `lent`: how many rows more it has when nothing is typed below it. The lowest panels do without them, if they can,
    and all others stay where they are.
    """
    if lent:
        whole = main_layout(cells, rows + lent, counts, wish)
        places = {name: replace(place, rows=min(place.rows, rows - place.y)) for name, place in whole.places.items()}
        if all(place.rows >= LENDING.get(name, 0) for name, place in places.items()):
            return replace(whole, places=places)
    small = wish.single or is_small(cells, rows)
    if wish.zoomed:
        return Layout(_alone(wish.current, Place(0, 0, cells, rows), counts), small)
    if small:
        return Layout(_tabbed(cells, rows, counts, wish), small)
    if cells < TWO_COLUMNS:
        return Layout(_stacked(cells, rows, counts, wish))
    return Layout(_columns(cells, rows, counts, wish))


def is_small(cells: int, rows: int) -> bool:
    """Return whether a body of this size shows one panel at a time."""
    return rows < COLUMN_ROWS or (cells < TWO_COLUMNS and rows < STACK_ROWS) or cells < STACK_CELLS


def _alone(panel: str, room: Place, counts: Counts) -> dict[str, Place]:
    """Return one panel in all of a room; the phases have the queue below them."""
    wanted = counts.phases + BORDER + HEADING
    if panel != "phases" or room.rows < wanted + QUEUE_ROWS:
        return {panel: room}
    return _down(("phases", "queue"), (wanted, room.rows - wanted), room)


def _tabbed(cells: int, rows: int, counts: Counts, wish: Wish) -> dict[str, Place]:
    """Return the names, the phases where there is room for them and for a list, and the panel with the keys."""
    free = rows - TABS
    top = 0
    if wish.current != "phases" and "phases" not in wish.hidden and not wish.single:
        wanted = max(counts.phases, 1) + BORDER + (cells >= HEADING_CELLS)
        top = min(wanted, free // 2, free - LIST_ROWS)
        top = top if top > BORDER else 0
    places = {"phases": Place(0, 0, cells, top)} if top else {}
    places["tabs"] = Place(0, top, cells, TABS)
    return places | _alone(wish.current, Place(0, top + TABS, cells, free - top), counts)


def _stacked(cells: int, rows: int, counts: Counts, wish: Wish) -> dict[str, Place]:
    """Return all panels one below the other, and the names of all if some find no room."""
    top = 0 if "phases" in wish.hidden else max(counts.phases, 1) + BORDER + (cells >= HEADING_CELLS)
    top = min(top, rows // 3)
    gone = wish.hidden | {"phases"} | _elsewhere(cells, wish)
    names = [name for name in PANELS if name not in gone]
    least = LEAST | {"tasks": rows * STACK_SHARE // 100}
    tabs = 0 if sum(least[name] for name in names) <= rows - top else TABS
    names = _fitting(names, rows - top - tabs, wish.current, least)
    places = {"phases": Place(0, 0, cells, top)} if top else {}
    if tabs:
        places["tabs"] = Place(0, top, cells, TABS)
    room = Place(0, top + tabs, cells, rows - top - tabs)
    return places | _down(names, _shared(names, room.rows, counts, least), room)


def _columns(cells: int, rows: int, counts: Counts, wish: Wish) -> dict[str, Place]:
    """Return two columns below the phases and the queue; or three, the last of which is as high as the body."""
    three = cells >= THREE_COLUMNS
    if three:
        columns = (["tasks", "log"], ["curves", "details", "timeline"], ["evaluation", "hardware", "events"])
        shares = (MIDDLE, RIGHT)
    else:
        columns = (["tasks", "bottom"], ["details", "timeline", "evaluation", "hardware", "events"], [])
        shares = (SIDE, RIGHT)
    bottom = [name for name in ("log", "curves") if name not in wish.hidden]
    gone = wish.hidden | _elsewhere(cells, wish) | (frozenset() if bottom else {"bottom"})
    main, second, third = ([name for name in column if name not in gone] for column in columns)
    second_cells, third_cells = (
        _share(cells, *share) if names else 0 for names, share in zip((second, third), shares, strict=True)
    )
    first_cells = cells - second_cells - third_cells
    places: dict[str, Place] = {}
    top = 0
    if "phases" not in wish.hidden:
        queue = second_cells or _share(first_cells, *SIDE)
        top = min(max(counts.phases, 3) + BORDER + HEADING, rows // 3)
        places["phases"] = Place(0, 0, cells - third_cells - queue, top)
        places["queue"] = Place(cells - third_cells - queue, 0, queue, top)
    body = rows - top
    least = LEAST | BESIDE_DETAILS if "details" in second else LEAST
    areas = (
        (main, Place(0, top, first_cells, body)),
        (second, Place(first_cells, top, second_cells, body)),
        (third, Place(first_cells + second_cells, 0, third_cells, rows)),
    )
    for names, room in areas:
        fitting = _fitting(names, room.rows, wish.current, least)
        places |= _down(fitting, _shared(fitting, room.rows, counts, least), room)
    if (below := places.pop("bottom", None)) is not None:
        log = below.cells * LOG_SHARE // 100 if len(bottom) > 1 else below.cells
        places[bottom[0]] = Place(below.x, below.y, log, below.rows)
        places |= {name: Place(below.x + log, below.y, below.cells - log, below.rows) for name in bottom[1:]}
    return places


def _elsewhere(cells: int, wish: Wish) -> frozenset[str]:
    """Return what is seen at this width only while it has the keys."""
    return frozenset() if cells >= BESIDE or wish.current == "details" else frozenset({"details"})


def _share(cells: int, percent: int, least: int, most: int) -> int:
    return min(max(cells * percent // 100, least), most)


def _fitting(names: Sequence[str], rows: int, current: str, least: Mapping[str, int]) -> list[str]:
    """Return which of a column's panels have room; the one with the keys does."""
    kept = list(names)
    for name in reversed(IMPORTANCE):
        if sum(least[kind] for kind in kept) <= rows:
            break
        if name in kept and name not in (current, "tasks"):
            kept.remove(name)
    return kept


def _shared(names: Sequence[str], rows: int, counts: Counts, least: Mapping[str, int]) -> list[int]:
    """Return the rows of a column's panels. The task list takes no more than its tasks, and the timeline no more than
    its lanes, unless they are alone."""
    found = {name: least[name] for name in names}
    spare = rows - sum(found.values())
    if "hardware" in found:
        more = min(max(min(counts.workers + BORDER + 2, rows // 3) - found["hardware"], 0), max(spare, 0))
        found["hardware"] += more
        spare -= more
    base = dict(found)
    most = {
        "tasks": counts.tasks + BORDER + HEADING if counts.tasks else rows,
        "timeline": counts.workers + BORDER + LANES if counts.workers else rows,
    }
    for _ in range(spare if names else 0):
        open_ = [name for name in names if found[name] < most.get(name, rows)] or names
        found[min(open_, key=lambda name: (found[name] + 1 - base[name]) / WEIGHT[name])] += 1
    return list(found.values())


def _down(names: Iterable[str], heights: Iterable[int], room: Place) -> dict[str, Place]:
    """Return the panels one below the other."""
    places: dict[str, Place] = {}
    y = room.y
    for name, height in zip(names, heights, strict=True):
        places[name] = Place(room.x, y, room.cells, height)
        y += height
    return places


class DetailsLayout(Struct, frozen=True):
    """The details of a task."""

    small: bool
    """Whether one part is seen at a time, with the curve above the fields if there is room."""
    curve: int
    """Rows of the curve, above the fields or the log; 0 if it is not seen there."""
    fields: int = 0
    """Cells of the fields, beside all else."""
    low: int = 0
    """Rows of the files and the phase, below the log."""
    stacked: bool = False
    """Whether the phase stands below the files, and not beside them."""


def details_layout(cells: int, rows: int) -> DetailsLayout:
    """Return the details on a terminal of `cells` by `rows`."""
    body = rows - HEADER - FOOTER
    if cells < DETAILS_WIDE or body < 2 * CURVE_ROWS:
        room = body - TABS - CURVE_ROWS >= FIELDS_ROWS
        return DetailsLayout(small=True, curve=CURVE_ROWS if room else 0)
    fields = min(max(DETAILS_CELLS, cells * 2 // 5), DETAILS_MOST)
    stacked = cells - fields < 2 * DETAILS_CELLS and body >= DETAILS_TALL
    return DetailsLayout(
        small=False,
        curve=max(PART_ROWS, body * 3 // 10),
        fields=fields,
        low=max(PART_ROWS, body * (9 if stacked else 7) // 20),
        stacked=stacked,
    )


def dialog_classes(cells: int, rows: int) -> dict[str, bool]:
    """Return how a question gives way, so that its answers are seen: without blank lines, and then without its
    details."""
    return {"-tight": cells < TIGHT_CELLS or rows < TIGHT_ROWS, "-low": rows < LOW_ROWS}


def fitting(widths: Sequence[int], first: Sequence[int], cells: int) -> list[int]:
    """Return which of the things in a line fit, by index: those in `first` before all others, then from the left."""
    kept: list[int] = []
    for i in [*first, *(i for i in range(len(widths)) if i not in first)]:
        if widths[i] > cells:
            break
        cells -= widths[i]
        kept.append(i)
    return sorted(kept)
