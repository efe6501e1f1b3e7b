"""A bar for each phase."""

from textual.events import Click
from textual.message import Message

from cqltui.state import select
from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, left, right
from cqltui.ui.panels.panel import Panel
from cqltui.ui.panels.queue import depth_text
from cqltui.ui.spark import bar

WIDE = 95
TASKS = 7
"""Cells for "20/24", at least."""


class PhasesPanel(Panel):
    """Tasks, epochs, best loss and ETA of each phase, the highest priority first."""

    class Opened(Message):
        """A phase's tasks are wanted."""

        def __init__(self, phase: str) -> None:
            super().__init__()
            self.phase = phase

    def __init__(self, id: str, title: str) -> None:
        super().__init__(id, title)
        self._count = TASKS
        """Cells for the numbers of tasks."""
        self._names: tuple[str, ...] = ()
        """The phase of each line; empty where it is none's."""
        self.tells_depth = False
        """Whether it says how much is queued, where the queue itself has no room."""

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return what the lines are made from, and what has happened meanwhile: the tasks are counted already."""
        return (*super().needs(frame), self.tells_depth, *frame.news)

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        cells = max(self.cells, 40)
        phases = select.phases(frame.state)
        self._count = max([TASKS, *(len(_tasks(phase)) for phase in phases)])
        lines = [self._row(phase, frame, cells) for phase in phases]
        self._names = tuple(phase.info.name for phase in phases)
        if self.size.height > len(lines):
            lines.insert(0, self._heading(cells))
            self._names = ("", *self._names)
        if not frame.state.campaign.phases:
            lines = [(("The campaign's phases appear here.", "dim"),)]
        self.set_lines(lines)
        subtitle = depth_text(frame.state) if self.tells_depth and frame.state.tasks else ""
        self.foot(subtitle)

    def on_click(self, event: Click) -> None:
        """Ask for a phase's tasks at a double click on it."""
        y = event.get_content_offset_capture(self).y + self.scroll_offset.y
        if event.chain == 2 and 0 <= y < len(self._names) and (name := self._names[y]):
            self.post_message(self.Opened(name))

    def _heading(self, cells: int) -> Line:
        name, room = self._room(cells)
        figures = f" {'epochs':>15} {'best':>8}" if cells >= WIDE else ""
        text = f"{'':3}{left('phase', name)} {'':{room}} {'tasks':>{self._count}}{figures} {'ETA':>11}"
        return ((text, "dim"),)

    def _room(self, cells: int) -> tuple[int, int]:
        """Cells for the title and for the bar."""
        fixed = 3 + 1 + 1 + self._count + 1 + 11 + (15 + 1 + 8 + 1 if cells >= WIDE else 0)
        free = cells - fixed
        name = min(36, max(free // 2, free - 16))
        return name, max(free - name, 4)

    def _row(self, phase: select.PhaseProgress, frame: Frame, cells: int) -> Line:
        name, room = self._room(cells)
        info = phase.info
        share = phase.epochs_done / phase.epochs_total if phase.epochs_total else 0.0
        filled, rest = bar(share, room)
        complete = phase.total > 0 and phase.done == phase.total
        role = "done" if complete else "running" if phase.running else "warning" if phase.failed else "dim"
        finish_ts = frame.estimate.told(frame.estimate.phases.get(info.name))
        reached = phase.done + phase.failed >= phase.total
        eta = fmt.clock(finish_ts, frame.now)
        line: Line = (
            (f"{info.priority:>2} ", "dim"),
            (left(plain(info.title or info.name, 80), name), "text"),
            (" ", "text"),
            (filled, role),
            (rest, "faint"),
            (right(_tasks(phase), self._count + 1), "dead" if phase.failed else "text"),
        )
        if cells >= WIDE:
            epochs = f"{fmt.count(phase.epochs_done)}/{fmt.count(phase.epochs_total)}"
            best = phase.best.best if phase.best else None
            if phase.best and best is None:
                best = phase.best.headline
            line = (*line, (right(epochs, 16), "dim"), (right(fmt.number(best), 9), "text"))
        if phase.paused and not reached:
            return (*line, (right(f"{phase.paused} paused", 12), "paused"))
        return (*line, (right(eta if reached or finish_ts is None else f"~{eta}", 12), "dim" if reached else "text"))


def _tasks(phase: select.PhaseProgress) -> str:
    return f"{phase.done}/{phase.total}"
