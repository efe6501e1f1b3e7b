"""The task list without its keys: which rows there are, and what is drawn of them."""

from collections.abc import Sequence

from textual.strip import Strip

from cqltui.state.counting import tally
from cqltui.state.filter import EVERYTHING
from cqltui.state.filter_fields import Moment
from cqltui.state.model import Status, TaskState
from cqltui.state.page import Page
from cqltui.state.plain import plain
from cqltui.state.select import ordered
from cqltui.state.varying import Varying
from cqltui.ui.base import BaseApp
from cqltui.ui.figures import PIECE, Figures, Sums
from cqltui.ui.folding import FOLD_TITLES, Group, Partitions, folds
from cqltui.ui.frame import Chosen, Frame
from cqltui.ui.line import Line
from cqltui.ui.listing import Listing, Wish, listed
from cqltui.ui.lru import Lru
from cqltui.ui.marks import Marks
from cqltui.ui.panels.columns import COLUMNS, Column, available
from cqltui.ui.panels.cursor import HEADING, CursorPanel
from cqltui.ui.panels.fit import widths
from cqltui.ui.panels.pages import Pages, Turn, ask_nobody, submitted
from cqltui.ui.panels.rows import MARGIN, Fitting, group_line, heading_line, margin, task_line
from cqltui.ui.panels.tasktitle import title
from cqltui.ui.panels.viewframe import KEPT, TIMES, WIDTHS

MANY = 1_000
"""More tasks than these are listed anew once a second at most, unless the user wants it."""
SUMS_S = 60
"""So long what folded rows come to is kept after they were unfolded."""
HOUR_S = 3_600
"""So often a row that says no more than a clock is drawn anew: of another day it says that too."""
Key = tuple[object, ...]


