"""Who trains what and when, a lane a worker; or the milestones with their clock times."""

from typing import ClassVar

from msgspec.structs import replace
from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown, MouseScrollLeft, MouseScrollRight, MouseScrollUp

from cqltui.state import select
from cqltui.state.lanes import Block, Lanes
from cqltui.state.plain import plain
from cqltui.state.select import Milestone
from cqltui.ui import format as fmt
from cqltui.ui.feeds import Moment
from cqltui.ui.frame import Frame
from cqltui.ui.lanelines import View, block_at, lane_lines, lane_rows, whole
from cqltui.ui.line import Line, clip, right, wrapped
from cqltui.ui.panels.panel import Panel
from cqltui.ui.reading import Reading

MARKS = {"launch": ("▸", "▹"), "task": ("•", "◦"), "phase": ("■", "□"), "finish": ("◆", "◇")}
LANES_CELLS, LANES_ROWS = 36, 5
"""Less is a list, unless one asks."""
MANY, MANY_S = 1_000, 5.0
"""More tasks than these are placed anew so often only."""
ZOOM = 1.5
PART = 0.25
"""Of the width that a key scrolls."""
IN_LANES = frozenset({"zoom", "scroll", "step", "now", "whole", "open"})
EMPTY = "A lane for each worker, once one has had a task."


