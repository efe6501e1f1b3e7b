"""Lanes as lines: blocks over a time axis with round clock ticks. Pure, but for the time zone."""

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence, Set
from itertools import groupby

from msgspec import Struct
from rich.cells import cell_len

from cqltui.state.lanes import Block, Lanes, Mark, Shown, Sign
from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.line import Line, Span, clip, left

STEPS_S = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600),
    *(7_200, 10_800, 21_600, 43_200, 86_400, 2 * 86_400, 7 * 86_400, 30 * 86_400, 120 * 86_400, 400 * 86_400),
)  # fmt: skip
"""Between two ticks."""
TICK_CELLS = 11
"""A tick's label with the weekday, and a gap."""
LEAST_SPAN_S, MOST_SPAN_S = 10.0, 400 * 86_400.0
NAME_CELLS = 10
FILL = {Shown.DONE: "█", Shown.FAILED: "█", Shown.BROKEN: "▒", Shown.RUNNING: "▓", Shown.PLANNED: "░"}
LAST = {Shown.DONE: "▊", Shown.FAILED: "✗", Shown.BROKEN: "╳"}
"""The last cell of a block of two and more, so that neighbours are told apart."""
ROLE = {
    Shown.DONE: "done", Shown.FAILED: "dead", Shown.BROKEN: "delayed", Shown.RUNNING: "running", Shown.PLANNED: "dim",
}  # fmt: skip
CELLS: dict[Shown, Span] = {shown: (FILL[shown], ROLE[shown]) for shown in Shown}
NARROW = CELLS | {Shown.FAILED: ("✗", "dead"), Shown.BROKEN: ("╳", "delayed")}
"""Blocks of one cell."""
SIGNS = {
    Sign.DEATH: ("✗", "dead"), Sign.FAULT: ("!", "warning"), Sign.PAUSE: ("P", "paused"), Sign.RESUME: ("R", "running"),
    Sign.PHASE: ("■", "strong"), Sign.LAUNCH: ("▸", "strong"),
}  # fmt: skip
COMING, END, NOW = "□", "╍", "│"
HEAD = 2
"""Rows above the lanes: the ticks' labels, and the axis with the marks."""


