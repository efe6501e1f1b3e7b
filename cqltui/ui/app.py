"""The terminal application: wires events, panels and commands, and decides when to draw."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import on
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.events import Event, Key, Paste
from textual.screen import Screen

from cqltui.errors import CqltuiError
from cqltui.later import Later, load
from cqltui.state.eta import NOTHING
from cqltui.state.model import RunState, Wanted
from cqltui.state.plain import plain
from cqltui.ui.background import Background
from cqltui.ui.common import CommonApp
from cqltui.ui.control import Control
from cqltui.ui.editing import Editing
from cqltui.ui.estimating import Estimating
from cqltui.ui.feeds import feeds_of
from cqltui.ui.frame import Frame, as_of
from cqltui.ui.gauging import Gauging
from cqltui.ui.looking import Looking
from cqltui.ui.memory import Memory
from cqltui.ui.messages import LeaveNow, StateChanged, ThreadDied, TypeOn
from cqltui.ui.outward import Outward
from cqltui.ui.panels.body import Body
from cqltui.ui.ports import LeaveChoice, Ports
from cqltui.ui.pump import Pump
from cqltui.ui.screens.main import MainScreen
from cqltui.ui.screens.roles import FrameScreen
from cqltui.ui.screens.tasks import TaskScreen
from cqltui.ui.supervision import Supervision
from cqltui.ui.typed import Typed

if TYPE_CHECKING:
    from cqltui.ui.screens import dialog, leaving
else:
    dialog, leaving = Later("cqltui.ui.screens.dialog"), Later("cqltui.ui.screens.leaving")

SCREENS = ("details", "dialog", "copying", "help", "palette", "leaving", "fleet")
"""Of `cqltui.ui.screens`: what keys open, loaded before they are pressed."""
REFRESH_S = 0.1
MOUNT_S = 0.02
HELD_S = 0.4
"""So long the first paint waits for the run's state: to draw an empty screen before it costs more than the wait."""
TICK_S = 1.0
"""How often times that pass are drawn while nothing else happens."""
PATH_S = 20.0
"""How long a path is shown: it is read, and typed elsewhere."""
WANTED = {LeaveChoice.DRAIN: Wanted.DRAINING, LeaveChoice.STOP: Wanted.STOPPED}


