"""A process's access to a run's server: a share in the embedded one of a run directory, or the user's own."""

from contextlib import suppress
from pathlib import Path

import redis

from cqltui.broker.feed.feed import Feed
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.connect import connect_run_dir, connect_url
from cqltui.broker.server.handle import ServerHandle, is_cut_off
from cqltui.broker.server.launch import set_aside
from cqltui.broker.server.server import EmbeddedServer
from cqltui.errors import InputError, ServerError
from cqltui.state.events import HANDFUL

RESTART_S = 5.0
"""Time for a server that has to come back; one that needs longer is met by the next try."""


class Server:
    """A share in the embedded server as long as this is open, or clients of the user's server."""

    def __init__(
        self, run_dir: Path | None, url: str | None, namespace: str = "", *, start: bool = False, look: bool = False
    ) -> None:
        """`start`: the embedded server is started if it does not run. `look`: take no share in it, for which one must
        be allowed to write; then it may end while it is looked at. Raises ServerError, InputError for the URL."""
        if url is None and run_dir is None:
            raise InputError("which run? Give --run-dir DIR or --redis-url URL")
        self.url = url
        self.namespace = namespace
        self._handle: ServerHandle | None = None
        self._set_aside: Path | None = None
        self._run_dir = run_dir
        if url is None and run_dir is not None and not look:
            self._server = EmbeddedServer(run_dir)
            self._handle = self._server.start() if start else self._server.attach()
            self._set_aside = self._handle.set_aside
        self.queue = Queue(self.client(), namespace)

    @property
    def embedded(self) -> bool:
        """Whether the server is ours to start and end."""
        return self.url is None

    @property
    def fresh_ts(self) -> float:
        """As of `ServerHandle.fresh_ts`: workers that spoke before are of another server, which had this one's data."""
        return self._handle.fresh_ts if self._handle is not None else 0.0

    def client(self) -> redis.Redis:
        """Return a new client. Raises ServerError or InputError."""
        if self._handle is not None:
            return self._handle.connect()
        if self.url is None and self._run_dir is not None:
            return connect_run_dir(self._run_dir)
        return connect_url(self.url or "")

    def another_queue(self) -> Queue:
        """Return the queue over a connection of its own, for another thread."""
        return Queue(self.client(), self.namespace)

    def feed(self, *, for_screen: bool = False) -> Feed:
        """Return a new feed of the run's events. That of a screen begins with a summary, and gives little at once."""
        if for_screen:
            return Feed(self.client, self.namespace, for_screen=True, at_once=HANDFUL)
        return Feed(self.client, self.namespace)

    def restart(self) -> None:
        """Bring the embedded server back if it is gone. Raises ServerError and OSError."""
        if self._handle is not None:
            old, self._handle = self._handle, self._server.start(RESTART_S)
            old.detach()
            self._set_aside = self._handle.set_aside or self._set_aside

    def expect_reachable(self) -> None:
        """Raise ServerError if nobody else gets into the embedded server, though it serves those who are in."""
        if self._handle is not None and is_cut_off(self._server.dir):
            raise ServerError("its socket is gone; it is started again")

    def take_set_aside(self) -> Path | None:
        """Return where a start of the embedded server has moved damaged data to, once."""
        found, self._set_aside = self._set_aside, None
        return found

    def keep_data(self) -> None:
        """Put a copy of the embedded server's data aside, before it is removed as outdated."""
        if self._handle is not None:
            set_aside(self._server.dir, copy=True)

    def leave(self) -> None:
        """Let go; the last to leave an embedded server shuts it down."""
        with suppress(redis.RedisError):
            self.queue.client.close()
        if self._handle is not None:
            self._handle.leave()