class TimelinePanel(Panel):
    """Lanes: what each worker trained, trains, and is planned to. List: launch, the end of each task and phase, the
    finish. Estimates bear a ~."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "switch", "Lanes or list", show=False, id="timeline.switch",
                tooltip="Show a lane for each worker, or the list of milestones"),
        Binding("enter", "open", "Details", id="timeline.open",
                tooltip="Show the details of the first task of the chosen block"),
        Binding("left", "step(-1)", "Block before", show=False, id="timeline.before",
                tooltip="Choose the block before in this lane"),
        Binding("right", "step(1)", "Block after", show=False, id="timeline.after",
                tooltip="Choose the next block in this lane"),
        Binding("plus", "zoom(1)", "Zoom", key_display="+/-", id="timeline.zoom_in", tooltip="Show less time, larger"),
        Binding("minus", "zoom(-1)", "Zoom out", show=False, id="timeline.zoom_out", tooltip="Show more time"),
        Binding("shift+left,less_than_sign", "scroll(-1)", "Earlier", show=False, id="timeline.earlier",
                tooltip="Scroll to what was earlier"),
        Binding("shift+right,greater_than_sign", "scroll(1)", "Later", show=False, id="timeline.later",
                tooltip="Scroll to what comes later"),
        Binding("n", "now", "Now", id="timeline.now", tooltip="Scroll back to now"),
        Binding("f", "whole", "Whole run", show=False, id="timeline.whole", tooltip="Show the whole run"),
    ]  # fmt: skip

    def __init__(self, id: str, title: str, reading: Reading[Moment, Lanes]) -> None:
        super().__init__(id, title)
        self._reading = reading
        self._placed = False
        self._asked: bool | None = None
        """Whether lanes were asked for; None: by the size."""
        self._frame: Frame | None = None
        self._lanes = Lanes()
        self._view: View | None = None
        """None: the whole run."""
        self._chosen: tuple[str, float] | None = None
        """(worker, start) of the block under the cursor."""
        self._first = 0

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return what the lines are made from; the chosen block is seen while the panel has the keys. All of many tasks
        are placed anew now and then only: it takes longer than a draw, and moves a block by less than a cell."""
        if len(frame.state.tasks) > MANY:
            return (frame.unsupervised, bool(frame.estimate.tasks), int(frame.now / MANY_S), self.has_focus)
        return (*super().needs(frame), self.has_focus)

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        self._frame = frame
        if self.in_lanes:
            # A server that has yet to be reached is no fault of the run's.
            state = replace(frame.state, offline_since=0.0) if frame.connecting else frame.state
            moment = Moment(state, frame.estimate, frame.as_of)
            self._reading.follow(moment, moment, frame.now, self._told, lambda _: None)
            if not self._reading.busy:  # else it is drawn once that is there: a moment later, and not twice
                self._draw()
        else:
            self._show_list(frame)

    @property
    def in_lanes(self) -> bool:
        """Whether lanes are shown, and not the list."""
        large = self.cells >= LANES_CELLS and self.size.height >= LANES_ROWS
        return large if self._asked is None else self._asked

    def on_resize(self) -> None:
        """Have the footer name the keys of the lanes, or of the list: which of them is shown depends on the size."""
        super().on_resize()
        self.refresh_bindings()

    def _told(self, found: Lanes) -> None:
        self._lanes = found
        if self.in_lanes:
            self._draw()

    # The list

    def _show_list(self, frame: Frame) -> None:
        """Keep now in sight unless the user reads elsewhere."""
        cells = max(self.cells, 20)
        milestones = select.milestones(frame.state, frame.estimate, frame.now)
        clocks = [_clock(frame, milestone) for milestone in milestones]
        room = max(map(len, clocks), default=0)
        lines = [self._row(frame, m, right(clock, room), cells) for m, clock in zip(milestones, clocks, strict=True)]
        place = next((i for i, m in enumerate(milestones) if not m.reached), len(lines))
        if lines and not frame.state.finished_ts:
            stamp = f" now {fmt.clock(frame.now, frame.now)} "
            lines.insert(place, (("──" + stamp + "─" * max(cells - len(stamp) - 2, 0), "accent"),))
        if not lines:
            lines = [((text, "dim"),) for text in wrapped("Clock times of launch, tasks and phases.", cells)]
        self.set_lines(lines)
        if milestones and not (self.has_focus and self._placed):
            self._placed = True
            self.scroll_to(y=max(0, place - self.size.height // 3), animate=False, force=True)

    @staticmethod
    def _row(frame: Frame, milestone: Milestone, clock: str, cells: int) -> Line:
        reached, coming = MARKS.get(milestone.kind, ("•", "◦"))
        large = milestone.kind != "task"
        role = "strong" if large else "text" if milestone.reached else "dim"
        line: Line = (
            (clock, "text" if milestone.reached else "dim"),
            (f" {reached if milestone.reached else coming} ", "done" if milestone.reached else "dim"),
            (clip(milestone.text, cells - len(clock) - 3), role),
        )
        between = fmt.between(frame.estimate.around(milestone.ts), frame.now) if large and not milestone.reached else ""
        used = len(clock) + 3 + len(line[2][0])
        return (*line, (f"  {between}", "dim")) if between and used + 2 + len(between) <= cells else line

    # The lanes

    def _draw(self) -> None:
        frame = self._frame
        if frame is None:
            return
        found, rows = self._lanes, self.size.height
        if not found.workers:
            self.set_lines([((text, "dim"),) for text in wrapped(EMPTY, max(self.cells, 1))])
            return
        chosen = self._block() if self.has_focus else None
        if chosen is not None:
            lane, room = found.workers.index(chosen.worker), lane_rows(len(found.workers), rows, chosen=True)
            self._first = min(max(self._first, lane - room + 1), lane)
        self._first = min(
            self._first, max(0, len(found.workers) - lane_rows(len(found.workers), rows, chosen is not None))
        )
        self.set_lines(lane_lines(found, self._seen(), frame.as_of, self.cells, rows, self._title, chosen, self._first))

    def _seen(self) -> View:
        return self._view or whole(self._lanes)

    def _title(self, task_id: str) -> str:
        task = self._frame.state.tasks.get(task_id) if self._frame else None
        return plain(task.info.title or task.id, 60) if task is not None else plain(task_id, 60)

    def _block(self) -> Block | None:
        """Return the block under the cursor: until one is chosen, what runs now in the first lane that has any."""
        found = self._lanes
        worker, ts = self._chosen or ("", self._frame.as_of if self._frame else 0.0)
        if worker not in found.blocks:
            worker = next((name for name in found.workers if found.blocks.get(name)), "")
        blocks = found.blocks.get(worker, ())
        return blocks[block_at(blocks, ts)] if blocks else None

    def _choose(self, block: Block) -> None:
        self._chosen = block.worker, block.start_ts
        view = self._seen()
        if self._view is not None and not (view.shows(block.start_ts) or view.shows(block.until_ts)):
            self._view = View(block.start_ts - view.span_s / 3, view.span_s)
        self._draw()

    def _step_lane(self, step: int) -> None:
        block, found = self._block(), self._lanes
        filled = [name for name in found.workers if found.blocks.get(name)]
        if block is None:
            return
        lane = filled.index(block.worker) + step
        if 0 <= lane < len(filled):
            blocks = found.blocks[filled[lane]]
            middle = (block.start_ts + block.until_ts) / 2
            self._choose(blocks[block_at(blocks, middle)])

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show which block is chosen, or no more."""
        super().watch_has_focus(has_focus)
        if self.in_lanes:
            self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the list these keys mean what they mean elsewhere."""
        return self.in_lanes if action in IN_LANES else super().check_action(action, parameters)

    def action_switch(self) -> None:
        """Show the list instead of the lanes, or them."""
        self._asked = not self.in_lanes
        self._placed = False
        if self._frame is not None:
            self.scroll_to(y=0, animate=False, force=True)
            self.show(self._frame)
        self.refresh_bindings()

    def action_step(self, step: int) -> None:
        """Choose the block before or after in the lane."""
        if (block := self._block()) is not None:
            blocks = self._lanes.blocks[block.worker]
            self._choose(blocks[min(max(blocks.index(block) + step, 0), len(blocks) - 1)])

    def action_down(self) -> None:
        """Choose the next lane; in the list a line down."""
        if self.in_lanes:
            self._step_lane(1)
        else:
            super().action_down()

    def action_up(self) -> None:
        """Choose the lane before; in the list a line up."""
        if self.in_lanes:
            self._step_lane(-1)
        else:
            super().action_up()

    def action_open(self) -> None:
        """Open the details of the block's first task that is still known."""
        block = self._block()
        known = self._frame.state.tasks if self._frame else {}
        if block is not None and (task_id := next((task for task in block.tasks if task in known), "")):
            self.post_message(self.TaskOpened(task_id))

    def action_zoom(self, step: int) -> None:
        """Show less time, or more, around the chosen block where it is seen, else around the middle."""
        view, block = self._seen(), self._block()
        around_ts = view.start_ts + view.span_s / 2
        now = self._frame.as_of if self._frame else around_ts
        if block is not None and self._chosen is not None and view.shows(block.start_ts):
            around_ts = block.start_ts
        elif view.shows(now):
            around_ts = now
        self._set_view(view.zoomed(ZOOM**-step, around_ts))

    def action_scroll(self, step: int) -> None:
        """Scroll a part of the width earlier or later."""
        self._set_view(self._seen().moved(PART * step))

    def action_now(self) -> None:
        """Scroll so that now is in the middle."""
        if self._frame is not None:
            view, now = self._seen(), self._frame.as_of
            if self._frame.state.finished_ts:
                now = min(now, self._lanes.end_ts)
            self._chosen = None
            self._set_view(View(now - view.span_s / 2, view.span_s))

    def action_whole(self) -> None:
        """Show the whole run again, which goes on growing."""
        self._set_view(None)

    def _set_view(self, view: View | None) -> None:
        self._view = view
        self._draw()

    # The mouse

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Zoom in where the pointer is; with Shift scroll."""
        self._wheel(event, 1)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Zoom out."""
        self._wheel(event, -1)

    def on_mouse_scroll_left(self, event: MouseScrollLeft) -> None:
        """Earlier."""
        if self.in_lanes:
            event.prevent_default().stop()
            self.action_scroll(-1)

    def on_mouse_scroll_right(self, event: MouseScrollRight) -> None:
        """Later."""
        if self.in_lanes:
            event.prevent_default().stop()
            self.action_scroll(1)

    def _wheel(self, event: MouseScrollUp | MouseScrollDown, step: int) -> None:
        if not self.in_lanes:
            return
        event.prevent_default().stop()
        if event.shift:
            self.action_scroll(-step)
            return
        view = self._seen()
        self._set_view(view.zoomed(ZOOM**-step, view.start_ts + view.span_s / 2))


def _clock(frame: Frame, milestone: Milestone) -> str:
    if milestone.reached:
        return fmt.clock(milestone.ts, frame.now)
    told = frame.estimate.told(milestone.ts)
    return fmt.NONE if told is None else f"~{fmt.clock(told, frame.now)}"
