"""Where a replay is in the run, how fast it goes, and a bar that a click moves it along."""

from rich.cells import cell_len
from textual.events import Click

from cqltui.state.playhead import Playhead
from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, Span
from cqltui.ui.messages import Sought
from cqltui.ui.panels.view import LineView

LEAST_BAR = 8
DAY_S = 86_400.0
GOES, STANDS, AT_END = "▶", "‖", "■"


class ReplayLine(LineView, can_focus=False):
    """One line above the keys."""

    def __init__(self) -> None:
        super().__init__(id="replay-line")
        self._bar = (0, 0)
        """The first cell of the bar, and the one behind its last."""
        self._head: Playhead | None = None

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        head = self._head = frame.replay
        if head is not None:
            line, self._bar = replay_line(head, frame.now, max(self.cells, 20), self.plain)
            if self.lines != (line,):
                self.set_lines((line,))

    def on_click(self, event: Click) -> None:
        """Go to where the bar is clicked."""
        first, end = self._bar
        if self._head is not None and first <= event.x < end:
            share = (event.x - first) / max(end - first - 1, 1)
            self.post_message(Sought(self._head.begin_ts + share * (self._head.end_ts - self._head.begin_ts)))


def replay_line(head: Playhead, now: float, cells: int, plain: bool = False) -> tuple[Line, tuple[int, int]]:
    """Return the line at a moment of the run, and where in it the bar is: (0, 0) where there is no room for one."""
    ended = now >= head.end_ts
    sign, said = (AT_END, "at the end") if ended else (STANDS, "paused") if head.paused else (GOES, "")
    speed = f" ×{head.speed:g}"
    long = head.end_ts - head.begin_ts >= DAY_S
    at = f"{fmt.clock(now, head.begin_ts)[:-5] if long else ''}{fmt.stamp(now)}"
    spans: list[Span] = [(f" {sign}{speed}", "warning" if said else "running"), (f"  {at}", "strong")]
    spans.append((f"  {fmt.duration(now - head.begin_ts)}", "text"))
    spans.append((f" of {fmt.duration(head.end_ts - head.begin_ts)}", "dim"))
    if said:
        spans.append((f"  {said}", "warning"))
    while len(spans) > 2 and sum(cell_len(text) for text, _ in spans) + LEAST_BAR + 3 > cells:
        spans.pop()
    first = sum(cell_len(text) for text, _ in spans) + 2
    room = cells - first - 1
    if room < LEAST_BAR or plain:
        return tuple(spans), (0, 0)
    place = round(head.share(now) * (room - 1))
    drawn: Line = (("  ", "text"), ("━" * place, "accent"), ("◆", "strong"), ("─" * (room - place - 1), "faint"))
    return (*spans, *drawn), (first, first + room)
