"""The three lines at the top: what runs, how it goes, when it ends."""

from cqltui.state import select
from cqltui.state.counting import tally
from cqltui.state.model import RunState, Status
from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.layout import fitting
from cqltui.ui.line import GAP, Line, joined, spread, width
from cqltui.ui.panels.panel import Panel
from cqltui.ui.spark import bar

STALLED = "stalled"
STATUS_ROLES = {
    "running": "running", "finished": "done", "finishing": "done", "waiting": "queued", "offline": "dead",
    "pausing": "paused", "starting": "queued", "paused": "paused", "draining": "delayed", "drained": "delayed",
    "stopping": "cancelled", "stopped": "cancelled", "unsupervised": "dead", STALLED: "warning",
}  # fmt: skip

HELD = frozenset({"pausing", "paused", "draining", "drained", "stopping", "stopped"})
"""What somebody has asked for."""
ROOMY, ROOMIER, WIDE = 80, 100, 120
"""Cells from which on there is room for the range of the end, for how long it takes too, and for all that is to be said
of it."""
NARROW = 60
DONE, DEAD = 1, 2
"""Ranks of what is done and what is dead."""
LABELLED = 2
"""What is said of the end is a label, the time, and more: on a narrow screen that goes first, then the label."""
Ranked = list[tuple[int, Line]]
"""Parts of a line in their order, each with its rank: those of the highest numbers are the first to go."""


