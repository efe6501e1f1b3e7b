"""The thread that reads events and reduces them, so that the screen's own thread only draws."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Event as Flag
from threading import Thread

from cqltui.errors import CqltuiError
from cqltui.garbage import paused
from cqltui.state.events import HANDFUL, Event, Kind
from cqltui.state.happened import MOST, Happening, Teller
from cqltui.state.latest import latest
from cqltui.state.model import RunState
from cqltui.state.reduce import reduce_all
from cqltui.ui.ports import EventSource

POLL_S = 0.5
RETRY_S = 1.0
GATHER_S = 0.1
"""Between two states, where something has happened, and between two looks at what has come."""
REPORTS_S = 0.25
"""Between two states that differ in reports only: workers make hundreds a second, and a number that changes more often
than this cannot be read."""


MOST_EVENTS = 1000
"""That make one state."""
HUSH_S, LONGEST_S = 0.05, 0.5
"""After a key the thread rests so long: two threads take turns, and the answer would take twice its time. A key that is
held down holds up the second of these at most."""


class Pump:
    """Keeps `state` at the newest. Calls `changed` once, then not again before `take`; `died` on an error of ours."""

    def __init__(
        self,
        source: EventSource,
        clock: Callable[[], float],
        changed: Callable[[], object],
        died: Callable[[Exception], object],
        start: Callable[[], None] = lambda: None,
        started: Callable[[], object] = lambda: None,
        known: RunState | None = None,
    ) -> None:
        """`start` comes before the first poll, in the same thread; what it raises is an error of the whole. `started`
        is called after it, once the state has what was read first. `known`: the state to begin with."""
        self._start, self._started = start, started
        self._source, self._clock = source, clock
        self._changed, self._died = changed, died
        self._stop, self._told = Flag(), Flag()
        self._state = known or RunState()
        self._teller = Teller()
        self._kept: deque[Happening] = deque(maxlen=MOST)
        self.happened: tuple[Happening, ...] = ()
        """What has happened since it began, the newest last."""
        self._shown_s = -REPORTS_S
        """When the newest state was shown."""
        self._quiet_until_s = 0.0
        """Until when another thread goes first."""
        self._failure: Event | None = None
        """The last one that says that the source has given up."""
        self._thread = Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, then close the source: a source is for one thread. A poll that hangs is not waited for."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2 * POLL_S)
        self._source.close()

    def hush(self) -> None:
        """Let another thread go first for a moment."""
        self._quiet_until_s = time.monotonic() + HUSH_S

    def take(self) -> RunState:
        """Return the newest state; whatever comes later is told of again."""
        self._told.clear()
        return self._state

    @property
    def state(self) -> RunState:
        """The newest state, for whoever draws nothing."""
        return self._state

    def _run(self) -> None:
        try:
            self._start()
            self._turn()
            self._started()
            while not self._stop.is_set():
                self._turn()
        except Exception as error:
            # Closing a source whose poll hangs makes it fail in ways that are none of our business.
            if not self._stop.is_set():
                self._died(error)

    def _turn(self) -> None:
        """Wait until something comes, and reduce it with what comes until the next state is due."""
        events = self._poll(POLL_S)
        with paused():  # what events are read into goes with them: it is never looked at
            failed = bool(events) and self._gather(events, time.monotonic())
            events.clear()
        if failed:
            self._stop.wait(RETRY_S)

    def _gather(self, events: list[Event], began_s: float) -> bool:
        """Add what comes until the next state is due, show that state, and return whether the source has given up."""
        while (wait_s := self._due_s(events) - time.monotonic()) > 0 and not self._stop.is_set():
            self._stop.wait(min(wait_s, GATHER_S))
            events += self._more(began_s)
        told = [one for event in events for one in self._teller.tell(event)]
        if told:
            self._kept += told
            self.happened = tuple(self._kept)
        self._shown_s = time.monotonic()
        self._show(self._reduced(events, began_s))
        return events[-1] is self._failure

    def _more(self, began_s: float) -> list[Event]:
        """Return what has come by now, taken by handfuls."""
        found: list[Event] = []
        while len(found) < MOST_EVENTS and not self._stop.is_set():
            self.give_way(began_s)
            more = self._poll(0.0)
            found += more
            if len(more) < HANDFUL:
                break
        return found

    def _reduced(self, events: Sequence[Event], began_s: float) -> RunState:
        """Return the state after the events, reduced by handfuls."""
        state, told = self._state, latest(events)
        for start in range(0, len(told), HANDFUL):
            self.give_way(began_s)
            state = reduce_all(state, told[start : start + HANDFUL])
        return state

    def give_way(self, began_s: float) -> None:
        """Let a key be answered first, but for no longer than `LONGEST_S` since this thread's turn began, by the
        monotonic clock."""
        while (wait_s := min(self._quiet_until_s, began_s + LONGEST_S) - time.monotonic()) > 0:
            if self._stop.wait(wait_s):
                break

    def _poll(self, timeout_s: float) -> list[Event]:
        """Return what has come; that the source has given up is an event too."""
        try:
            return self._source.poll(timeout_s)
        except CqltuiError:
            self._failure = Event(Kind.CONNECTION, self._clock(), data={"online": False})
            return [self._failure]

    def _due_s(self, events: Sequence[Event]) -> float:
        """Return when the state is to be shown, by the monotonic clock."""
        reports = all(event.kind is Kind.PROGRESS for event in events)
        return self._shown_s + (REPORTS_S if reports else GATHER_S)

    def _show(self, state: RunState) -> None:
        self._state = state
        if not self._told.is_set():
            self._told.set()
            self._changed()
