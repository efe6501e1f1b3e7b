"""A run that nobody has open, as a screen's source of events: one reading, and all that happens once it goes on."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from cqltui.errors import CqltuiError
from cqltui.state.events import Event
from cqltui.state.model import RunState
from cqltui.state.still import snapshot_of

if TYPE_CHECKING:
    from cqltui.broker.feed.feed import Feed
    from cqltui.broker.protocol.queue import Queue
    from cqltui.broker.server.access import Server
    from cqltui.ui.ports import Test

LOOK_S = 1.0


class Still:
    """Tells the reading, then looks now and then whether somebody goes on with the run."""

    def __init__(self, state: RunState, reopen: "Callable[[], Server | None]") -> None:
        """`reopen`: the server of a run that goes on, None while it does not."""
        self.server: Server | None = None
        """Of the run that goes on; None while there is only the reading."""
        self._reopen = reopen
        self._events = [snapshot_of(state, state.finished_ts)]
        self._closed = threading.Event()
        self._look_at = 0.0
        self._queue: Queue | None = None
        self._feed: Feed | None = None

    def poll(self, timeout_s: float) -> list[Event]:
        """Return the events since the last call."""
        if self._feed is not None:
            return self._feed.poll(timeout_s)
        events, self._events = self._events, []
        if not events and not self._closed.wait(timeout_s) and time.monotonic() >= self._look_at:
            self._look()
        return events

    def _look(self) -> None:
        self._look_at = time.monotonic() + LOOK_S
        self.server = self._reopen()
        if self.server is not None:
            self._queue, self._feed = self.server.another_queue(), self.server.feed(for_screen=True)

    def turn(self, first: int, words: str, test: "Test | None") -> None:
        """Ask for another page of very many tasks, once the run goes on. For any thread."""
        if (feed := self._feed) is not None:
            feed.turn(first, words, test)

    def queue(self) -> "Queue":
        """For the screen's commands. Raises CqltuiError while there is nothing to command."""
        if self._queue is None:
            raise CqltuiError("the run has ended and is shown read-only")
        return self._queue

    def close(self) -> None:
        """Wait no longer, and let go of the connection."""
        self._closed.set()
        if self._feed is not None:
            self._feed.close()

    def leave(self) -> None:
        """Leave the server, if there is one."""
        if self.server is not None:
            self.server.leave()