class View(Struct, frozen=True):
    """The part of time that is seen."""

    start_ts: float
    span_s: float

    def column(self, ts: float, cells: int) -> int:
        """Return the cell of a moment; below 0 or beyond `cells` when it is not seen."""
        return int((ts - self.start_ts) / self.span_s * cells // 1)

    def zoomed(self, factor: float, around_ts: float) -> "View":
        """Return a view of `factor` times as much time, in which that moment stays where it is."""
        span_s = min(max(self.span_s * factor, LEAST_SPAN_S), MOST_SPAN_S)
        return View(around_ts - (around_ts - self.start_ts) / self.span_s * span_s, span_s)

    def moved(self, share: float) -> "View":
        """Return the view that much of its width later."""
        return View(self.start_ts + share * self.span_s, self.span_s)

    def shows(self, ts: float) -> bool:
        """Return whether the moment is seen."""
        return self.start_ts <= ts < self.start_ts + self.span_s


def whole(found: Lanes) -> View:
    """Return the view of the whole run, as far as it is no nonsense."""
    return View(found.start_ts, min(max((found.end_ts - found.start_ts) * 1.01, LEAST_SPAN_S), MOST_SPAN_S))


def ticks(view: View, cells: int) -> list[tuple[int, str]]:
    """Return (cell, clock time) of the round moments in the view."""
    room = max(1, cells // TICK_CELLS)
    step_s = next((step for step in STEPS_S if view.span_s / step <= room), STEPS_S[-1])
    try:
        day = time.localtime(view.start_ts)
        midnight = time.mktime((*day[:3], 0, 0, 0, 0, 0, -1))
    except (OverflowError, ValueError, OSError):
        return []
    found = []
    ts = midnight + ((view.start_ts - midnight) // step_s) * step_s
    while ts < view.start_ts + view.span_s:
        if view.shows(ts):
            said = fmt.stamp(ts) if step_s < 60 else fmt.clock(ts, view.start_ts)
            found.append((view.column(ts, cells), said))
        ts += step_s
    return found


def lane_lines(
    found: Lanes,
    view: View,
    now: float,
    cells: int,
    rows: int,
    title: Callable[[str], str],
    chosen: Block | None = None,
    first: int = 0,
) -> list[Line]:
    """Return the picture in `cells` by `rows`: axis, the lanes from the `first` on, what the chosen block is, and the
    legend where there is room. `title`: of a task's id."""
    names = max((cell_len(_name(worker)) for worker in found.workers), default=0) + 2
    width = max(1, cells - names)
    room = lane_rows(len(found.workers), rows, chosen is not None)
    axis = [_labels(view, now, names, width), _axis(found, view, now, names, width)]
    lanes = [
        _lane(worker, found.blocks.get(worker, ()), view, now, names, width, title, chosen)
        for worker in found.workers[first : first + room]
    ]
    lines = [*axis, *lanes]
    if chosen is not None:
        lines.append(((clip(_told(chosen, now, title), cells), "text"),))
    if len(lines) < rows - 1 and (newest := _newest(found, view)) is not None:
        sign, role = SIGNS[newest.sign]
        said = f" {fmt.clock(newest.ts, now)} {newest.text}"
        lines.append(((sign, role), (clip(said, cells - 1), "dim")))
    if len(lines) < rows:
        drawn = {(character, role) for line in (axis[1], *lanes) for text, role in line[1:] for character in text}
        lines.append(legend(drawn, cells))
    return lines[:rows]


def _newest(found: Lanes, view: View) -> Mark | None:
    """Return the newest mark in the view of what somebody may want to know more of."""
    notable = (Sign.DEATH, Sign.FAULT, Sign.PAUSE)
    return next((mark for mark in reversed(found.marks) if mark.sign in notable and view.shows(mark.ts)), None)


def _name(worker: str) -> str:
    return clip(plain(worker), NAME_CELLS)


def lane_rows(workers: int, rows: int, chosen: bool) -> int:
    """Return how many lanes are seen."""
    return min(workers, max(1, rows - HEAD - chosen))


LEGEND: tuple[tuple[str, str, str], ...] = (
    *((FILL[shown], ROLE[shown], shown.value) for shown in (Shown.DONE, Shown.RUNNING, Shown.PLANNED)),
    (FILL[Shown.BROKEN] + LAST[Shown.BROKEN], ROLE[Shown.BROKEN], Shown.BROKEN.value),
    ("✗", "dead", "death"), ("!", "warning", "fault"), ("P", "paused", "pause"), ("R", "running", "resumed"),
    ("■", "strong", "phase end"), (COMING, "dim", "phase end expected"), (END, "accent", "end expected"),
)  # fmt: skip
"""Characters, their role, and what they mean, the more important first."""


def legend(drawn: Set[Span], cells: int) -> Line:
    """Return what the characters that are drawn, each with its role, mean, as far as it fits."""
    spans: list[Span] = []
    for signs, role, text in LEGEND:
        seen = "".join(sign for sign in signs if (sign, role) in drawn)
        if seen and (used := len(seen) + len(text) + 2) <= cells:
            cells -= used
            spans += [(seen, role), (f" {text} ", "dim")]
    return tuple(spans)


def _labels(view: View, now: float, names: int, width: int) -> Line:
    text = [" "] * width
    for column, label in ticks(view, width):
        if column + len(label) <= width:
            text[column : column + len(label)] = label
    return ((" " * names, "text"), ("".join(text), "dim"))


def _axis(found: Lanes, view: View, now: float, names: int, width: int) -> Line:
    drawn: list[Span] = [("─", "faint")] * width
    for column, _ in ticks(view, width):
        drawn[column] = ("┬", "faint")
    if found.between is not None:
        first, last = (view.column(ts, width) for ts in found.between)
        for column in range(max(0, first), min(width, last + 1)):
            drawn[column] = (END, "accent")
    if view.shows(now):
        drawn[view.column(now, width)] = ("▼", "accent")
    order = list(Sign)
    for mark in sorted(found.marks, key=lambda mark: -order.index(mark.sign)):  # the most important last, on top
        if view.shows(mark.ts):
            sign, role = SIGNS[mark.sign]
            drawn[view.column(mark.ts, width)] = (sign if mark.reached else COMING, role if mark.reached else "dim")
    return ((" " * names, "text"), *_joined(drawn))


def _lane(
    worker: str,
    blocks: Sequence[Block],
    view: View,
    now: float,
    names: int,
    width: int,
    title: Callable[[str], str],
    chosen: Block | None,
) -> Line:
    drawn: list[Span] = [(" ", "text")] * width
    if view.shows(now):
        drawn[view.column(now, width)] = (NOW, "accent")
    for block in blocks:
        begin, end = view.column(block.start_ts, width), view.column(block.until_ts, width)
        begin, end = max(begin, 0), min(max(end, begin + 1), width)
        if end <= 0 or begin >= width:
            continue
        if end - begin == 1 and block is not chosen:  # of thousands; what failed is seen among them
            if drawn[begin] != NARROW[Shown.FAILED]:
                drawn[begin] = NARROW[block.shown]
            continue
        border = view.column(block.end_ts, width) if block.shown is Shown.RUNNING else end
        for column in range(begin, end):
            shown = block.shown if column <= border else Shown.PLANNED
            drawn[column] = CELLS[shown]
        if end - begin > 1:
            if block.shown in LAST:
                drawn[end - 1] = (LAST[block.shown], ROLE[block.shown])
            elif block.shown is Shown.PLANNED:
                drawn[begin] = ("▏", "dim")
        _write(drawn, begin, end, _label(block, end - begin, title), block is chosen)
    here = chosen is not None and chosen.worker == worker
    name: Span = (left(f"{'›' if here else ' '}{_name(worker)}", names - 1) + " ", "strong" if here else "dim")
    return (name, *_joined(drawn))


def _label(block: Block, cells: int, title: Callable[[str], str]) -> str:
    """Return what the block says of itself in that many cells: how many tasks, or which."""
    count = len(block.tasks)
    texts = (f"{count} tasks", str(count)) if count > 1 else (title(block.tasks[0]),) if block.tasks else ()
    # A character a cell: what holds wide or combining ones is told in the line below.
    return next((text for text in texts if len(text) + 4 <= cells and cell_len(text) == len(text)), "")


def _write(drawn: list[Span], begin: int, end: int, text: str, is_chosen: bool) -> None:
    """Write into a block from `begin` to `end`; brackets around the one that is chosen."""
    if text:
        start = begin + (end - begin - len(text) - 2) // 2
        for offset, character in enumerate(f" {text} "):
            drawn[start + offset] = (character, "strong" if is_chosen else "text")
    if is_chosen:
        drawn[begin] = ("[", "strong") if end - begin > 1 else ("◉", "strong")
        if end - begin > 1:
            drawn[end - 1] = ("]", "strong")


def _told(block: Block, now: float, title: Callable[[str], str]) -> str:
    """Return a line about a block."""
    tasks = f"{len(block.tasks)} tasks" if len(block.tasks) != 1 else title(block.tasks[0])
    about = "~" if block.shown in (Shown.RUNNING, Shown.PLANNED) else ""
    begun = "~" if block.shown is Shown.PLANNED else ""
    times = f"{begun}{fmt.clock(block.start_ts, now)}-{about}{fmt.clock(block.until_ts, now)}"
    lasts = fmt.duration(block.until_ts - block.start_ts)
    return f"{plain(block.worker)} · {block.shown} {times}, {about}{lasts} · {tasks}"


def _joined(drawn: Sequence[Span]) -> Line:
    """Return neighbours of one role as one span."""
    return tuple(
        ("".join(character for character, _ in group), role) for role, group in groupby(drawn, key=lambda span: span[1])
    )


def block_at(blocks: Sequence[Block], ts: float) -> int:
    """Return the index of the block that is trained at that moment, else of the last before, else 0."""
    return max(0, bisect_right([block.start_ts for block in blocks], ts) - 1)
