"""The end of a log."""

import re
from collections.abc import Sequence

from textual.content import Content

from cqltui.state.plain import plain
from cqltui.ui.line import Line, clip
from cqltui.ui.panels.view import LineView

_ERROR = re.compile(r"\b(ERROR|CRITICAL|Traceback)\b")
_WARNING = re.compile(r"\bWARN(ING)?\b")


class LogPanel(LineView):
    """The last lines of a worker's log, or of a task's part of it; it follows the end unless scrolled up."""

    def __init__(self, id: str, title: str) -> None:
        super().__init__(id, title)
        self._subject = ""

    def show_log(self, subject: str, lines: Sequence[str]) -> None:
        """Show these lines under this name; both may hold anything."""
        at_end = self.scroll_offset.y >= self.max_scroll_y or subject != self._subject
        if subject != self._subject:
            self._subject = subject
            self.border_title = Content(f"Log · {clip(plain(subject), 60)}" if subject else "Log")
        self.set_lines([log_line(line) for line in lines] or [(("Nothing logged yet.", "dim"),)])
        if at_end:
            self.scroll_to(y=max(0, len(self.lines) - self.size.height), animate=False, force=True)


def log_line(text: str) -> Line:
    """Return a log line, errors and warnings in colour."""
    role = "dead" if _ERROR.search(text) else "warning" if _WARNING.search(text) else "dim"
    return ((plain(text, 1_000), role),)
