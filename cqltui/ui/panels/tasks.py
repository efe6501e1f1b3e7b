"""The task list. It draws the rows that are seen and have changed, whatever the number of tasks."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from cqltui.state.model import Status, TaskState
from cqltui.state.select import ordered
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, Span, left, right
from cqltui.ui.panels.columns import COLUMNS, Column, widths
from cqltui.ui.panels.panel import Panel

HEADING = 1
MARGIN = 2
"""Cells before the first column: the mark of the selection and what is pending."""
Key = tuple[object, ...]


class TaskTable(Panel):
    """Tasks with a cursor, marks, a filter and a sort column; all of them follow the task, not the row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Details", id="tasks.open", tooltip="Open the task's details"),
        Binding("space", "mark", "Mark", show=False, id="tasks.mark", tooltip="Mark the task: keys act on all marked"),
        Binding(
            "less_than_sign", "sort(-1)", "Sort left", show=False,
            id="tasks.sort_left", tooltip="Sort by the column before",
        ),
        Binding(
            "greater_than_sign", "sort(1)", "Sort right", show=False,
            id="tasks.sort_right", tooltip="Sort by the column after",
        ),
    ]  # fmt: skip

    class Moved(Message):
        """Another task is under the cursor."""

    class Opened(Message):
        """A task's details are wanted."""

        def __init__(self, task_id: str) -> None:
            super().__init__()
            self.task_id = task_id

    def __init__(self, id: str, title: str) -> None:
        super().__init__(id, title)
        self._frame: Frame | None = None
        self._ids: tuple[str, ...] = ()
        self._cursor_id = ""
        self._sort: Column | None = None
        """None is the campaign's own order. A column goes on sorting where the list is too narrow to show it."""
        self._filter = ""
        self._following = True
        """Until the user moves or acts, the cursor is on what runs."""
        self._order_key: Key = ()
        self._drawn: dict[int, tuple[TaskState, Key]] = {}
        self._empty: tuple[Line, ...] = ()
        self.marked: set[str] = set()

    # What others read

    @property
    def ids(self) -> tuple[str, ...]:
        """The tasks as listed."""
        return self._ids

    @property
    def cursor_id(self) -> str:
        """The task under the cursor; empty if there is none."""
        return self._cursor_id

    @property
    def sort_name(self) -> str:
        """The column that sorts; empty for the campaign's order."""
        return self._sort.name if self._sort else ""

    def show(self, frame: Frame) -> None:
        """Draw the rows that differ."""
        self._frame = frame
        self._arrange()
        if self._following:
            self._follow(frame)
        for y in range(HEADING, self.size.height):
            task_id = self._id_at(y)
            if task_id and not self._is_drawn(y, frame.state.tasks[task_id]):
                self.refresh_row(y)

    def show_empty(self, lines: Sequence[Line]) -> None:
        """Say this while there are no tasks."""
        if (lines := tuple(lines)) != self._empty:
            self._empty = lines
            self.refresh()

    def set_filter(self, text: str) -> None:
        """List only tasks whose id, title, phase or state hold the text."""
        self._filter = text.strip().lower()
        self._arrange()

    # Rows

    def _columns(self) -> list[tuple[Column, int]]:
        return widths(self.cells - MARGIN)

    def _arrange(self) -> None:
        """List the tasks again, if anything that the order depends on has changed."""
        frame = self._frame
        if frame is None:
            return
        state = frame.state
        name = self.sort_name
        moving = int(frame.now) if name in {"epoch", "loss", "val", "curve", "eta"} else 0
        key: Key = (state.epoch, state.seq, len(state.tasks), state.campaign.phases, name, moving, self._filter)
        if key == self._order_key:
            return
        self._order_key = key
        tasks = [task for task in ordered(state) if self._matches(task)]
        if (column := self._sort) is not None:
            tasks.sort(key=lambda task: column.sort(frame, task), reverse=column.descending)
        self._place(tuple(task.id for task in tasks))

    def _matches(self, task: TaskState) -> bool:
        info = task.info
        return not self._filter or self._filter in f"{task.id}\n{info.title}\n{info.phase}\n{task.status}".lower()

    def _place(self, ids: tuple[str, ...]) -> None:
        if ids != self._ids:
            row = self._row()
            self._ids = ids
            self._drawn.clear()
            self.marked &= set(self._frame.state.tasks) if self._frame else set()
            self.virtual_size = Size(0, len(ids) + HEADING)
            if self._cursor_id not in ids:
                self._cursor_id = ids[min(row, len(ids) - 1)] if ids else ""
                self.post_message(self.Moved())
            self._show_cursor()
            self.refresh()
        self._label()

    def _label(self) -> None:
        total = len(self._frame.state.tasks) if self._frame else 0
        shown = f"{len(self._ids)} of {total}" if self._filter else f"{total}"
        title = f"Tasks · {shown}" + (f" · {len(self.marked)} marked" if self.marked else "")
        self.head(title)
        self.foot(f"filter: {self._filter}" if self._filter else "")

    def _row(self) -> int:
        return self._ids.index(self._cursor_id) if self._cursor_id in self._ids else 0

    def _id_at(self, y: int) -> str:
        row = y - HEADING + self.scroll_offset.y
        return self._ids[row] if y >= HEADING and row < len(self._ids) else ""

    # Drawing

    def _key(self, frame: Frame, task: TaskState) -> Key:
        finish_ts = frame.finish_ts(task)
        pending = frame.pending.get(task.id, "")
        minute = int(finish_ts // 60) if finish_ts else None
        return minute, pending, task.id in self.marked, task.id == self._cursor_id, frame.stalled(task)

    def _is_drawn(self, y: int, task: TaskState) -> bool:
        drawn = self._drawn.get(y)
        frame = self._frame
        return drawn is not None and frame is not None and drawn[0] is task and drawn[1] == self._key(frame, task)

    def render_line(self, y: int) -> Strip:
        """Return the heading, or a row."""
        frame = self._frame
        if frame is None or not self._ids:
            start = max(0, (self.size.height - len(self._empty)) // 3)
            inside = 0 <= y - start < len(self._empty)
            return self.strip(self._empty[y - start] if inside and not self._filter else ())
        if y < HEADING:
            return self.strip(self._heading())
        task_id = self._id_at(y)
        if not task_id:
            return self.strip(())
        task = frame.state.tasks[task_id]
        self._drawn[y] = (task, self._key(frame, task))
        return self.strip(self._line(frame, task), task_id == self._cursor_id)

    def _heading(self) -> Line:
        spans: list[Span] = [(" " * MARGIN, "faint")]
        for column, cells in self._columns():
            title, role = column.title, "dim"
            if column is self._sort:
                sign, role = "▾" if column.descending else "▴", "accent"
                title = f"{title}{sign}" if cells > len(title) else sign
            spans.append(((right if column.numeric else left)(title, cells), role))
            spans.append((" ", "text"))
        return tuple(spans)

    def _line(self, frame: Frame, task: TaskState) -> Line:
        mark = "+" if task.id in self.marked else " "
        pending = "…" if task.id in frame.pending or task.life.want else " "
        spans: list[Span] = [(mark, "accent"), (pending, "warning")]
        for column, cells in self._columns():
            text, role = column.text(frame, task, cells)
            spans += [((right if column.numeric else left)(text, cells), role), (" ", "text")]
        return tuple(spans)

    # Cursor, marks, order

    def _follow(self, frame: Frame) -> None:
        """Put the cursor on the first task that runs, and leave it there while that one runs."""
        here = frame.state.tasks.get(self._cursor_id)
        if here is None or here.status is not Status.RUNNING:
            tasks = frame.state.tasks
            row = next((i for i, task_id in enumerate(self._ids) if tasks[task_id].status is Status.RUNNING), None)
            if row is not None:
                self._go(row)
                self._show_cursor(again=True)

    def _show_cursor(self, again: bool = False) -> None:
        """Scroll as little as shows the cursor; while it moves by itself, to the middle (`again`: in any case)."""
        row = self._row()
        height = self.size.height - HEADING
        top = self.scroll_offset.y
        if height > 0 and (again or not top <= row < top + height):
            edge = row if row < top else row - height + 1
            # Forced: the scrollbar of a list that has just grown appears only with the next layout.
            self.scroll_to(y=row - height // 2 if self._following else edge, animate=False, force=True)

    def hold(self) -> None:
        """Stay on this task: the user has chosen it."""
        self._following = False

    def move_to(self, row: int) -> None:
        """Put the cursor on a row, for the user."""
        self.hold()
        self._go(row)

    def _go(self, row: int) -> None:
        if not self._ids:
            return
        task_id = self._ids[min(max(row, 0), len(self._ids) - 1)]
        if task_id == self._cursor_id:
            return
        for moved in (self._row(), self._ids.index(task_id)):
            self.refresh_row(moved + HEADING - self.scroll_offset.y)
        self._cursor_id = task_id
        self._show_cursor()
        self.post_message(self.Moved())

    def action_down(self) -> None:
        """Move to the next task."""
        self.move_to(self._row() + 1)

    def action_up(self) -> None:
        """Move to the task before."""
        self.move_to(self._row() - 1)

    def action_top(self) -> None:
        """Move to the first task."""
        self.move_to(0)

    def action_bottom(self) -> None:
        """Move to the last task."""
        self.move_to(len(self._ids) - 1)

    def action_page_down(self) -> None:
        """Move a page down."""
        self.move_to(self._row() + max(self.size.height - HEADING - 1, 1))

    def action_page_up(self) -> None:
        """Move a page up."""
        self.move_to(self._row() - max(self.size.height - HEADING - 1, 1))

    def action_open(self) -> None:
        """Ask for the details of the task under the cursor."""
        if self._cursor_id:
            self.hold()
            self.post_message(self.Opened(self._cursor_id))

    def action_mark(self) -> None:
        """Mark the task for actions on several, or unmark it; go on to the next."""
        if self._cursor_id:
            self.marked ^= {self._cursor_id}
            self._label()
            self.refresh_row(self._row() + HEADING - self.scroll_offset.y)
            self.move_to(self._row() + 1)

    def unmark(self) -> None:
        """Remove all marks."""
        if self.marked:
            self.marked.clear()
            self._label()
            self.refresh()

    def action_sort(self, step: int) -> None:
        """Sort by the next column, or the one before; one before the first is the campaign's own order."""
        shown = [column for column, _ in self._columns()]
        orders = [None, *(column for column in COLUMNS if column in shown or column is self._sort)]
        self._sort = orders[(orders.index(self._sort) + step) % len(orders)]
        self._arrange()
        self._show_cursor()
        self.refresh()

    def on_resize(self) -> None:
        """Other columns may fit."""
        self._drawn.clear()
        self._show_cursor(again=self._following)
        super().on_resize()

    def on_click(self, event: Click) -> None:
        """Select; a second click opens the details."""
        task_id = self._id_at(event.get_content_offset_capture(self).y)
        if task_id and task_id == self._cursor_id and event.chain > 1:
            self.action_open()
        elif task_id:
            self.move_to(self._ids.index(task_id))