class Header(Panel, can_focus=False):
    """Campaign, status, times, speed, workers, connection; and a bar over all the work."""

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return what the lines are made from, and what has happened meanwhile: the tasks are counted already."""
        return (*super().needs(frame), *frame.news)

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        cells = self.cells
        state = frame.state
        unknown = "" if frame.waiting else "no campaign yet"  # what is being started is one
        title = plain(state.campaign.title or state.campaign.name or unknown, 200)
        first = spread(((" cqltui  ", "accent"), (title, "strong")), (*self._pulse(frame), (" ", "text")), cells)
        second = status_line(self._status(frame), self._finish(frame), cells)
        share = select.work_share(state)
        percent = f" {share:4.0%} "
        filled, rest = bar(share, max(cells - len(percent) - 1, 1))
        third: Line = ((" ", "text"), (filled, "accent"), (rest, "faint"), (percent, "dim"))
        self.set_lines((first, second, third))

    def _pulse(self, frame: Frame) -> Line:
        """Speed, workers and the connection; the less important give way on a narrow screen."""
        state = frame.state
        rate = select.samples_per_s(state, frame.as_of)
        workers = len(select.live_workers(state, frame.as_of))
        role, last = ("dim", "last ") if frame.stale else ("text", "")
        is_replay = frame.replay is not None
        parts: list[Line] = [(("read-only", "warning"),)] if frame.read_only and not is_replay else []
        if frame.connecting:  # neither speed nor workers are known
            moment = f", as of {fmt.stamp(frame.as_of)}" if state.tasks else ""
            return joined([*parts, ((f"○ connecting{moment}", "warning"),)])
        if self.cells >= 70 and not state.finished_ts:
            parts.append(((f"{last}{fmt.count(rate)}", role), (" samples/s", "dim")))
            parts.append(((str(workers), role), (" worker" if workers == 1 else " workers", "dim")))
        if is_replay:
            return joined([*parts, (("◂▸", "accent"), (" replay", "dim"))])
        return joined([*parts, (("○ connecting", "dim"),) if frame.waiting else connection(state)])

    def _status(self, frame: Frame) -> Ranked:
        state, now = frame.state, frame.now
        status = select.run_status(state) if state.tasks or state.online else "connecting"
        if state.online and not state.tasks and state.page is None and not tally(state).summed:
            status = "waiting"
        if frame.waiting:
            status = "connecting" if frame.connecting else "starting"
        if frame.unsupervised and status not in ("stopped", "drained"):
            status = "unsupervised"
        if status == "running" and frame.stands_still:
            status = STALLED
        counts = select.counts(state)
        total = sum(counts.values()) - counts[Status.WITHDRAWN]
        started = state.campaign.started_ts
        end = state.finished_ts or now
        took = "took " if state.finished_ts else "elapsed "
        parts: Ranked = [(0, ((f" {status}", STATUS_ROLES.get(status, "dim")),))]
        if status in HELD and state.wanted_by and self.cells >= 100:
            parts.append((6, (("by ", "dim"), (plain(state.wanted_by, 60), "text"))))
        if started and self.cells >= 100:
            parts.append((5, (("started ", "dim"), (fmt.clock(started, now), "text"))))
        if started and end >= started:  # else the clock has been set back, and nobody knows
            parts.append((3, ((took, "dim"), (fmt.duration(end - started), "text"))))
        if total:
            parts.append((DONE, ((f"{counts[Status.DONE]}/{total}", "text"), (" done", "dim"))))
        if failed := counts[Status.DEAD]:
            parts.append((DEAD, ((f"{failed} dead", "dead"),)))
        if cancelled := counts[Status.CANCELLED]:
            parts.append((4, ((f"{cancelled} cancelled", "cancelled"),)))
        return parts

    def _finish(self, frame: Frame) -> Line:
        state, now = frame.state, frame.now
        if state.finished_ts:
            word, role = ("finished ", "done") if select.run_status(state) == "finished" else ("ended ", "text")
            return ((word, "dim"), (fmt.clock(state.finished_ts, now), role))
        if frame.connecting:
            return (("ETA ", "dim"), (fmt.NONE, "text"))
        if frame.unsupervised:
            return (("no supervisor runs", "dead"),)
        if select.run_status(state) == "finishing":  # what is left is not training, and nobody has timed it
            return (("results and report are made", "text"),)  # whole, or not at all
        expected = frame.estimate
        finish_ts = expected.finish_ts
        if finish_ts is None or (expected.between is None and finish_ts > expected.ts):  # it would mean nothing yet
            early = self.cells >= ROOMY and select.counts(state)[Status.RUNNING] > 0
            return (("ETA ", "dim"), ("after the first epochs" if early else fmt.NONE, "text"))
        if frame.stale or frame.stands_still:
            return (("ETA was ", "dim"), (f"~{fmt.clock(finish_ts, now)}", "dim"))
        estimate: Line = (("ETA ", "dim"), (f"~{fmt.clock(finish_ts, now)}", "strong"))
        left = f"  in {fmt.duration(finish_ts - now)}"
        without = select.without_paused(expected)  # of the two it is what must be known
        between = fmt.between(expected.between, now)
        if between and self.cells >= ROOMY:
            estimate = (*estimate, (f", {between}", "text"))
            left = left if self.cells >= ROOMIER else ""
        return (*estimate, (left + without if self.cells >= WIDE else without or left, "dim"))


def status_line(parts: Ranked, finish: Line, cells: int) -> Line:
    """Return what fits, whole: the status and what is done come first, then when the end is, what is dead, and the
    rest."""
    gap = ("   " if cells >= NARROW else "  ", "text")

    def room_for(least: int) -> bool:
        needed = joined((part for rank, part in parts if rank <= least), gap)
        return width(needed) + GAP + width(finish) + 1 <= cells

    while len(finish) > LABELLED and not room_for(DEAD):
        finish = finish[:-1]
    while finish and not room_for(DONE):
        finish = finish[1:]
    room = cells - width(finish) - 1 - GAP + len(gap[0])
    order = sorted(range(len(parts)), key=lambda i: parts[i][0])
    kept = fitting([width(part) + len(gap[0]) for _, part in parts], order, room)
    return spread(joined((parts[i][1] for i in kept), gap), (*finish, (" ", "text")), cells)


def connection(state: RunState) -> Line:
    """Return whether the server answers; after the end nobody expects it to."""
    if state.online:
        return (("●", "done"), (" online", "dim"))
    if state.finished_ts:
        return (("○", "dim"), (" server closed", "dim"))
    return (("○ offline", "dead"),)
