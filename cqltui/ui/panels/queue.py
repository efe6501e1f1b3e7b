"""How much waits, by priority, and how that has changed since the launch."""

from cqltui.state import select
from cqltui.state.model import RunState, Status
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, joined, left, right
from cqltui.ui.panels.panel import Panel
from cqltui.ui.spark import spark

MANY = 1_000
"""Of more tasks than these the history is told anew every `HISTORY_S` only."""
HISTORY_S = 10.0
DIGITS = 5
"""Of how many wait with a priority, at least."""


class QueuePanel(Panel, can_focus=False):
    """Queue depth, its breakdown and its history."""

    def __init__(self, id: str, title: str) -> None:
        super().__init__(id, title)
        self._history: tuple[int, ...] = ()
        self._history_of: tuple[object, ...] = ()
        """What the history was made of."""

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return what the lines are made from, and what has happened meanwhile: the tasks are counted already."""
        return (*super().needs(frame), *frame.news)

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        state = frame.state
        cells = max(self.cells, 20)
        depth = select.queue_depth(state)
        total = sum(depth.values())
        counts = select.counts(state)
        others = [(counts[s], s) for s in (Status.RUNNING, Status.DELAYED, Status.PAUSED) if counts[s]]
        head: Line = joined(
            [((f"{total}", "strong"), (" queued", "dim")), *(((f"{n} {s}", str(s)),) for n, s in others)]
        )
        most = max(depth.values(), default=1)
        digits = max([DIGITS, *(len(str(n)) + 1 for n in depth.values())])
        room = cells - 4 - digits
        rows: list[Line] = [
            (
                (f"{priority:>2} ", "dim"),
                (left("━" * max(1, round(n / most * room)), room), "queued"),
                (right(str(n), digits), "text"),
            )
            for priority, n in depth.items()
        ]
        told = state.tasks and state.page is None  # of very many it is not known
        history = spark(self._history_until(frame, cells, total), cells, zero=True) if told else ""
        room_below = self.size.height - 1
        spare = room_below - len(rows)
        blank: list[Line] = [()] * (spare - 1)
        self.set_lines((head, *rows[: max(room_below, 1)], *blank, *([((history, "faint"),)] * (spare > 0))))

    def _history_until(self, frame: Frame, cells: int, queued: int) -> tuple[int, ...]:
        """Return the history until now. That of many tasks is told anew now and then: to look at all of them takes
        longer than a draw, and in between its last point alone changes."""
        state = frame.state
        often = frame.news if len(state.tasks) <= MANY else int(frame.now / HISTORY_S)
        if self._history_of != (made_of := (cells, state.campaign.started_ts, often)):
            self._history_of, self._history = made_of, select.queue_history(state, frame.now, cells)
        return (*self._history[:-1], queued)


def depth_text(state: RunState) -> str:
    """Return the queue in a few words: 31 queued (8: 2, 7: 24)."""
    depth = select.queue_depth(state)
    parts = ", ".join(f"{priority}: {n}" for priority, n in depth.items())
    return f"{sum(depth.values())} queued" + (f" ({parts})" if parts else "")
