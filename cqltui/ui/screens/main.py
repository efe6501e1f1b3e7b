"""The screen that one looks at all night."""

import time
from collections import deque
from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widgets import Input

from cqltui.later import Later
from cqltui.state.counting import tally
from cqltui.state.model import TaskState
from cqltui.state.plain import plain
from cqltui.ui.control import Control
from cqltui.ui.feeds import Feeds
from cqltui.ui.frame import Chosen, Frame
from cqltui.ui.layout import HEADER, Counts, header_rows
from cqltui.ui.line import Line
from cqltui.ui.memory import Memory
from cqltui.ui.panels.banner import Banner
from cqltui.ui.panels.body import Body
from cqltui.ui.panels.filterline import FilterLine
from cqltui.ui.panels.header import Header
from cqltui.ui.panels.keys import KeyLine
from cqltui.ui.panels.pages import Turn
from cqltui.ui.panels.panel import Panel
from cqltui.ui.panels.phases import PhasesPanel
from cqltui.ui.panels.queue import QueuePanel
from cqltui.ui.panels.tabs import TabLine
from cqltui.ui.panels.tasks import TaskTable
from cqltui.ui.panels.wordsline import WordsLine
from cqltui.ui.screens.tasks import TaskScreen

if TYPE_CHECKING:
    from cqltui.ui.panels import events, others
    from cqltui.ui.screens import columns, details, fleet
else:
    events, others = Later("cqltui.ui.panels.events"), Later("cqltui.ui.panels.others")
    columns, details = Later("cqltui.ui.screens.columns"), Later("cqltui.ui.screens.details")
    fleet = Later("cqltui.ui.screens.fleet")

DRAW_S = 0.004
"""So long panels are drawn before a key may come between them."""
FIRST = frozenset({"phases", "tasks"})
"""Panels of the first frame that may have the keys."""
MOST_PLANNED = 100
"""Tasks of a new run that are listed before there is a queue: no screen has more rows."""


