"""Everything about one task."""

from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace
from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantFocus, Resize
from textual.widget import Widget

from cqltui.errors import CqltuiError
from cqltui.state.model import TaskState
from cqltui.state.plain import plain
from cqltui.state.record import TaskRecord, TaskSubject
from cqltui.ui.active import key_of
from cqltui.ui.control import Control
from cqltui.ui.details.failure import has_failed
from cqltui.ui.details.files import file_lines
from cqltui.ui.details.phase import phase_lines, phase_of, verdict_lines
from cqltui.ui.details.task import task_lines
from cqltui.ui.feeds import Feeds
from cqltui.ui.frame import Chosen, Frame
from cqltui.ui.layout import details_layout
from cqltui.ui.line import clip
from cqltui.ui.messages import StateChanged
from cqltui.ui.panels.curves import CurvesPanel
from cqltui.ui.panels.header import Header
from cqltui.ui.panels.keys import KeyLine
from cqltui.ui.panels.log import LogPanel
from cqltui.ui.panels.parts import PartLine
from cqltui.ui.panels.view import LineView
from cqltui.ui.screens.tasks import TaskScreen

PARTS = {"fields": "Task", "curves": "Curve", "log": "Log", "files": "Files", "about": "Phase"}
"""Part id -> name, in the order of Tab."""
LOW = frozenset({"files", "about"})
TITLE = 7
"""Cells of the title's frame and separator."""
LEAST_CELLS = 20
"""Lines are made for at least so many."""


