"""The screen that one looks at all night."""

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus, Resize
from textual.widget import Widget
from textual.widgets import Input

from cqltui.state.model import TaskState
from cqltui.ui.control import Control
from cqltui.ui.feeds import Feeds
from cqltui.ui.frame import Chosen, Frame
from cqltui.ui.layout import Layout, main_layout
from cqltui.ui.line import Line
from cqltui.ui.panels.banner import Banner
from cqltui.ui.panels.curves import CurvesPanel
from cqltui.ui.panels.evaluation import EvaluationPanel
from cqltui.ui.panels.events import EventsPanel
from cqltui.ui.panels.hardware import HardwarePanel
from cqltui.ui.panels.header import Header
from cqltui.ui.panels.keys import KeyLine
from cqltui.ui.panels.log import LogPanel
from cqltui.ui.panels.panel import Panel
from cqltui.ui.panels.phases import PhasesPanel
from cqltui.ui.panels.queue import QueuePanel
from cqltui.ui.panels.tabs import TabLine
from cqltui.ui.panels.tasks import TaskTable
from cqltui.ui.panels.timeline import TimelinePanel
from cqltui.ui.screens.details import DetailsScreen
from cqltui.ui.screens.tasks import TaskScreen

TABS = {
    "tasks": "Tasks", "curves": "Curves", "timeline": "Timeline", "log": "Log",
    "evaluation": "Evaluation", "hardware": "Hardware", "events": "Events",
}  # fmt: skip
"""Panel id -> name, in the order of Tab."""
SIDE = frozenset({"timeline", "evaluation", "hardware", "events"})
"""Panels that stand one below the other beside the task list."""


