"""Milestones with their clock times, and where now lies between them."""

from cqltui.state import select
from cqltui.state.select import Milestone
from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, clip, right
from cqltui.ui.panels.panel import Panel

MARKS = {"launch": ("▸", "▹"), "task": ("•", "◦"), "phase": ("■", "□"), "finish": ("◆", "◇")}


class TimelinePanel(Panel):
    """Launch, the end of each task and phase, the finish. Estimates bear a ~."""

    def __init__(self, id: str, title: str) -> None:
        super().__init__(id, title)
        self._placed = False

    def show(self, frame: Frame) -> None:
        """Draw what differs; keep now in sight unless the user reads elsewhere."""
        cells = max(self.cells, 20)
        milestones = select.milestones(frame.state, frame.estimate, frame.now)
        clocks = [_clock(milestone, frame.now) for milestone in milestones]
        room = max(map(len, clocks), default=0)
        lines = [self._row(m, right(clock, room), cells) for m, clock in zip(milestones, clocks, strict=True)]
        place = next((i for i, m in enumerate(milestones) if not m.reached), len(lines))
        if lines and not frame.state.finished_ts:
            stamp = f" now {fmt.clock(frame.now, frame.now)} "
            lines.insert(place, (("──" + stamp + "─" * max(cells - len(stamp) - 2, 0), "accent"),))
        if not lines:
            lines = [(("Clock times of launch, tasks and phases.", "dim"),)]
        self.set_lines(lines)
        if milestones and not (self.has_focus and self._placed):
            self._placed = True
            self.scroll_to(y=max(0, place - self.size.height // 3), animate=False, force=True)

    @staticmethod
    def _row(milestone: Milestone, clock: str, cells: int) -> Line:
        reached, coming = MARKS.get(milestone.kind, ("•", "◦"))
        large = milestone.kind != "task"
        role = "strong" if large else "text" if milestone.reached else "dim"
        return (
            (clock, "text" if milestone.reached else "dim"),
            (f" {reached if milestone.reached else coming} ", "done" if milestone.reached else "dim"),
            (clip(milestone.text, cells - len(clock) - 3), role),
        )


def _clock(milestone: Milestone, now: float) -> str:
    clock = fmt.clock(milestone.ts, now)
    return clock if milestone.reached or milestone.ts is None else f"~{clock}"