class MainScreen(TaskScreen):
    """All panels on a large terminal; phases and one panel at a time on a small one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Before any widget gets the key, or what is typed in the same moment would still go to the task list.
        Binding(
            "slash", "filter", "Filter", priority=True, id="main.filter", tooltip="Filter the tasks, or the events"
        ),
        Binding("escape", "clear", "Clear", show=False, id="main.clear", tooltip="Remove the filter, else the marks"),
        Binding("F", "fleet", "Fleet", show=False, id="main.fleet", tooltip="Show all workers, by machine and block"),
        # In the filter; elsewhere these are the panels'.
        Binding("tab,shift+tab", "list", "List", show=False, id="main.list", tooltip="Leave the filter for the list"),
    ]

    def __init__(self, control: Control, feeds: Feeds, memory: Memory, turn: Turn) -> None:
        super().__init__(control)
        self._feeds, self._memory, self._turn = feeds, memory, turn
        self.complete = False
        """Whether all panels are there."""
        self._behind = False
        """Whether the panels beside the task list still show what was chosen before."""
        self._next: Frame | None = None
        self._to_draw: deque[Panel] = deque()
        """The panels that have this frame before them."""

    def compose(self) -> ComposeResult:
        """Yield the panels of the first frame; their places are in layout.py."""
        self.complete = self._memory.now.tab not in FIRST
        yield Header("header")
        yield Banner("banner")
        yield Body(
            self._memory,
            PhasesPanel("phases", "Phases"),
            QueuePanel("queue", "Queue"),
            TabLine("tabs"),
            TaskTable("tasks", "Tasks", self._turn),
            *(others.other_panels(self._feeds) if self.complete else ()),
        )
        yield FilterLine(self._memory.now.filters)
        yield WordsLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """List the tasks as the last time."""
        kept = self._memory.now
        self.tasks.sort_by(kept.sort, kept.inverted)
        self.tasks.choose_columns(kept.columns)

    async def fill(self) -> None:
        """Add the other panels."""
        if not self.complete and self.is_attached and self.is_running:
            await self.query_one(Body).add(*others.other_panels(self._feeds))
            self.complete = True

    @property
    def busy(self) -> bool:
        """Whether panels are still to come, or to follow, or one waits for the cursor to rest."""
        return not self.complete or self._behind or bool(self._to_draw) or any(panel.waits for panel in self._panels)

    @property
    def has_room(self) -> bool:
        """Whether its panels have their sizes; there are none while it is made or taken down."""
        return self.is_mounted and any(isinstance(one, Body) and one.size for one in self.children)

    @property
    def _panels(self) -> Iterator[Panel]:
        """All panels: they stand in the body, or above and below it."""
        for child in self.children:
            for one in child.children if isinstance(child, Body) else (child,):
                if isinstance(one, Panel):
                    yield one

    @property
    def tasks(self) -> TaskTable:
        """The task list."""
        return self.query_one(TaskTable)

    # Layout

    def on_resize(self, event: Resize) -> None:
        """Give the header its rows."""
        self.set_class(header_rows(self.size.height) < HEADER, "-low")

    @on(Body.Arranged)
    def _arranged(self) -> None:
        self.query_one(PhasesPanel).tells_depth = not self.query_one(QueuePanel).display
        self.call_after_refresh(self._again)

    def _again(self) -> None:
        """Panels know their sizes only after the layout."""
        if self.frame is not None:
            self.show(self.frame)

    # Drawing

    def draw(self, frame: Frame) -> None:
        """Draw what differs, in the panels that are seen."""
        state, campaign = frame.state, frame.state.campaign
        tasks = len(state.tasks) if state.page is None else sum(tally(state).states.values())
        self.query_one(Body).give(Counts(len(campaign.phases), campaign.workers, tasks))
        self.query_one(Banner).show(frame)
        self.tasks.show_empty(_empty_lines(frame))
        self.tasks.show(frame)
        self._follow(frame)
        self._draw_some()

    def _follow(self, frame: Frame) -> None:
        """Have all panels draw this frame next, but the task list, which says what they look at."""
        self._behind = False
        self._next = replace(frame, chosen=self._chosen())
        self._to_draw = deque(panel for panel in self._panels if not isinstance(panel, TaskTable | Banner))

    def _draw_some(self, seconds: float = DRAW_S) -> None:
        """Draw what differs in panels for so long, and in the rest after what waits, as a key."""
        until = time.monotonic() + seconds
        while self._to_draw and self._next is not None:
            panel = self._to_draw.popleft()
            if panel.is_attached and panel.display and panel.size:
                panel.follow(self._next)
            if self._to_draw and time.monotonic() > until:
                self.call_later(self._draw_some)
                return

    def _chosen(self) -> Chosen:
        focused = self.focused
        return replace(self.tasks.chosen, worker=focused.worker_id if isinstance(focused, Panel) else "")

    def _has_keys(self, panel: str) -> bool:
        return self.focused is not None and self.focused.id == panel

    # Selection

    @property
    def seen(self) -> tuple[str, ...]:
        """The tasks whose rows are seen, and those whose curves are drawn."""
        return *self.tasks.seen, *self.tasks.targets

    def targets(self) -> tuple[TaskState, ...]:
        """Return the marked tasks, else those of the row under the cursor."""
        if self.frame is None:
            return ()
        self.tasks.hold()
        known = self.frame.state.tasks
        return tuple(known[i] for i in self.tasks.targets if i in known)

    def acted(self) -> None:
        """Remove the marks: what was marked was meant for this."""
        self.tasks.unmark()

    @on(Panel.Moved)
    def _moved(self) -> None:
        """Have the other panels follow once the cursor is seen where it is now."""
        self._behind = True
        self.call_after_refresh(self.catch_up)

    def catch_up(self) -> None:
        """Have the panels show what is chosen, if they do not yet."""
        if self._behind and self.frame is not None:
            self._follow(self.frame)
            self._draw_some(inf)
        self._behind = False

    @on(Panel.TaskOpened)
    def _opened(self, event: Panel.TaskOpened) -> None:
        if self.frame is not None and self.app.screen is self:  # else it has just been opened
            screen = details.DetailsScreen(self.control, self._feeds, event.task_id, self.frame, self.tasks.ids)
            self.app.push_screen(screen, lambda _: self._looked_at(screen.task_id))

    def _looked_at(self, task_id: str) -> None:
        """Put the cursor on the task that was looked at last."""
        ids = self.tasks.ids
        if task_id in ids:
            self.tasks.move_to(ids.index(task_id))

    def action_fleet(self) -> None:
        """Show all workers."""
        if self.frame is not None:
            self.app.push_screen(fleet.FleetScreen(self._feeds, self.frame))

    # Filter

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the filter these keys are letters like any other."""
        if action in {"filter", "priority"} and isinstance(self.focused, Input):
            return False
        if action == "filter" and self._has_keys("log"):  # which searches by this key
            return False
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        """Type to filter: the events while they have the keys, else the tasks."""
        line = self.query_one(WordsLine) if self._has_keys("events") else self.query_one(FilterLine)
        line.open()
        self.set_focus(line.field)  # not field.focus(), which comes after the keys that are waiting

    @on(FilterLine.Wanted)
    def _filter_changed(self, event: FilterLine.Wanted) -> None:
        self.tasks.set_filter(event.filter)

    @on(FilterLine.Closed)
    def _filter_done(self) -> None:
        self._memory.put(replace(self._memory.now, filters=self.query_one(FilterLine).history))
        self.query_one(Body).go_to("tasks")

    @on(WordsLine.Wanted)
    def _words_changed(self, event: WordsLine.Wanted) -> None:
        self.query_one(events.EventsPanel).set_words(event.words)

    @on(WordsLine.Closed)
    def _words_done(self) -> None:
        self.query_one(Body).go_to("events")

    def action_list(self) -> None:
        """Leave the filter for the list."""
        words = self.query_one(WordsLine)
        if words.display:
            words.close()
        else:
            self.query_one(FilterLine).close()

    @on(PhasesPanel.Opened)
    def _phase_opened(self, event: PhasesPanel.Opened) -> None:
        self.query_one(FilterLine).field.value = f'phase="{event.phase}"'
        self.query_one(Body).go_to("tasks")

    def action_clear(self) -> None:
        """Remove the filter of the events if these have the keys; else end the range of marks, else remove the filter,
        else the marks."""
        words = self.query_one(WordsLine)
        if (words.display or self._has_keys("events")) and words.clear():
            return
        if not (self.tasks.end_range() or self.query_one(FilterLine).clear()):
            self.tasks.unmark()

    # Columns

    @on(TaskTable.ColumnsWanted)
    def _choose_columns(self) -> None:
        self.app.push_screen(columns.ColumnChooser(self.tasks.offered()), self.tasks.columns_chosen)

    @on(TaskTable.Arranged)
    def _tasks_arranged(self) -> None:
        tasks, now = self.tasks, self._memory.now
        arranged = replace(now, sort=tasks.sort_name, inverted=tasks.inverted, columns=tasks.chosen_columns)
        self._memory.put(arranged)


def _empty_lines(frame: Frame) -> tuple[Line, ...]:
    """Return what happens next, while there are no tasks."""
    texts: tuple[str, ...]
    if frame.waiting:
        texts = (frame.waiting, "", "The run goes on without this screen: leave with q at any time.")
    elif tally(frame.state).summed:
        count = sum(tally(frame.state).states.values())
        texts = (f"{count:,} tasks are being read.", "", "Header, phases and queue show them already.")
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
    planned = frame.planned[:MOST_PLANNED]
    if planned:
        rest += ["", f"{len(frame.planned):,} task{'s' * (len(frame.planned) != 1)} planned, in this order:"]
    return (
        ((f"   {first}", "strong"),),
        *(((f"   {text}", "dim"),) for text in rest),
        *(((f"   ◦ {plain(text, 200)}", "text"),) for text in planned),
    )
