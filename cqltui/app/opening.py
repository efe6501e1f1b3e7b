"""A run that is started, or whose server is reached, while its screen is seen already."""

import sys
from collections.abc import Callable
from threading import Event as Flag
from typing import TYPE_CHECKING

from cqltui.errors import CqltuiError
from cqltui.state.events import Event

if TYPE_CHECKING:
    from cqltui.broker.feed.feed import Feed
    from cqltui.broker.protocol.queue import Queue
    from cqltui.broker.server.access import Server
    from cqltui.ui.ports import Test

Tell = Callable[[str], None]
"""Says what is waited for."""


class Opening:
    """The screen's source of events, which has them once the run has been started, or its server reached.

    `start` is called by the thread that then polls; the others are for the main thread.
    """

    def __init__(self, start: "Callable[[Tell], Server]", waited_for: str = "the run is being started") -> None:
        """`start` brings the run about, and leaves nothing behind when it raises. `waited_for`: what it does, in
        words."""
        self._start, self._waited_for = start, waited_for
        self._over = Flag()
        self._server: Server | None = None
        self._queue: Queue | None = None
        self._feed: Feed | None = None
        self._read: list[Event] = []
        """What was read first, for the first poll."""
        self._error: BaseException | None = None

    @property
    def over(self) -> bool:
        """Whether the start has come to its end, also where it has failed."""
        return self._over.is_set()

    def start(self, tell: Tell) -> None:
        """Start the run, and read how it stands: what is waited for ends with that. Raises what its start raises."""
        try:
            self._server = self._start(tell)
            self._queue, self._feed = self._server.another_queue(), self._server.feed(for_screen=True)
            self._read = self._feed.poll(0.0)
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._over.set()

    def poll(self, timeout_s: float) -> list[Event]:
        """Return the events since the last call."""
        assert self._feed is not None, "started before"
        read, self._read = self._read, []
        return read or self._feed.poll(timeout_s)

    def turn(self, first: int, words: str, test: "Test | None") -> None:
        """Ask for another page of very many tasks, once there are any. For any thread."""
        if (feed := self._feed) is not None:
            feed.turn(first, words, test)

    def close(self) -> None:
        """Let go of the connection, if there is one."""
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.close()

    def queue(self) -> "Queue":
        """For the screen's commands. Raises CqltuiError before there is a server."""
        if self._queue is None:
            raise CqltuiError("there is no connection to the server yet: try again in a moment")
        return self._queue

    def wait(self) -> "Server":
        """Return the server of the run, also if the screen was left before it stood. Raises what its start raised."""
        if not self.over:
            print(f"cqltui: {self._waited_for}", file=sys.stderr)
            self._over.wait()
        if self._error is not None:
            raise self._error
        assert self._server is not None
        return self._server

    def leave(self) -> None:
        """Leave the server, once there is one."""
        self._over.wait()
        self.close()  # the screen had gone before there was one
        if self._server is not None:
            self._server.leave()
