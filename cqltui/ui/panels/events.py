"""What has happened, and who did it: the newest first."""

from operator import is_
from typing import ClassVar, TypeAlias

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.strip import Strip

from cqltui.errors import CqltuiError
from cqltui.state.happened import Happening, matches, merged
from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.happenedlines import foot_text, happened_line, heading, texts_of
from cqltui.ui.line import Line, clip
from cqltui.ui.panels.cursor import HEADING, CursorPanel
from cqltui.ui.reading import Reading

NOTHING = "Nothing has happened yet."
JOURNAL_S = 5.0
"""So often the journal is read on: what happens meanwhile the screen sees by itself."""
Rows: TypeAlias = dict[str, tuple[Happening, str, bool]]
"""Key of a row -> the event, its text there, and whether it is the event's first row."""


class EventsPanel(CursorPanel):
    """What the journal tells, and what the screen sees happen. A long text has several rows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "open", "Details", id="events.open", tooltip="Show the details of the task that the event is about"
        ),
    ]

    def __init__(self, id: str, title: str, reading: Reading[int, tuple[Happening, ...]]) -> None:
        super().__init__(id, title)
        self._reading = reading
        self._journal: tuple[Happening, ...] = ()
        self._made_of: tuple[object, ...] = ()
        self._all: tuple[Happening, ...] = ()
        self._listed_for: tuple[object, ...] = ()
        self._shown = 0
        self._words: tuple[str, ...] = ()
        self._rows: Rows = {}
        self._known_rows: dict[int, tuple[Happening, Rows]] = {}
        """The rows of each event that is listed, by its identity."""
        self._rows_for: tuple[object, ...] = ()
        """What they were made for."""
        self._frame: Frame | None = None
        self._days = False

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return what the lines are made from, and when the journal is read on."""
        return (frame.happened, frame.state.notices, frame.state.campaign, _turn(frame), self._words, self.has_focus)

    def show(self, frame: Frame) -> None:
        """List what is new, and have the journal read."""
        self._frame = frame
        self._reading.follow(_turn(frame), None, frame.now, self._told, self._failed)
        self._update()

    def _told(self, found: tuple[Happening, ...]) -> None:
        self._journal = found
        self._update()

    def _failed(self, error: CqltuiError) -> None:
        """Go on with what is known."""

    def set_words(self, words: tuple[str, ...]) -> None:
        """List only the events that have all of these words."""
        self._words = words
        self._update()

    def _update(self) -> None:
        """Put together what the journal tells and what has been seen since, and list it, if anything has changed."""
        frame = self._frame
        if frame is None:
            return
        made_of = (self._journal, frame.happened, frame.state.notices)
        if len(made_of) != len(self._made_of) or not all(map(is_, made_of, self._made_of)):
            self._made_of, self._listed_for = made_of, ()
            self._all = merged(self._journal, frame.happened, frame.state.notices)
        listed_for = (self.cells, self._words, len(frame.state.tasks), int(frame.now / 3_600))
        if listed_for != self._listed_for:
            self._listed_for = listed_for
            self._list(frame)

    def _list(self, frame: Frame) -> None:
        words = self._words
        shown = [one for one in reversed(self._all) if not words or matches(one, words)]
        self._days = any(fmt.clock(one.ts, frame.now).count(" ") for one in shown[-1:])
        rows_for = (max(self.cells, 20), self._days, len(frame.state.tasks))
        known = self._known_rows if rows_for == self._rows_for else {}
        self._rows_for = rows_for
        self._known_rows = {id(one): known.get(id(one)) or (one, self._rows_of(one, frame)) for one in shown}
        self._rows = {key: row for _, rows in self._known_rows.values() for key, row in rows.items()}
        self._shown = len(shown)
        keys = tuple(self._rows)
        newest = keys[0] if keys and self._following else ""
        self.set_keys(keys, self.row, newest)
        self._label()

    def _rows_of(self, one: Happening, frame: Frame) -> Rows:
        texts = texts_of(one, frame.state.tasks, max(self.cells, 20), self._days)
        start = ".".join(map(str, one.version))
        return {f"{start}/{number}": (one, text, number == 0) for number, text in enumerate(texts)}

    def _label(self) -> None:
        self.head(f"Events · {clip(' '.join(self._words), 40)}" if self._words else "Events")
        found = self._rows.get(self._cursor)
        self.foot(foot_text(found[0], self._shown, len(self._all), bool(self._words), self.cells) if found else "")

    def moved(self) -> None:
        """Name the event under the cursor."""
        self._label()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Show none, and follow the newest again."""
        self._following = True
        self.refresh()

    @property
    def lines(self) -> tuple[Line, ...]:
        """All that is listed, as lines."""
        return (self._heading(), *(self._line(key) for key in self._keys))

    def _heading(self) -> Line:
        if self._keys:
            return heading(max(self.cells, 20), self._days)
        return ((("No event has these words." if self._words else NOTHING), "dim"),)

    def _line(self, key: str) -> Line:
        frame = self._frame
        if frame is None or key not in self._rows:
            return ()
        happening, text, first = self._rows[key]
        return happened_line(happening, text, first, frame.state.tasks, frame.now, max(self.cells, 20), self._days)

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen; the heading stays at the top."""
        if y < HEADING:
            return self.strip(self._heading())
        key = self.key_at(y)
        return self.strip(self._line(key) if key else (), cursor=bool(key) and self.has_focus and key == self._cursor)

    def action_top(self) -> None:
        """Move to the newest, and follow it."""
        super().action_top()
        self._following = True

    def action_open(self) -> None:
        """Ask for the details of the task that the event is about; of several, of the first."""
        found = self._rows.get(self._cursor)
        known = self._frame.state.tasks if self._frame is not None else {}
        if found is not None and (task := next((one for one in found[0].tasks if one in known), "")):
            self.hold()
            self.post_message(self.TaskOpened(task))

    def on_click(self, event: Click) -> None:
        """Select; a second click opens."""
        place = event.get_content_offset_capture(self)
        key = self.key_at(place.y) if place.y >= 0 else ""
        if key and key == self._cursor and event.chain > 1:
            self.action_open()
        elif key:
            self.move_to(self.row_of(key))
        else:
            super().on_click(event)


def _turn(frame: Frame) -> int:
    return int(frame.now / JOURNAL_S)
