"""The details of the task under the cursor of the list, beside it."""

from asyncio import TimerHandle, get_running_loop
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from cqltui.errors import CqltuiError
from cqltui.later import Later
from cqltui.state.model import ENDED, TaskState
from cqltui.state.plain import plain
from cqltui.ui.active import key_of
from cqltui.ui.frame import Frame
from cqltui.ui.line import clip, width
from cqltui.ui.panels.panel import Panel
from cqltui.ui.reading import Reading

if TYPE_CHECKING:
    from cqltui.state import record
    from cqltui.state.record import TaskRecord, TaskSubject
    from cqltui.ui.details import failure, task
else:
    record = Later("cqltui.state.record")
    failure, task = Later("cqltui.ui.details.failure"), Later("cqltui.ui.details.task")

REST_S = 0.15
"""So long the cursor has to stay on a task: while it runs through the list, no file is read and nothing drawn."""
LEAST_CELLS = 20
"""Lines are made for at least so many."""
ID_CELLS, TITLE = 8, 13
"""Cells of a task's id, which the cursor shows too, and of what stands in the frame beside it and the task's title."""


class DetailsPanel(Panel):
    """What the details begin with, of the task on which the cursor rests."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Details", id="details.open", tooltip="Show all of the task's details"),
    ]

    def __init__(self, id: str, title: str, reading: "Reading[TaskSubject, TaskRecord]") -> None:
        super().__init__(id, title)
        self._heading, self._reading = title, reading
        self._frame: Frame | None = None
        self._wanted: str | None = None
        """The task under the cursor; empty if there is none, None while nobody has said."""
        self._shown: str | None = None
        """The task that is drawn."""
        self._record: TaskRecord | None = None
        self._rest: TimerHandle | None = None

    @property
    def waits(self) -> bool:
        """Whether the cursor has not rested yet."""
        return self._rest is not None

    def on_unmount(self) -> None:
        """Wait no more."""
        if self._rest is not None:
            self._rest.cancel()

    def follow(self, frame: Frame) -> None:
        """Show the task once the cursor has rested on it, and from then on what is new of it."""
        self._frame = frame
        if frame.chosen.cursor != self._wanted:
            self._wanted = frame.chosen.cursor
            if self._rest is not None:
                self._rest.cancel()
            # By the loop: a timer of Textual's that is this short may never be called (see `CqltuiApp._later`).
            self._rest = get_running_loop().call_later(REST_S, self.call_later, self._rested)
        elif self._shown == self._wanted:
            super().follow(frame)

    def _rested(self) -> None:
        """Read the files of the task, and show it when that is done: else settings would look different for a moment,
        whose defaults the files tell."""
        self._rest = None
        if (frame := self._frame) is None:
            return
        self._reading.forget()
        if (found := frame.task) is None:
            self._take(self._wanted, None)
        else:
            self._read(frame, found)

    def _read(self, frame: Frame, found: TaskState) -> None:
        """Have the task's files looked at, if that is due."""
        subject = record.TaskSubject(found.id, found.info.phase, found.info.algorithm)

        def read(told: "TaskRecord") -> None:
            self._take(subject.task_id, told)

        def failed(error: CqltuiError) -> None:
            read(record.TaskRecord(troubles=(str(error),)))

        self._reading.follow(subject, found, frame.now, read, failed)

    def _take(self, task_id: str | None, told: "TaskRecord | None") -> None:
        """Show this task, unless the cursor has gone on."""
        if task_id != self._wanted or self._frame is None or not self.is_attached:
            return
        if self._shown != task_id:
            self._shown, self._record = task_id, None
            self.scroll_home(animate=False)
        if told != self._record:  # else the lines stay as they are
            self._record = told
        super().follow(self._frame)

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return the task and what is told of it; while it has not ended also what changes with the time."""
        found = frame.task
        if found is None:
            return (None,)
        fixed = (found, self._record, frame.pending.get(found.id, ""), frame.state.online, frame.state.notices)
        return fixed if found.status in ENDED else (*fixed, frame.estimate, int(frame.now))

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        found, cells = frame.task, max(self.cells, LEAST_CELLS)
        if found is None:
            self.head(self._heading)
            self.set_lines([(("No task is chosen.", "dim"),)])
            return
        self._read(frame, found)
        name, known = plain(found.info.title, 60), plain(found.id)[:ID_CELLS]
        if width(((name, ""),)) + TITLE + ID_CELLS <= cells:
            name = f"{known} · {name}"
        self.head(f"{self._heading} · {clip(name or known, max(cells - TITLE, ID_CELLS))}")
        again = key_of(self.screen, "resubmit") if failure.has_failed(found) else ""
        self.set_lines(task.task_lines(frame, found, self._record, cells, again=again))

    def action_open(self) -> None:
        """Ask for all details of the task that is shown."""
        if self._shown:
            self.post_message(self.TaskOpened(self._shown))