class DetailsScreen(TaskScreen):
    """A task's fields, its failure first; its curve, log and files, and what its phase is to find out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=True, id="details.back", tooltip="Go back to the list"),
        Binding("J", "go(1)", "Next", key_display="J/K", id="details.next", tooltip="Show the next task as listed"),
        Binding("K", "go(-1)", "Previous", show=False, id="details.previous", tooltip="Show the task listed before"),
        Binding("tab", "part(1)", "Next part", show=False, id="details.next_part", tooltip="Go to the next part"),
        Binding(
            "shift+tab", "part(-1)", "Previous part", show=False, id="details.previous_part",
            tooltip="Go to the part before",
        ),
        Binding(
            "underscore", "zoom", "Zoom", show=False, id="details.zoom",
            tooltip="Give the whole screen to the part that has the keys, and take it back",
        ),
    ]  # fmt: skip

    def __init__(self, control: Control, feeds: Feeds, task_id: str, frame: Frame, ids: Sequence[str] = ()) -> None:
        """`ids`: the tasks as they are listed, between which J and K go."""
        super().__init__(control)
        self._feeds, self._ids = feeds, tuple(ids)
        self.task_id = task_id
        """The task that is shown."""
        self.frame = frame
        self._current = "fields"
        self._zoomed = self._failed = False
        self._record: TaskRecord | None = None

    def compose(self) -> ComposeResult:
        """Yield all parts; their places are in app.tcss."""
        yield Header("header")
        yield PartLine("parts", PARTS)
        with Horizontal(id="detail-body"):
            yield LineView("fields", "Task")
            with Vertical(id="detail-side"):
                yield CurvesPanel("curves", "Curves", self._feeds.curves)
                yield LogPanel("log", "Log", self._feeds.details_log)
                with Horizontal(id="detail-low"):
                    yield LineView("files", "Files")
                    yield LineView("about", "Phase")
        yield KeyLine()

    def on_mount(self) -> None:
        """Scroll the fields, and read what was read for another screen of this kind."""
        self._feeds.details_log.forget()
        self._feeds.details_record.forget()
        self.query_one("#fields").focus()

    # Layout

    def on_resize(self, event: Resize) -> None:
        """Choose between all parts and one at a time."""
        self._lay_out()
        self.call_after_refresh(self._again)

    def _again(self) -> None:
        if self.frame is not None:
            self.show(self.frame)

    def _lay_out(self) -> None:
        layout = details_layout(*self.size)
        single = layout.small or self._zoomed
        # Of a task that has failed the reason is what one wants to see.
        curve = 0 if self._zoomed or (single and self._failed) else layout.curve
        self.set_class(single, "-small")
        current = self._current
        above = single and current == "fields" and curve > 0
        for name in PARTS:
            seen = not single or name == current or (above and name == "curves")
            self.query_one(f"#{name}", Widget).display = seen
        side, low, fields, curves = (
            self.query_one(name, Widget) for name in ("#detail-side", "#detail-low", "#fields", "#curves")
        )
        side.display = not single or current != "fields" or above
        low.display = not single or current in LOW
        low.set_class(layout.stacked, "-stacked")
        low.styles.height = "1fr" if single else layout.low
        side.styles.dock = "top" if above else "none"
        side.styles.height = curve if above else "1fr"
        fields.styles.width = "1fr" if single else layout.fields
        curves.styles.height = "1fr" if single else curve
        self.query_one(PartLine).mark(current, self.size.width)

    def action_part(self, step: int) -> None:
        """Give the keys to another part, and show it where only one is seen."""
        names = list(PARTS)
        self._go_to(names[(names.index(self._current) + step) % len(names)])

    @on(PartLine.Chosen)
    def _part_chosen(self, event: PartLine.Chosen) -> None:
        self._go_to(event.name)

    def _go_to(self, part: str) -> None:
        self._current = part
        self._lay_out()
        self.query_one(f"#{self._current}", Widget).focus()
        self.call_after_refresh(self._again)

    def action_zoom(self) -> None:
        """Show the part that has the keys alone, or all again."""
        self._zoomed = not self._zoomed
        self._lay_out()
        self.call_after_refresh(self._again)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Give the keys to a part that is clicked too."""
        if event.widget.id in PARTS:
            self._current = event.widget.id

    # Which task

    @property
    def seen(self) -> tuple[str, ...]:
        """The task."""
        return (self.task_id,)

    def targets(self) -> tuple[TaskState, ...]:
        """Return the task."""
        task = self.frame.state.tasks.get(self.task_id) if self.frame else None
        return (task,) if task else ()

    def action_back(self) -> None:
        """Go back to the list."""
        self.dismiss(None)

    def action_go(self, step: int) -> None:
        """Show the next task as listed, or the one before."""
        known = self.frame.state.tasks if self.frame else {}
        ids = [task_id for task_id in self._ids if task_id in known]
        if self.task_id not in ids:
            return
        place = ids.index(self.task_id) + step
        if 0 <= place < len(ids):
            self.task_id, self._record = ids[place], None
            self.query_one("#log", LogPanel).last_worker = ""
            for part in self.query(LineView):
                if part.id in {"fields", "files", "about"}:
                    part.scroll_home(animate=False)
            self._again()

    # Drawing

    def draw(self, frame: Frame) -> None:
        """Draw what differs, in the parts that are seen."""
        task = frame.state.tasks.get(self.task_id)
        if task is None:
            return
        if self._failed != has_failed(task):
            self._failed = not self._failed
            self._lay_out()
        self.query_one(Header).show(frame)
        self._read(frame, task)
        log = self.query_one("#log", LogPanel)
        if self._record is not None and self._record.attempts:
            log.last_worker = self._record.attempts[-1].worker
        chosen = replace(frame, chosen=Chosen(task.id))
        # The log is read though it be hidden: the end of it stands among the fields of a task that has failed.
        log.follow(chosen)
        curves = self.query_one(CurvesPanel)
        if curves.display and curves.size:
            curves.follow(chosen)
        self._draw_fields(frame, task, log.texts)
        files = self.query_one("#files", LineView)
        files.set_lines(file_lines(self._record, frame.now, max(files.cells, LEAST_CELLS)))
        self._draw_phase(frame, task)

    def on_log_panel_read(self) -> None:
        """Show the end of the log among the fields now, and not with the next frame."""
        self._again()

    def _read(self, frame: Frame, task: TaskState) -> None:
        """Have the task's files looked at, if that is due."""
        subject = TaskSubject(task.id, task.info.phase, task.info.algorithm)

        def read(record: TaskRecord) -> None:
            if self.task_id == subject.task_id and record != self._record:
                self._record = record
                self.app.post_message(StateChanged())

        def failed(error: CqltuiError) -> None:
            read(TaskRecord(troubles=(str(error),)))

        self._feeds.details_record.follow(subject, task, frame.now, read, failed)

    def _draw_fields(self, frame: Frame, task: TaskState, logged: Sequence[str]) -> None:
        fields = self.query_one("#fields", LineView)
        place = f" · {self._ids.index(task.id) + 1} of {len(self._ids)}" if task.id in self._ids else ""
        cells = max(fields.cells, LEAST_CELLS)
        name = plain(task.id, 16)
        _name(fields, f"{name} · {clip(plain(task.info.title, 60), cells - cell_len(name + place) - TITLE)}{place}")
        again = key_of(self, "resubmit") if has_failed(task) else ""
        fields.set_lines(task_lines(frame, task, self._record, cells, logged=logged, again=again))

    def _draw_phase(self, frame: Frame, task: TaskState) -> None:
        about = self.query_one("#about", LineView)
        phase, cells = phase_of(frame.state, task), max(about.cells, LEAST_CELLS)
        lines = verdict_lines(frame.state, task, self._record, cells)
        if lines:
            lines = [(("Criteria", "title"),), *lines]
        if phase is not None:
            _name(about, plain(phase.title or phase.name))
            lines += phase_lines(phase, cells)
        about.set_lines(lines or [(("Its phase is not known.", "dim"),)])


def _name(part: LineView, title: str) -> None:
    if part.border_title != Content(title).markup:
        part.border_title = Content(title)
