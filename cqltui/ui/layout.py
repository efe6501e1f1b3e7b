"""What of the screen is seen at a size, and how large it is. Pure: rows and cells from rows and cells."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDE_CELLS, WIDE_ROWS = 110, 34
"""From this size on all panels are seen at once; below, one at a time."""
HEADER, TABS, FOOTER = 3, 1, 1
BORDER = 2
"""Rows of a panel's frame."""
LIST_ROWS = BORDER + 4
"""The least of a list: its heading and three rows."""
BOTTOM_ROWS, SIDE_ROWS, HARDWARE_ROWS, EVENTS_ROWS = 8, 5, 7, 6
"""The least of the log and the curve below the task list, and of the panels beside it."""
HEADING_CELLS = 100
"""From this width on the phases have a heading, if there is a row for it."""
SIDE_SHARE, SIDE_CELLS = 27, 56
"""The panels at the right: their part of the width in percent, and at most so many cells."""
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


@dataclass(frozen=True, slots=True)
class Layout:
    """The main screen. A panel of 0 is not seen. What a banner takes is taken from the body."""

    small: bool
    top: int
    """Rows of the phases, and of the queue beside them."""
    queue: int
    """Cells."""
    body: int
    side: int = 0
    """Cells of the timeline, the evaluation, the hardware and the events, which stand one below the other."""
    bottom: int = 0
    """Rows of the log and the curve, below the task list."""
    timeline: int = 0
    evaluation: int = 0
    hardware: int = 0
    events: int = 0


def main_layout(cells: int, rows: int, phases: int, workers: int) -> Layout:
    """Return the main screen of a terminal of `cells` by `rows`, for a run of so many phases and workers."""
    if cells < WIDE_CELLS or rows < WIDE_ROWS:
        free = rows - HEADER - TABS - FOOTER
        wanted = max(phases, 1) + BORDER + (cells >= HEADING_CELLS)
        top = min(wanted, free // 2, free - LIST_ROWS)
        top = top if top > BORDER else 0
        return Layout(small=True, top=top, queue=0, body=free - top)
    free = rows - HEADER - FOOTER
    top = min(max(phases, 3) + BORDER + 2, free - 2 * SIDE_ROWS - HARDWARE_ROWS)
    body = free - top
    side = min(cells * SIDE_SHARE // 100, SIDE_CELLS)
    hardware = max(HARDWARE_ROWS, body - body * 4 // 5, min(workers + BORDER + 2, body // 3))
    events = EVENTS_ROWS if body >= 3 * SIDE_ROWS + hardware + EVENTS_ROWS else 0
    timeline = (body - hardware - events) // 2
    return Layout(
        small=False,
        top=top,
        queue=side,
        body=body,
        side=side,
        bottom=max(BOTTOM_ROWS, body * 3 // 10),
        timeline=timeline,
        evaluation=body - hardware - events - timeline,
        hardware=hardware,
        events=events,
    )


@dataclass(frozen=True, slots=True)
class DetailsLayout:
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
