"""The thread that reads events and reduces them, so that the screen's own thread only draws."""

from collections import deque
from collections.abc import Callable
from threading import Event as Flag
from threading import Thread

from cqltui.errors import CqltuiError
from cqltui.state.events import Event, Kind
from cqltui.state.happened import MOST, Happening, Teller
from cqltui.state.model import RunState
from cqltui.state.reduce import reduce, reduce_all
from cqltui.ui.ports import EventSource

POLL_S = 0.5
RETRY_S = 1.0


class Pump:
    """Keeps `state` at the newest. Calls `changed` once, then not again before `take`; `died` on an error of ours."""

    def __init__(
        self,
        source: EventSource,
        clock: Callable[[], float],
        changed: Callable[[], object],
        died: Callable[[Exception], object],
        start: Callable[[], None] = lambda: None,
    ) -> None:
        """`start` comes before the first poll, in the same thread; what it raises is an error of the whole."""
        self._start = start
        self._source, self._clock = source, clock
        self._changed, self._died = changed, died
        self._stop, self._told = Flag(), Flag()
        self._state = RunState()
        self._teller = Teller()
        self._kept: deque[Happening] = deque(maxlen=MOST)
        self.happened: tuple[Happening, ...] = ()
        """What has happened since it began, the newest last."""
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
            while not self._stop.is_set():
                self._turn()
        except Exception as error:
            # Closing a source whose poll hangs makes it fail in ways that are none of our business.
            if not self._stop.is_set():
                self._died(error)

    def _turn(self) -> None:
        try:
            events = self._source.poll(POLL_S)
        except CqltuiError:
            self._show(reduce(self._state, Event(Kind.CONNECTION, self._clock(), data={"online": False})))
            self._stop.wait(RETRY_S)
            return
        told = [one for event in events for one in self._teller.tell(event)]
        if told:
            self._kept += told
            self.happened = tuple(self._kept)
        if events:
            self._show(reduce_all(self._state, events))

    def _show(self, state: RunState) -> None:
        self._state = state
        if not self._told.is_set():
            self._told.set()
            self._changed()