class CqltuiApp(CommonApp[LeaveChoice]):
    """One run, seen and steered. Ends with what is to become of it."""

    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "report", "Report", show=False, id="app.report", tooltip="Show the report in the browser"),
        Binding("e", "edit", "Edit", show=False, id="run.edit", tooltip="Edit the campaign file, and apply it; asks"),
    ]  # fmt: skip

    def __init__(self, ports: Ports) -> None:
        super().__init__(ports.preferences)
        self._clock, self._stall_s = ports.clock, ports.stall_s
        self._start, self._planned = ports.start, ports.planned
        self._waiting = ports.waiting if ports.start else ""
        self.failure: CqltuiError | OSError | None = None
        """Why the run could not be started."""
        answered = partial(self._wait_for, "")
        self._pump = Pump(ports.source, ports.clock, self._changed, self.died, self._begin, answered, ports.known)
        self._calls = Background("commands", self.post, self.died)
        self._reads = Background("reading", self.post, self.died, self._pump.give_way)
        self._browser = Background("browser", self.post, self.died)
        self._planner = Background("estimates", self.post, self.died)
        self._estimating = Estimating(self._planner, self._changed, self._pump.give_way)
        self._gauges = Background("gauges", self.post, self.died)
        self._gauging = Gauging(ports.measure, ports.speeds, self._gauges)
        self._looking = Looking(ports.requests, self._calls)
        self._report = ports.report
        self.memory = Memory(ports.remembered, ports.keep, self.died)
        self._threads = (self._pump, self._calls, self._reads, self._browser, self._planner, self._gauges, self.memory)
        self._control = Control(
            *(ports.requests, self._calls, ports.clock, self.say, self._changed), read_only=ports.read_only
        )
        self._editing = Editing(self, ports.file, self._browser, self._control, self.post)
        self._feeds = feeds_of(ports, self._reads)
        self._supervision = Supervision(ports.supervised, ports.hindered, self._reads, ports.clock)
        self._main = MainScreen(self._control, self._feeds, self.memory, ports.turn)
        self._scheduled, self._started, self._drawn_s = False, False, 0.0
        self._held = ExitStack()
        """Holds back the first paint."""
        self.painted: Callable[[], object] = lambda: None
        """Called once, with the first paint, or when it is no longer held back."""
        self.frame: Frame | None = None
        """What was drawn last."""
        self._typed = Typed(self, self._pump.hush)
        self._notices_seen: tuple[int, int] | None = None
        self._outward = Outward(self.say, self.bell, self.entitle)

    # Start and end

    def get_default_screen(self) -> Screen[None]:
        """Return the main screen."""
        return self._main

    def on_mount(self) -> None:
        """Read the run's state, for which the first frame waits unless it is known, or the run is being started."""
        self._held.callback(self._first_paint)
        if self._start is None or self._pump.state.tasks:
            self._held.enter_context(self.batch_update())
        if self._start is None:
            self._pump.start()
        self._later(HELD_S, self._held.close)
        self._changed()

    @on(Body.Arranged)
    def _arranged(self) -> None:
        if self._start is not None and not self._pump.state.tasks:
            self.call_after_refresh(self._held.close)

    def _first_paint(self) -> None:
        self._main.refresh()
        self.call_after_refresh(self._seen)

    async def _seen(self) -> None:
        """Go on with all that the first frame was not to wait for: other panels, other threads, and the clock."""
        if not self._main.is_mounted:
            self._later(MOUNT_S, self._seen)
            return
        self.painted()
        self._start_threads()
        await self._main.fill()
        self._typed.begin()
        self._browser.call(_load_screens, lambda _: None, lambda _: None)
        self.set_interval(TICK_S, self._tick)
        self._tick()

    def _start_threads(self) -> None:
        if not self._started:
            self._started = True
            for thread in self._threads:
                if thread is not self._pump or self._start is not None:
                    thread.start()

    def _tick(self) -> None:
        self._supervision.look()
        state, now = self._pump.state, self._clock()
        self._gauging.look(state, now)
        self._looking.look(state, (task_id for screen in self._screens() for task_id in screen.seen), now)
        self._changed()

    def _screens(self) -> Iterator[TaskScreen]:
        """Yield the screens with tasks that are seen, the uppermost first."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, TaskScreen):
                yield screen
            if not screen.is_modal:
                return

    def on_unmount(self) -> None:
        """Let go of everything; threads that hang in a call end with the process."""
        self._start_threads()  # also of a run whose screen was left before it was seen: it is started all the same
        for thread in self._threads:
            thread.stop()

    @property
    def busy(self) -> bool:
        """Whether something is on its way to the screen that no newer event brings about: a key, a draw, or a file."""
        return (
            self._main.busy
            or self._typed.busy
            or self._scheduled
            or self._feeds.busy
            or self._estimating.busy
            or self._gauging.busy
        )

    # From other threads

    def _begin(self) -> None:
        if self._start is not None:
            self._start(self._wait_for)

    def _wait_for(self, what: str) -> None:
        self._waiting = what
        self._changed()

    def _changed(self) -> None:
        self.post_message(StateChanged())

    def on_leave_now(self, message: LeaveNow) -> None:
        """Leave: a signal came, or the terminal is gone."""
        self._leave_with(LeaveChoice.BACKGROUND)

    def _leave_with(self, choice: LeaveChoice) -> None:
        if self._main.is_mounted and self.is_whole:
            self.exit(choice)
        else:
            self._later(MOUNT_S, partial(self._leave_with, choice))

    def _later(self, wait_s: float, then: Callable[[], object]) -> None:
        """Call `then` in a while. Not by `set_timer`: a timer whose time has passed when it looks first, because it is
        that short or the process was not given the CPU, is never called."""
        asyncio.get_running_loop().call_later(wait_s, self.call_next, then)

    def on_thread_died(self, message: ThreadDied) -> None:
        """End with the error, and so with a return code. One that the user can fix is told without a traceback."""
        if not isinstance(message.error, CqltuiError | OSError):  # the command tells of a disk that is full
            raise message.error
        self.failure = message.error
        self._leave_with(LeaveChoice.BACKGROUND)

    # Drawing

    def on_state_changed(self, message: StateChanged) -> None:
        """Draw soon, but no more often than every `REFRESH_S`."""
        if not self._scheduled:
            self._scheduled = True
            wait_s = self._drawn_s + REFRESH_S - time.monotonic()
            if wait_s > 0:
                self._later(wait_s, self._draw)
            else:
                self._draw()

    def _draw(self) -> None:
        self._scheduled = False
        if not self._main.has_room:  # what gets its size asks again
            return
        self._drawn_s = time.monotonic()
        state = self._pump.take()
        self._control.settle(state)
        now = self.moment(state)
        missing = self._supervision.missing(now) and not state.finished_ts
        waiting = "" if state.online else self._waiting
        estimated = NOTHING if waiting else self._estimating.ask(state, as_of(state, now))
        pending, hindered = self._control.pending(), self._supervision.hindered
        frame = Frame(state, estimated, now, pending, self._stall_s, missing, hindered, waiting)
        frame = replace(
            frame,
            planned=self._planned,
            read_only=self._control.read_only,
            happened=self._pump.happened,
            samples=self._gauging.samples,
            replay=self.replay,
        )
        self.frame = frame
        for screen in reversed(self.screen_stack):
            if isinstance(screen, FrameScreen):
                screen.show(frame)
            elif isinstance(screen, dialog.Dialog) and screen.is_current and (why := screen.look(frame)):
                screen.dismiss("")
                self.say(why, "information")
            if not screen.is_modal:
                break
        self.tell_news(frame)
        if state.tasks or state.campaign.name:
            self._held.close()

    def moment(self, state: RunState) -> float:
        """Return the moment to draw: of a run that goes on, now."""
        return self._clock()

    def tell_news(self, frame: Frame) -> None:
        """Tell what is new, to those who look elsewhere too."""
        self._tell_notices(frame.state)
        self._outward.show(frame)

    def _tell_notices(self, state: RunState) -> None:
        """Warnings that come while one looks; those from before are listed with the workers."""
        newest = state.notices[-1].version if state.notices else (0, 0)
        if self._notices_seen is not None:
            for notice in state.notices:
                if notice.version > self._notices_seen and notice.level in {"warning", "error"}:
                    self.say(notice.text, notice.level)
        if state.online or state.notices:
            self._notices_seen = newest

    # Keys

    async def on_event(self, event: Event) -> None:
        """Take what is typed one after the other."""
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            self._typed.add(event)
        else:
            await super().on_event(event)

    async def on_type_on(self, message: TypeOn) -> None:
        """Take the next key."""
        if (event := self._typed.next()) is not None:
            self._main.catch_up()  # a key finds all as the last one has left it
            try:
                if not await self.act_on(event):
                    await super().on_event(event)
            finally:
                self._typed.follow()

    def pop_screen(self) -> AwaitComplete:
        """Close the screen; what was typed before goes with it."""
        self._typed.closed()
        return super().pop_screen()

    def theme_chosen(self, name: str) -> None:
        """Remember the theme."""
        self.memory.put(replace(self.memory.now, theme=name))

    def action_report(self) -> None:
        """Show the report in the browser, or say where it is, or when there is one. Not above a question."""
        if not self.screen.is_modal:
            self._browser.call(self._report, self._reported, lambda error: self.say(str(error), "error"))

    def _reported(self, found: tuple[str, str]) -> None:
        said, copied = found
        if copied:
            self.copy_to_clipboard(copied)
        self.notify(plain(said, 400), timeout=PATH_S, markup=False)

    def action_edit(self) -> None:
        """Edit the campaign file, and have the run go on with it. Not above a question."""
        self._editing.begin()

    def action_leave(self) -> None:
        """Leave at once if the run has finished, else ask what is to become of it, unless that is not ours to say."""
        if self._control.read_only or (self.frame is not None and self.frame.state.finished_ts):
            self.exit(LeaveChoice.BACKGROUND)
        elif not isinstance(self.screen, dialog.Dialog):
            self.push_screen(leaving.leave_dialog(self.frame), self._leave)

    def _leave(self, answer: str | None) -> None:
        if not answer:
            return
        choice = LeaveChoice(answer)
        if choice is LeaveChoice.BACKGROUND:
            self.exit(choice)
        else:
            # Leave only when the server knows: a refusal is shown, and the user can choose again.
            self._control.want(WANTED[choice], partial(self._leave_with, choice))


def _load_screens() -> None:
    for name in SCREENS:
        load(f"cqltui.ui.screens.{name}", running=True)
