"""The end of a log."""

import re
from collections.abc import Sequence

from cqltui.errors import CqltuiError
from cqltui.state.plain import plain
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, clip
from cqltui.ui.panels.panel import Panel
from cqltui.ui.ports import LogSubject
from cqltui.ui.reading import Reading

_ERROR = re.compile(r"\b(ERROR|CRITICAL|Traceback)\b")
_WARNING = re.compile(r"\bWARN(ING)?\b")


class LogPanel(Panel):
    """The last lines of a worker's log, or of a task's part of it; it follows the end unless scrolled up."""

    def __init__(self, id: str, title: str, feed: Reading[LogSubject, list[str]]) -> None:
        super().__init__(id, title)
        self._feed = feed
        self._subject = ""

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return whose log it is, as it stands, and the second: a log that is looked at is read again."""
        return (_looked_at(frame), int(frame.now))

    def show(self, frame: Frame) -> None:
        """Have the log read, and draw what differs once it is."""
        task, worker = frame.task, frame.chosen.worker
        if worker:
            subject, title = LogSubject(worker), worker
        elif task is not None:
            subject, title = LogSubject(task.life.worker, task.id), task.info.title or task.id
        else:
            subject, title = LogSubject(), ""

        def failed(error: CqltuiError) -> None:
            self._show_log(title, [f"The log cannot be read: {error}"])

        self._feed.follow(subject, _looked_at(frame), frame.now, lambda lines: self._show_log(title, lines), failed)

    def _show_log(self, subject: str, lines: Sequence[str]) -> None:
        """Show these lines under this name; both may hold anything."""
        at_end = self.scroll_offset.y >= self.max_scroll_y or subject != self._subject
        if subject != self._subject:
            self._subject = subject
            self.head(f"Log · {clip(plain(subject), 60)}" if subject else "Log")
        self.set_lines([log_line(line) for line in lines] or [(("Nothing logged yet.", "dim"),)])
        if at_end:
            self.scroll_to(y=max(0, len(self.lines) - self.size.height), animate=False, force=True)


def _looked_at(frame: Frame) -> object:
    """Return the task or worker whose log it is: another value when it has changed."""
    if frame.chosen.worker:
        return frame.state.workers.get(frame.chosen.worker)
    return frame.task


def log_line(text: str) -> Line:
    """Return a log line, errors and warnings in colour."""
    role = "dead" if _ERROR.search(text) else "warning" if _WARNING.search(text) else "dim"
    return ((plain(text, 1_000), role),)