class TaskList(CursorPanel):
    """Tasks, filtered, sorted and folded. It draws the rows that are seen and have changed, whatever their number."""

    def __init__(self, id: str, title: str, turn: Turn = ask_nobody) -> None:
        super().__init__(id, title)
        self.frame: Frame | None = None
        self.pages = Pages(turn)
        self.filter = EVERYTHING
        self.sort_name = ""
        """What sorts; empty for the campaign's order. It goes on sorting where there is no room to show it."""
        self.inverted = False
        self.fold_name = ""
        """How tasks are folded; empty: not at all."""
        self.unfolded: frozenset[str] = frozenset()
        """Folded rows that stand open."""
        self.chosen_columns: tuple[str, ...] = ()
        """Names, in order; none: those that fit."""
        self.varying = Varying()
        self.listing = Listing()
        self.marks = Marks()
        self._among: tuple[Listing, frozenset[str], tuple[str, ...]] = self.listing, frozenset(), ()
        """Which tasks are marked, of which listing, and these in its order."""
        self.columns: tuple[Column, ...] = COLUMNS
        """All that there are for these tasks."""
        self._wanted = ""
        """The task that the cursor was put on. It comes back to it when that is listed again."""
        self._fits: tuple[tuple[Key, Fitting], ...] = ()
        """The newest first. Compared, not looked up by hash: that of all columns takes longer."""
        self._figures: dict[str, Figures] = {}
        """Of the groups that were looked at since the tasks were last listed."""
        self._sums: dict[str, Sums] = {}
        """Of large groups."""
        self._folded_s = 0.0
        """When tasks were last folded, by the screen's clock."""
        self._order_key: Key = ()
        self._listed_at = -1
        """In which second many tasks were listed last."""
        self._order: tuple[Key, tuple[str, ...]] = (), ()
        """The campaign's own order, with what it was made of."""
        self._partitions = Partitions()
        self._pace: Key = ()
        """Changes when something has happened to tasks, at most once a second if they are many."""
        self._followed: Key = ()
        """When the cursor was last put on what runs."""
        self._led = ""
        """The task that it was put on then."""
        self._drawn: Lru[tuple[str, int], tuple[TaskState | Figures, Key, Fitting, Line]] = Lru(KEPT)
        """What was drawn of a row when it was seen last, and what of; by its key and the width of the list."""
        self._empty: tuple[Line, ...] = ()

    # What others read

    @property
    def ids(self) -> tuple[str, ...]:
        """The tasks as listed, those in folded rows too."""
        return self.listing.ids

    @property
    def marked(self) -> set[str]:
        """The marked tasks."""
        return self.marks.ids

    @property
    def cursor_id(self) -> str:
        """The task under the cursor, of a folded row the one that stands for it; empty if there is none."""
        group = self.listing.groups.get(self._cursor)
        return self._figures_of(group).first.id if group else self._cursor

    @property
    def chosen(self) -> Chosen:
        """What the user looks at."""
        listing, marked = self.listing, frozenset(self.marked)
        if self._among[0] is not listing or self._among[1] != marked:
            self._among = listing, marked, listing.among(marked) if marked else ()
        group = listing.groups.get(self._cursor)
        return Chosen(self.cursor_id, self._among[2], group.ids if group else ())

    @property
    def seen(self) -> tuple[str, ...]:
        """The keys of the rows that are seen: tasks, and folded rows."""
        return tuple(filter(None, map(self.key_at, range(HEADING, self.size.height)))) if self.display else ()

    @property
    def targets(self) -> tuple[str, ...]:
        """The tasks that a key acts on: those that are marked and listed, else those of the row under the cursor."""
        return self.chosen.marked or self.listing.tasks(self._cursor)

    # Rows

    def show(self, frame: Frame) -> None:
        """Draw the rows that differ."""
        self.frame = frame
        if frame.state.page is not None:
            self.seek(frame)
        if self.fold_name:
            self._folded_s = frame.now
        elif not 0 <= frame.now - self._folded_s < SUMS_S:
            self._sums.clear()
        self.list_again()
        if self._following and self._followed != (self._order_key, self._pace):
            self._followed = (self._order_key, self._pace)
            self._follow(frame)
        for y in range(HEADING, self.size.height):
            if (key := self.key_at(y)) and not self._is_drawn(frame, key):
                self.refresh_row(y)

    def show_empty(self, lines: Sequence[Line]) -> None:
        """Say this while there are no tasks."""
        if (lines := tuple(lines)) != self._empty:
            self._empty = lines
            self.refresh()

    def list_again(self) -> None:
        """List the tasks again, if anything that the order depends on has changed."""
        frame = self.frame
        if frame is None:
            return
        state, wish, page = frame.state, self._wish(frame), frame.state.page
        second = int(frame.now)
        many = len(state.tasks) > MANY
        self._pace = (second,) if many else (state.epoch, state.seq, len(state.tasks))
        wanted: Key = self.filter.text, self.sort_name, self.inverted, self.fold_name, self.unfolded
        made_of: Key = tally(state).infos, state.campaign.phases
        still = wish.is_plain and page is None  # of very many the title changes, and which are held
        key: Key = wanted, page, *made_of, () if still else self._pace, second if wish.live else 0
        soon = many and self._order_key[:2] == (wanted, page) and second == self._listed_at
        if soon or key == self._order_key:
            return
        other = self._order_key[:1] != (wanted,)
        self._order_key, self._listed_at = key, second if many else -1
        self._figures.clear()
        if made_of != self._order[0]:
            self._look(frame)
            self._order = made_of, submitted(state) if page is not None else tuple(one.id for one in ordered(state))
        row, found = self.row, self._listed(frame)
        same, self.listing = found.keys == self.listing.keys, found
        if not same:
            self.marks.keep(state.tasks)
            if page is not None:
                self._turned(page)
            self.set_keys(found.keys, row, found.key_of(self._wanted, self._cursor), steady=page is not None)
            searches = page is not None and (self.filter.words or page.filter)  # behind which it is listed again
            if self._wanted not in state.tasks and not searches:
                self._wanted = self.cursor_id
        self.label()
        if other and self._following:
            self._led = ""  # else it would stand where it came to by what was typed on the way
            self._follow(frame)

    def seek(self, frame: Frame) -> None:
        """Look at the page that is there, of very many tasks, and ask for what the filter finds."""
        self.pages.look(frame.state, self.filter, Moment(frame.as_of, frame.stall_s))

    def _turned(self, page: Page) -> None:
        """Have the cursor go where the user wants it on this page; a range whose begin is gone has come to its end."""
        self._wanted, self.pages.target = self.pages.target or self._wanted, ""
        if self.marks.anchor and self.marks.anchor not in self.listing.places and not self.filter.words:
            self.marks.end()

    def _listed(self, frame: Frame) -> Listing:
        return listed(frame, self._wish(frame), self._figures_of, self._order[1], self._partitions)

    def _wish(self, frame: Frame) -> Wish:
        column = fold = None
        if self.sort_name:
            column = next((column for column in self.columns if column.name == self.sort_name), None)
        if self.fold_name:
            fold = next((f for f in folds(frame.state, self.varying) if f.name == self.fold_name), None)
        return Wish(self.filter, column, self.inverted, fold, self.unfolded)

    def _look(self, frame: Frame) -> None:
        """Find out what differs between the tasks now."""
        varying = self.varying
        known = varying.settings, varying.title_cells, varying.id_cells
        varying.update(frame.state.tasks)
        if known != (varying.settings, varying.title_cells, varying.id_cells):
            self.columns = available(varying)
            self.refresh()

    def _figures_of(self, group: Group) -> Figures:
        found = self._figures.get(group.key)
        if found is None:
            assert self.frame is not None, "there is a group only where there is a frame"
            large = len(group.members) > PIECE
            sums = self._sums.setdefault(group.key, Sums()) if large else Sums()
            self._figures[group.key] = found = sums.figures(group.members, self.frame)
        return found

    def row_of(self, key: str) -> int:
        """Return the row of a key; the first if there is no such row."""
        return self.listing.places.get(key, 0)

    def go_to(self, row: int) -> None:
        """Put the cursor on a row, and note its task: the cursor follows that, whatever becomes of its row."""
        super().go_to(row)
        self._wanted = self.cursor_id

    def _follow(self, frame: Frame) -> None:
        """Put the cursor on the first task that runs, and have it there while that one runs and is listed."""
        tasks, listing = frame.state.tasks, self.listing

        def row(task_id: str) -> int | None:
            task = tasks.get(task_id)
            if task is None or task.status is not Status.RUNNING:
                return None
            return listing.places.get(task_id, listing.places.get(listing.homes.get(task_id, "")))

        if row(self._led) is None:
            self._led = next((task_id for task_id in listing.ids if row(task_id) is not None), "")
        there = row(self._led)
        if there is not None and there != self.row:
            self.go_to(there)
            self.show_cursor(again=True)

    def label(self) -> None:
        """Say in the title how many tasks are listed, of how many, and what is done with them."""
        state, fold = self.frame.state if self.frame else None, FOLD_TITLES.get(self.fold_name, self.fold_name)
        wish = self._wish(self.frame) if self.frame else Wish(self.filter)
        self.head(title(state, wish, self.listing, fold, self.marked, bool(self.marks.anchor)))
        self.foot(f"filter: {plain(self.filter.text)}" if self.filter.words else "")

    # Drawing

    def fitting(self) -> Fitting:
        """Return the columns that are shown, with their cells."""
        cells, title, folded = self.cells - MARGIN, self.varying.title_cells, bool(self.fold_name)
        key = (cells, title, folded, self.chosen_columns, self.columns)
        for known, fit in self._fits:
            if known == key:
                return fit
        plain = isinstance(self.app, BaseApp) and self.app.preferences.plain
        columns = tuple(one for one in self.columns if not (plain and one.name == "curve"))  # a drawing
        fit = widths(cells, columns, self.chosen_columns, title, folded=folded)
        self._fits = (key, fit), *self._fits[: WIDTHS - 1]
        return fit

    def _row(self, frame: Frame, key: str) -> TaskState | Figures | None:
        group = self.listing.groups.get(key)
        return self._figures_of(group) if group else frame.state.tasks.get(key)

    def _key(self, frame: Frame, row: TaskState | Figures, key: str) -> Key:
        """Return what is drawn of a row besides what it is."""
        at_cursor = key == self._cursor
        if isinstance(row, Figures):
            return at_cursor, self._group_mark(key), self._pends(frame, key)
        finish_ts = frame.finish_ts(row)
        minute = int(finish_ts // 60) if finish_ts else None
        second = int(frame.now) if row.status is Status.RUNNING and self._ages else frame.now // HOUR_S
        below, pending = key in self.listing.homes, frame.pending.get(key, "")
        return minute, pending, key in self.marked, at_cursor, below, frame.stalled(row), second

    @property
    def _ages(self) -> bool:
        """Whether something is shown that changes with the time alone."""
        return any(column.name == "duration" for column, _ in self.fitting())

    def _is_drawn(self, frame: Frame, key: str) -> bool:
        row = self._row(frame, key)
        return row is None or self._as_drawn(key, row, self._key(frame, row, key)) is not None

    def _as_drawn(self, key: str, row: TaskState | Figures, made_of: Key) -> Line | None:
        """Return what was drawn of the row, if it is what would be drawn now."""
        drawn = self._drawn.used((key, self.cells))
        if drawn is None or drawn[1] != made_of or drawn[2] is not self.fitting():
            return None
        return drawn[3] if drawn[0] is row or (isinstance(row, Figures) and drawn[0] == row) else None

    def render_line(self, y: int) -> Strip:
        """Return the heading, or a row."""
        frame = self.frame
        if frame is None or not self._keys:
            start = max(0, (self.size.height - len(self._empty)) // 3)
            inside = 0 <= y - start < len(self._empty)
            return self.strip(self._empty[y - start] if inside and not self.filter.words else ())
        columns = self.fitting()
        if y < HEADING:
            return self.strip(heading_line(columns, self.sort_name, self.inverted))
        key = self.key_at(y)
        row = self._row(frame, key) if key else None
        if row is None:
            return self.strip(())
        made_of = self._key(frame, row, key)
        line = self._as_drawn(key, row, made_of)
        if line is None or isinstance(row, Figures):  # of which more is drawn than its figures
            line = self._line(frame, row, key)
            self._drawn[key, self.cells] = row, made_of, columns, line
        return self.strip(line, key == self._cursor)

    def _line(self, frame: Frame, row: TaskState | Figures, key: str) -> Line:
        columns = self.fitting()
        if isinstance(row, Figures):
            before = margin(self._group_mark(key), self._pends(frame, key))
            return group_line(frame, self.listing.groups[key], row, columns, before)
        mark, pending = "+" if key in self.marked else "", key in frame.pending or bool(row.life.want)
        return task_line(frame, row, columns, margin(mark, pending), below=key in self.listing.homes)

    def _group_mark(self, key: str) -> str:
        homes = self.listing.homes
        marked = sum(homes.get(task_id) == key for task_id in self.marked)
        return "+" if marked == len(self.listing.groups[key].ids) else "~" if marked else ""

    def _pends(self, frame: Frame, key: str) -> bool:
        """Return whether something was asked of a folded row's task."""
        homes = self.listing.homes
        return any(homes.get(task_id) == key for task_id in frame.pending)

    def on_resize(self) -> None:
        """Other columns may fit."""
        self.show_cursor(again=self._following)
        self._drawn.grow(TIMES * self.size.height)
        super().on_resize()
