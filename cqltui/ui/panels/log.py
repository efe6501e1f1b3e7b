"""The end of a log."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Blur, Key, Paste
from textual.message import Message

from cqltui.errors import CqltuiError
from cqltui.state.plain import plain
from cqltui.ui.frame import Frame
from cqltui.ui.line import clip, width, wrapped
from cqltui.ui.loglines import LogLines, LogLook, dropped, log_lines, nothing_logged
from cqltui.ui.panels.panel import Panel
from cqltui.ui.ports import LogSubject
from cqltui.ui.reading import Reading

SEARCH_CHARS = 200
LETTERS = frozenset({"follow", "search", "match", "wrap", "times"})
"""Actions whose keys are letters while one types what is searched for."""
UNNAMED = frozenset({"plus", "minus"})
"""Keys whose name does not tell their character."""
SUBJECT = 60
"""Cells of the name of whose log it is, at most."""


class LogPanel(Panel):
    """The last lines of a worker's log, or of a task's part of it; it follows the end unless scrolled up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "Follow", id="log.follow", tooltip="Follow the end of the log, or stay where it is"),
        Binding("slash", "search", "Search", id="log.search", tooltip="Search in the log; Esc ends the search"),
        Binding("n", "match(1)", "Next", id="log.next", tooltip="Go to the next line that was found"),
        Binding("N", "match(-1)", "Previous", id="log.previous", tooltip="Go to the line found before"),
        Binding("w", "wrap", "Wrap", id="log.wrap", tooltip="Break long lines, or cut them off"),
        Binding("T", "times", "Times", id="log.times", tooltip="Show the times of the log, or leave them out"),
        Binding("enter", "keep", "Keep", id="log.keep", tooltip="Keep what was found, and go through it with n and N"),
        Binding("escape", "end_search", "End search", id="log.end_search", tooltip="End the search in the log"),
    ]

    class Read(Message):
        """The log has other lines than before."""

    def __init__(self, id: str, title: str, feed: Reading[LogSubject, list[str]]) -> None:
        super().__init__(id, title)
        self._feed = feed
        self._subject = ""
        self._texts: tuple[str, ...] = ()
        self._look = LogLook()
        self._empty = ""
        self._rows = LogLines()
        self._following = True
        self._typing = False
        """Whether keys go into what is searched for."""
        self._match = -1
        """The line that was found last, by index; -1 for none."""
        self.last_worker = ""
        """Who had the task last, where its state does not say it any more."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The log as it was read last."""
        return self._texts

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return whose log it is, as it stands, and the second: a log that is looked at is read again."""
        return (_looked_at(frame), self.last_worker, int(frame.now))

    def show(self, frame: Frame) -> None:
        """Have the log read, and draw what differs once it is."""
        task, worker = frame.task, frame.chosen.worker
        if worker:
            subject, title = LogSubject(worker), worker
        elif task is not None:
            subject, title = LogSubject(task.life.worker or self.last_worker, task.id), task.info.title or task.id
        else:
            subject, title = LogSubject(), ""

        def failed(error: CqltuiError) -> None:
            self._show_log(title, [f"The log cannot be read: {error}"])

        def read(lines: Sequence[str]) -> None:
            self._show_log(title, lines, nothing_logged(subject, None if worker else task))

        self._feed.follow(subject, _looked_at(frame), frame.now, read, failed)

    def _show_log(self, subject: str, lines: Sequence[str], empty: str = "") -> None:
        """Show these lines under this name, or what is said of no lines; all may hold anything."""
        if not self.is_attached:
            return
        texts = tuple(lines)
        if subject != self._subject:
            self._subject, self._following, self._match = subject, True, -1
        elif texts == self._texts and empty == self._empty and self._rows.lines:
            return
        else:
            self._move_by(dropped(self._texts, texts))
        self._texts, self._empty = texts, empty
        self._arrange()
        self.post_message(self.Read())

    def _move_by(self, gone: int) -> None:
        """Keep in place what is looked at, though lines have gone from the beginning."""
        if gone and self._match >= 0:
            self._match = max(-1, self._match - gone)
        if gone and not self._following and gone < len(self._rows.starts):
            self.scroll_to(y=max(0, self.scroll_offset.y - self._rows.starts[gone]), animate=False, force=True)

    def _arrange(self) -> None:
        """Make the rows again, and draw what differs."""
        if self.cells <= 0:  # hidden: it is told when it has a size
            return
        self._rows = log_lines(self._texts, self.cells, self._look, self._match)
        empty = wrapped(plain(self._empty, 400), max(1, self.cells))
        self.set_lines(self._rows.lines or [((text, "dim"),) for text in empty])
        if self._following:
            self._to_end()
        self._label()

    def _to_end(self) -> None:
        self._following = True
        self.scroll_to(y=max(0, len(self.lines) - self.size.height), animate=False, force=True)

    def _label(self) -> None:
        """Say whose log it is and whether its end is followed; below, what is searched for and what is left out."""
        follows = "following" if self._following else "stopped, G follows"
        room = max(8, min(SUBJECT, self.size.width - width(((f" Log · {follows} · ", ""),))))
        title = f"Log · {clip(plain(self._subject), room)} · {follows}" if self._subject else "Log"
        found = self._rows.matches
        parts = ["wrapped"] if self._look.wrap else []
        parts += [] if self._look.times else ["no times"]
        if self._typing or self._look.search:
            parts.append(f"/{plain(self._look.search, SEARCH_CHARS)}{'▏' if self._typing else ''}")
        if self._look.search:
            place = f"{found.index(self._match) + 1} of {len(found)}" if self._match in found else f"{len(found)} found"
            parts.append(place if found else "not found")
        subtitle = " · ".join(parts)
        self.head(title)
        self.foot(subtitle)

    def on_resize(self) -> None:
        """Break lines elsewhere, and stay at the end."""
        super().on_resize()
        self._arrange()

    # Following

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end when it is seen, and stop when it is left."""
        super().watch_scroll_y(old_value, new_value)
        following = new_value >= self.max_scroll_y or new_value >= len(self.lines) - self.size.height
        if following != self._following:
            self._following = following
            self._label()

    def action_follow(self) -> None:
        """Follow the end, or stay."""
        if self._following:
            self._following = False
        else:
            self._to_end()
        self._label()

    def action_bottom(self) -> None:
        """Go to the end, and follow it."""
        self._to_end()
        self._label()

    # How it is shown

    def action_wrap(self) -> None:
        """Break long lines, or cut them off."""
        self._change(LogLook(not self._look.wrap, self._look.times, self._look.search))

    def action_times(self) -> None:
        """Show times, or leave them out."""
        self._change(LogLook(self._look.wrap, not self._look.times, self._look.search))

    def _change(self, look: LogLook) -> None:
        """Look so, at the same line."""
        top = self._top()
        self._look = look
        following = self._following
        self._arrange()
        if not following and top < len(self._rows.starts):
            self.scroll_to(y=self._rows.starts[top], animate=False, force=True)

    def _top(self) -> int:
        """Return the line of the log at the top of the view, by index."""
        return max(0, bisect_right(self._rows.starts, self.scroll_offset.y) - 1)

    # Search

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether a key does something now."""
        if self._typing and action in LETTERS:
            return False
        if (action == "match" and not self._look.search) or (action == "keep" and not self._typing):
            return False
        if action == "end_search" and not (self._typing or self._look.search):
            return False
        return super().check_action(action, parameters)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Return whether a key is a letter of what is searched for."""
        return self._typing and (key in UNNAMED or (character is not None and character.isprintable()))

    def action_search(self) -> None:
        """Type what is searched for."""
        self._typing = True
        self._seek("")

    def action_end_search(self) -> None:
        """Mark nothing any more."""
        self._typing = False
        self._seek("")

    def action_keep(self) -> None:
        """Type no more; the letters are keys again."""
        self._typing = False
        self._label()
        self.refresh_bindings()

    def action_match(self, step: int) -> None:
        """Go to another line that was found."""
        found = self._rows.matches
        if not found:
            return
        if self._match in found:
            self._match = found[(found.index(self._match) + step) % len(found)]
        else:
            self._match = self._nearest()
        self._arrange()
        self._reveal()

    def on_key(self, event: Key) -> None:
        """Take what is typed while something is searched for."""
        if not self._typing:
            return
        if event.key in {"backspace", "ctrl+h"}:
            self._seek(self._look.search[:-1])
        elif event.key == "ctrl+u":
            self._seek("")
        elif event.character is not None and event.is_printable:
            self._seek(self._look.search + event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: Paste) -> None:
        """Search for the first line of what is pasted."""
        if self._typing:
            event.stop()
            self._seek(self._look.search + plain(event.text.partition("\n")[0], SEARCH_CHARS))

    def on_blur(self, event: Blur) -> None:
        """Type no more: keys go elsewhere."""
        if self._typing:
            self.action_keep()

    def _seek(self, search: str) -> None:
        """Mark this, and go to the nearest line that holds it."""
        self._look = LogLook(self._look.wrap, self._look.times, search[:SEARCH_CHARS])
        self._match = -1
        self._arrange()
        if self._rows.matches:
            self._match = self._nearest()
            self._arrange()
            self._reveal()
        self.refresh_bindings()

    def _nearest(self) -> int:
        """Return the first line found that is seen or stands below; while the end is followed, the last of all."""
        found = self._rows.matches
        if self._following:
            return found[-1]
        top = self._top()
        return next((i for i in found if i >= top), found[-1])

    def _reveal(self) -> None:
        """Scroll as little as shows the line that was found."""
        if 0 <= self._match < len(self._rows.starts):
            self.scroll_row(self._rows.starts[self._match])
        self._label()


def _looked_at(frame: Frame) -> object:
    """Return the task or worker whose log it is: another value when it has changed."""
    if frame.chosen.worker:
        return frame.state.workers.get(frame.chosen.worker)
    return frame.task
