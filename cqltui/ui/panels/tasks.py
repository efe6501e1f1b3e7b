"""What the keys and the mouse do in the task list."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message

from cqltui.state.filter import Filter
from cqltui.state.model import RunState
from cqltui.ui.folding import next_fold
from cqltui.ui.panels.columns import Column
from cqltui.ui.panels.cursor import HEADING
from cqltui.ui.panels.rows import column_at
from cqltui.ui.panels.tasklist import TaskList


class TaskTable(TaskList):
    """Tasks with a cursor, marks, a filter, a sort column and folds; all of them follow the task, not the row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Details", id="tasks.open", tooltip="Show the task's details, or unfold a folded row"),
        Binding("space", "mark", "Mark", show=False, id="tasks.mark", tooltip="Mark the task for the next action"),
        Binding("v", "range", "Range", show=False, id="tasks.range", tooltip="Mark a range from here to the cursor"),
        Binding("V", "mark_all", "Mark all", show=False, id="tasks.mark_all", tooltip="Mark all tasks that are listed"),
        Binding(
            *("less_than_sign", "sort(-1)", "Sort left"),
            show=False,
            id="tasks.sort_left",
            tooltip="Sort by the column before",
        ),
        Binding(
            *("greater_than_sign", "sort(1)", "Sort right"),
            show=False,
            id="tasks.sort_right",
            tooltip="Sort by the column behind",
        ),
        Binding("i", "invert", "Reverse", show=False, id="tasks.invert", tooltip="Sort the other way round"),
        Binding("C", "columns", "Columns", show=False, id="tasks.columns", tooltip="Choose the columns"),
        Binding(
            *("z", "fold", "Fold"),
            show=False,
            id="tasks.fold",
            tooltip="Fold seeds into one row, then phases, then by each setting that differs",
        ),
        Binding("Z", "unfold", "Unfold", show=False, id="tasks.unfold", tooltip="Give each task a row of its own"),
    ]

    class ColumnsWanted(Message):
        """The columns are to be chosen."""

    class Arranged(Message):
        """The user has chosen columns, or what sorts."""

    def moved(self) -> None:
        """Extend the range, and tell the screen."""
        if self.marks.anchor:
            self.marks.extend(self.listing.between(self.marks.anchor, self._cursor))
            self._marked()
        else:
            self.post_message(self.Moved())

    # Pages of very many tasks

    @property
    def _turning(self) -> RunState | None:
        """The state, if its pages are turned as the cursor moves: while tasks are listed as they were submitted."""
        frame = self.frame
        if frame is None or frame.state.page is None or frame.state.page.filter or not self._wish(frame).is_plain:
            return None
        return frame.state

    def move_to(self, row: int) -> None:
        """Put the cursor on a row, for the user; near the end of a page ask for the next one."""
        by = row - self.row
        super().move_to(row)
        if self.frame is not None and self.frame.state.page is not None:
            self.pages.stay()
            if (state := self._turning) is not None:
                self.pages.near(state, self.listing.places, self.row, by)

    def step(self, by: int) -> None:
        """Move the cursor by so many rows, as far as there are all tasks."""
        if (state := self._turning) is not None:
            by = self.pages.bounded(state, self.listing.places, self.row, by)
        super().step(by)

    def on_mouse_scroll_down(self) -> None:
        """Ask for the next page where the wheel comes near the end of this one."""
        self.call_after_refresh(self._scrolled, 1)

    def on_mouse_scroll_up(self) -> None:
        """Ask for the page before where it comes near the beginning."""
        self.call_after_refresh(self._scrolled, -1)

    def _scrolled(self, by: int) -> None:
        if (state := self._turning) is not None:
            seen = self.scroll_offset.y + (self.size.height - HEADING - 1 if by > 0 else 0)
            self.pages.scrolled(state, self.listing.places, seen, by)

    def action_top(self) -> None:
        """Move to the first of all tasks."""
        self._go_to_end(0)

    def action_bottom(self) -> None:
        """Move to the last of all tasks."""
        self._go_to_end(-1)

    def _go_to_end(self, end: int) -> None:
        row = end % max(len(self._keys), 1)
        if (state := self._turning) is not None and self.pages.ask_end(state, end):
            self.hold()
            self.go_to(row)
        else:
            self.move_to(row)

    # Marks

    def _marked(self) -> None:
        self.label()
        self.refresh()
        self.post_message(self.Moved())

    def action_mark(self) -> None:
        """Mark the task for actions on several, or unmark it; go on to the next."""
        if self._cursor:
            self.end_range()
            self.marks.toggle(self.listing.tasks(self._cursor))
            self._marked()
            self.step(1)

    def action_range(self) -> None:
        """Begin a range, or end it."""
        if not self.end_range() and self._cursor:
            self.hold()
            self.marks.begin(self._cursor)
            self.moved()

    def end_range(self) -> bool:
        """End the range that is being marked; its marks stay. Returns whether there was one."""
        ended = self.marks.end()
        if ended:
            self.label()
        return ended

    def action_mark_all(self) -> None:
        """Mark all tasks that are listed; if they are, unmark them."""
        self.end_range()
        self.hold()
        self.marks.toggle(self.ids)
        self._marked()

    def unmark(self) -> None:
        """Remove all marks."""
        if self.marked or self.marks.anchor:
            self.marks.clear()
            self._marked()

    # Order

    def set_filter(self, wanted: Filter) -> None:
        """List only the tasks that the filter finds."""
        self.filter = wanted
        if self.frame is not None and self.frame.state.page is not None:
            self.seek(self.frame)
        self._again()

    def sort_by(self, name: str, inverted: bool = False) -> None:
        """Sort by a column; the empty name is the campaign's own order."""
        self.sort_name, self.inverted = name, inverted and bool(name)
        self._again()

    def choose_columns(self, names: tuple[str, ...]) -> None:
        """Show these columns, as far as there are such; none: those that fit."""
        self.chosen_columns = names
        self._again()

    def _again(self) -> None:
        self.list_again()
        self.show_cursor()
        self.refresh()

    def action_sort(self, step: int) -> None:
        """Sort by the next column, or the one before; one before the first is the campaign's own order."""
        names = ["", *(column.name for column, _ in self.fitting())]
        if self.sort_name not in names:  # it is hidden, and stands where it would
            hidden = [c.name for c in self.columns if c.name in names or c.name == self.sort_name]
            names = ["", *hidden]
        place = names.index(self.sort_name) if self.sort_name in names else 0
        self._sorted(names[(place + step) % len(names)])

    def action_invert(self) -> None:
        """Sort the other way round."""
        if self.sort_name:
            self._sorted(self.sort_name, not self.inverted)

    def _sorted(self, name: str, inverted: bool = False) -> None:
        self.sort_by(name, inverted)
        self.post_message(self.Arranged())

    def action_columns(self) -> None:
        """Ask for other columns."""
        self.post_message(self.ColumnsWanted())

    def offered(self) -> list[tuple[Column, bool]]:
        """Return all columns and whether each is shown, those that were chosen in their order first."""
        named = {column.name: column for column in self.columns}
        chosen = [named[name] for name in self.chosen_columns if name in named]
        shown = chosen or [column for column, _ in self.fitting()]
        if chosen:
            return [(c, True) for c in chosen] + [(c, False) for c in self.columns if c not in chosen]
        return [(column, column in shown) for column in self.columns]

    def columns_chosen(self, names: tuple[str, ...] | None) -> None:
        """Show what was chosen; None: nothing was."""
        if names is not None:
            self.choose_columns(names)
            self.post_message(self.Arranged())

    # Folds

    def action_fold(self) -> None:
        """Fold the tasks in the next way that makes fewer rows of them; after the last one not at all."""
        if self.frame is not None:
            self._fold(next_fold(self.frame.state, self.varying, self.fold_name))

    def action_unfold(self) -> None:
        """Give each task a row of its own."""
        self._fold("")

    def _fold(self, name: str) -> None:
        if name != self.fold_name:
            self.hold()
            self.end_range()
            self.fold_name, self.unfolded = name, frozenset()
            self._again()
            self.post_message(self.Moved())

    def action_open(self) -> None:
        """Ask for the details of the task under the cursor; unfold a folded row, or fold it again."""
        if self._cursor in self.listing.groups:
            self.hold()
            self.unfolded ^= {self._cursor}
            self._again()
        elif self._cursor:
            self.hold()
            self.post_message(self.TaskOpened(self._cursor))

    # Mouse

    def on_click(self, event: Click) -> None:
        """Select; a second click opens. On the heading: sort by the column, and the other way round the next time."""
        place = event.get_content_offset_capture(self)
        if 0 <= place.y < HEADING and self._keys:
            if (column := column_at(self.fitting(), place.x)) is not None:
                again = column.name == self.sort_name
                self._sorted(column.name, again and not self.inverted)
            return
        key = self.key_at(place.y)
        if key and key == self._cursor and event.chain > 1:
            self.action_open()
        elif key:
            self.move_to(self.row_of(key))
