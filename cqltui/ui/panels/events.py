"""What has happened: the notices of the supervisor, the newest first."""

from cqltui.state.model import Notice
from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, wrapped
from cqltui.ui.panels.panel import Panel

INDENT = "  "
LEVELS = {"error": "dead", "warning": "warning"}


class EventsPanel(Panel):
    """The notices, newest first."""

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        cells = max(self.cells, 20)
        notices = reversed(frame.state.notices)
        lines = [line for notice in notices for line in notice_lines(notice, frame.now, cells)]
        self.set_lines(lines or [(("Nothing has happened yet.", "dim"),)])


def notice_lines(notice: Notice, now: float, cells: int) -> list[Line]:
    """Return a notice with its time, wrapped."""
    role = LEVELS.get(notice.level, "dim")
    first, *more = wrapped(f"{fmt.clock(notice.ts, now)} {plain(notice.text, 400)}", max(cells - len(INDENT), 1))
    return [((first, role),), *(((f"{INDENT}{text}", role),) for text in more)]