class MainScreen(TaskScreen):
    """All panels on a large terminal; phases and one panel at a time on a small one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Before any widget gets the key, or what is typed in the same moment would still go to the task list.
        Binding("slash", "filter", "Filter", priority=True),
        Binding("tab", "panel(1)", "Next panel", show=False),
        Binding("shift+tab", "panel(-1)", "Previous panel", show=False),
        Binding("escape", "clear", "Clear", show=False),
    ]

    def __init__(self, control: Control, feeds: Feeds) -> None:
        super().__init__(control)
        self._feeds = feeds
        self._current = "tasks"
        self._layout: Layout | None = None

    def compose(self) -> ComposeResult:
        """Yield all panels; their places are in app.tcss."""
        yield Header("header")
        yield Banner("banner")
        with Horizontal(id="top"):
            yield PhasesPanel("phases", "Phases")
            yield QueuePanel("queue", "Queue")
        yield TabLine("tabs")
        with Horizontal(id="body"):
            with Vertical(id="main"):
                yield TaskTable("tasks", "Tasks")
                with Horizontal(id="bottom"):
                    yield LogPanel("log", "Log", self._feeds.log)
                    yield CurvesPanel("curves", "Loss")
            with Vertical(id="side"):
                yield TimelinePanel("timeline", "Timeline")
                yield EvaluationPanel("evaluation", "Evaluation")
                yield HardwarePanel("hardware", "Hardware")
                yield EventsPanel("events", "Events")
        yield Input(placeholder="id, title, phase or state", id="filter", select_on_focus=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin in the task list."""
        self.tasks.focus()

    @property
    def tasks(self) -> TaskTable:
        """The task list."""
        return self.query_one(TaskTable)

    # Layout

    def on_resize(self, event: Resize) -> None:
        """Choose between all panels and one at a time."""
        self._lay_out()
        self.call_after_refresh(self._again)

    def _again(self) -> None:
        """Panels know their sizes only after the layout."""
        if self.frame is not None:
            self.show(self.frame)

    def _wanted_layout(self) -> Layout:
        campaign = self.frame.state.campaign if self.frame else None
        phases, workers = (len(campaign.phases), campaign.workers) if campaign else (0, 0)
        return main_layout(*self.size, phases, workers)

    def _lay_out(self) -> None:
        self._layout = layout = self._wanted_layout()
        small = layout.small
        for widget in (self, self.query_one(PhasesPanel)):
            widget.set_class(small, "-small")
        for name in TABS:
            seen = name != "events" or layout.events > 0
            self.query_one(f"#{name}", Widget).display = seen if not small else name == self._current
        self.query_one("#bottom").display = not small or self._current in {"log", "curves"}
        self.query_one("#main").display = not small or self._current in {"tasks", "log", "curves"}
        self.query_one("#side").display = not small or self._current in SIDE
        self.query_one("#top").display = layout.top > 0
        self.query_one(QueuePanel).display = layout.queue > 0
        rows = {"#top": layout.top, "#bottom": layout.bottom}
        rows |= {"#timeline": layout.timeline, "#evaluation": layout.evaluation}
        rows |= {"#hardware": layout.hardware, "#events": layout.events}
        for selector, height in rows.items():
            self.query_one(selector).styles.height = height or "1fr"
        for selector, width in (("#queue", layout.queue), ("#side", layout.side)):
            self.query_one(selector).styles.width = width or "1fr"
        if small:
            self.query_one(TabLine).show_tabs(TABS, self._current)

    def action_panel(self, step: int) -> None:
        """Give the keys to another panel, and show it where only one is seen."""
        layout = self._wanted_layout()
        names = [name for name in TABS if layout.small or layout.events or name != "events"]
        self._current = names[(names.index(self._current) + step) % len(names)]
        self._lay_out()
        self.query_one(f"#{self._current}", Widget).focus()
        self.call_after_refresh(self._again)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Give the keys to a panel that is clicked too."""
        if event.widget.id in TABS:
            self._current = event.widget.id

    # Drawing

    def draw(self, frame: Frame) -> None:
        """Draw what differs, in the panels that are seen."""
        if self._wanted_layout() != self._layout:
            self._lay_out()
        self.query_one(Banner).show(frame)
        self.tasks.show_empty(_empty_lines(frame))
        self.tasks.show(frame)
        self._draw_panels(frame)

    def _draw_panels(self, frame: Frame) -> None:
        """Draw what differs in all panels but the task list, which says what they look at."""
        frame = replace(frame, chosen=self._chosen())
        for panel in self.query(Panel):
            if panel.display and panel.size and not isinstance(panel, TaskTable | Banner):
                panel.follow(frame)

    def _chosen(self) -> Chosen:
        tasks, hardware = self.tasks, self.query_one(HardwarePanel)
        marked = tuple(i for i in tasks.ids if i in tasks.marked) if tasks.marked else ()
        return Chosen(tasks.cursor_id, marked, worker=hardware.worker_id if hardware.has_focus else "")

    # Selection

    def targets(self) -> tuple[TaskState, ...]:
        """Return the marked tasks, else the one under the cursor."""
        if self.frame is None:
            return ()
        self.tasks.hold()
        known = self.frame.state.tasks
        ids = [i for i in self.tasks.ids if i in self.tasks.marked] or [self.tasks.cursor_id]
        return tuple(known[i] for i in ids if i in known)

    def acted(self) -> None:
        """Remove the marks: what was marked was meant for this."""
        self.tasks.unmark()

    @on(TaskTable.Moved)
    @on(HardwarePanel.Moved)
    def _moved(self) -> None:
        if self.frame is not None:
            self._draw_panels(self.frame)

    @on(TaskTable.Opened)
    def _opened(self, event: TaskTable.Opened) -> None:
        if self.frame is not None:
            details = DetailsScreen(self.control, self._feeds, event.task_id, self.frame, self.tasks.ids)
            self.app.push_screen(details, lambda _: self._looked_at(details.task_id))

    def _looked_at(self, task_id: str) -> None:
        """Put the cursor on the task that was looked at last."""
        ids = self.tasks.ids
        if task_id in ids:
            self.tasks.move_to(ids.index(task_id))

    # Filter

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the filter these keys are letters like any other."""
        if action in {"filter", "priority"} and isinstance(self.focused, Input):
            return False
        if action == "filter" and isinstance(self.focused, LogPanel):  # which searches by this key
            return False
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        """Type to filter."""
        field = self.query_one("#filter", Input)
        field.display = True
        self.set_focus(field)  # not field.focus(), which comes after the keys that are waiting

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self.tasks.set_filter(event.value)

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        field = self.query_one("#filter", Input)
        field.display = False
        self._current = "tasks"
        self._lay_out()
        self.tasks.focus()

    def action_clear(self) -> None:
        """Remove the filter, else the marks."""
        field = self.query_one("#filter", Input)
        if field.display or field.value:
            field.value = ""
            self._filter_done()
        else:
            self.tasks.unmark()


def _empty_lines(frame: Frame) -> tuple[Line, ...]:
    """Return what happens next, while there are no tasks."""
    texts: tuple[str, ...]
    if frame.waiting:
        texts = (frame.waiting, "", "The run goes on without this screen: leave with q at any time.")
    elif frame.state.online:
        texts = (
            "No tasks yet.",
            "",
            "The supervisor reads the campaign and the data and fills the queue;",
            "workers start and take tasks, the highest priority first.",
            "Leave with q at any time: the run goes on.",
        )
    else:
        texts = (
            "Connecting to the server.",
            "",
            "It is started with the campaign and answers within seconds.",
            "If it does not, cqltui doctor tells why.",
        )
    first, *rest = texts
    return (((f"   {first}", "strong"),), *(((f"   {text}", "dim"),) for text in rest))
