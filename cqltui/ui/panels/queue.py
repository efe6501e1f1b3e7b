"""How much waits, by priority, and how that has changed since the launch."""

from cqltui.state import select
from cqltui.state.model import RunState, Status
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, joined, left, right
from cqltui.ui.panels.panel import Panel
from cqltui.ui.spark import spark


class QueuePanel(Panel, can_focus=False):
    """Queue depth, its breakdown and its history."""

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
        room = cells - 9
        rows: list[Line] = [
            (
                (f"{priority:>2} ", "dim"),
                (left("━" * max(1, round(n / most * room)), room), "queued"),
                (right(str(n), 5), "text"),
            )
            for priority, n in depth.items()
        ]
        history = spark(select.queue_history(state, frame.now, cells), cells, zero=True) if state.tasks else ""
        spare = self.size.height - 1 - len(rows)
        blank: list[Line] = [()] * (spare - 1)
        self.set_lines((head, *rows[: max(self.size.height - 1, 1)], *blank, *([((history, "faint"),)] * (spare > 0))))


def depth_text(state: RunState) -> str:
    """Return the queue in a few words: 31 queued (8: 2, 7: 24)."""
    depth = select.queue_depth(state)
    parts = ", ".join(f"{priority}: {n}" for priority, n in depth.items())
    return f"{sum(depth.values())} queued" + (f" ({parts})" if parts else "")
