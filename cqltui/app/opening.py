"""A run that is started while its screen is seen already."""

import sys
from collections.abc import Callable
from threading import Event as Flag
from typing import TYPE_CHECKING

from cqltui.state.events import Event

if TYPE_CHECKING:
    from cqltui.broker.feed.feed import Feed
    from cqltui.broker.protocol.queue import Queue
    from cqltui.broker.server.access import Server

Tell = Callable[[str], None]
"""Says what is waited for."""


class Opening:
    """The screen's source of events, which has them once the run has been started.

    `start` is called by the thread that then polls; the others are for the main thread.
    """

    def __init__(self, start: "Callable[[Tell], Server]") -> None:
        """`start` brings the run about, and leaves nothing behind when it raises."""
        self._start = start
        self._over = Flag()
        self._server: Server | None = None
        self._queue: Queue | None = None
        self._feed: Feed | None = None
        self._error: BaseException | None = None

    @property
    def over(self) -> bool:
        """Whether the run has been started, or could not be."""
        return self._over.is_set()

    def start(self, tell: Tell) -> None:
        """Start the run. Raises what its start raises."""
        try:
            self._server = self._start(tell)
            self._queue, self._feed = self._server.another_queue(), self._server.feed()
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._over.set()

    def poll(self, timeout_s: float) -> list[Event]:
        """Return the events since the last call."""
        assert self._feed is not None, "started before"
        return self._feed.poll(timeout_s)

    def close(self) -> None:
        """Let go of the connection, if there is one."""
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.close()

    def queue(self) -> "Queue":
        """For the screen's commands, which it sends to a server that answers."""
        assert self._queue is not None, "no command is sent before an event has come"
        return self._queue

    def wait(self) -> "Server":
        """Return the server of the run, also if the screen was left before it stood. Raises what its start raised."""
        if not self.over:
            print("cqltui: the run is being started", file=sys.stderr)
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
