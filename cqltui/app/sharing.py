"""A worker that the campaigns of a server share: it joins the one that is furthest behind its share, for a turn."""

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from cqltui.app.joining import Joining, join
from cqltui.broker.protocol.quotas import NOBODY
from cqltui.broker.protocol.shares import Shares
from cqltui.broker.protocol.trouble import Trouble, kind, told
from cqltui.broker.server.access import Server
from cqltui.broker.server.connect import connect_url
from cqltui.errors import CqltuiError
from cqltui.placement.starting import END_TS
from cqltui.worker.link import PATIENCE_S, UNREACHABLE
from cqltui.worker.main import IDLE_LEAVE_S
from cqltui.worker.turn import Turn

log = logging.getLogger(__name__)

NOTHING_S = 10.0
"""So long a campaign is passed over in which there was nothing for this worker: its tasks wait, or are of too low a
priority."""
UNABLE_S = 600.0
"""And one that this worker cannot train, or that has sent it away."""


class SharedTurn(Turn):
    """A turn at one campaign, over once another is due."""

    def __init__(self, pool: "Pool", namespace: str) -> None:
        self._pool = pool
        self.namespace = namespace
        self.next: str | None = None
        self.is_over = False
        """Whether it has come to its end, and `next` begun; else its worker has left for a reason of its own."""
        self._began = time.monotonic()

    @property
    def is_stopped(self) -> bool:
        """As of `Turn`."""
        return self._pool.stopped.is_set()

    @property
    def user(self) -> str:
        """Nobody's: it is there for all, and by what each campaign has had."""
        return NOBODY

    @property
    def took_s(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._began

    def session_ended(self) -> bool:
        """Ask who is due. A server that is away is none: the worker finds it back where it is."""
        try:
            due = self._pool.choose(self.took_s)
        except UNREACHABLE as error:
            log.warning("it goes on with the same campaign: %s", told(error))
            return False
        self._began = time.monotonic()
        self.next, self.is_over = due, due != self.namespace
        return self.is_over

    def found_nothing(self) -> bool:
        """Ask who else is due."""
        self._pool.skip(self.namespace, NOTHING_S)
        return self.session_ended()

    def beat(self) -> None:
        """Tell how long it has taken so far."""
        try:
            self._pool.beats.beat(self.took_s)
        except UNREACHABLE as error:
            log.debug("%s", told(error))

    def stop(self) -> None:
        """Take no further turn."""
        self._pool.stopped.set()


class Pool:
    """One shared worker's way from campaign to campaign."""

    def __init__(self, shares: Shares, beats: Shares, poll_s: float) -> None:
        """`beats`: the same over a connection of its own, for the heartbeat's thread."""
        self.beats = beats
        self.stopped = threading.Event()
        self._shares = shares
        self._poll_s = poll_s
        self._skipped: dict[str, float] = {}

    def skip(self, namespace: str, seconds: float) -> None:
        """Pass the campaign over for so long."""
        self._skipped[namespace] = time.monotonic() + seconds

    def choose(self, took_s: float = 0.0) -> str | None:
        """As of `Shares.choose`."""
        now = time.monotonic()
        self._skipped = {name: until for name, until in self._skipped.items() if until > now}
        return self._shares.choose(took_s, frozenset(self._skipped))

    def work(self, join_for: Callable[[SharedTurn], object]) -> None:
        """Take turns until there has been nothing to do for ten minutes, or the process is told to stop. Raises what
        says that the server refuses, or has been away for long."""
        due = self._first()
        idle_since = time.monotonic()
        while not self.stopped.is_set():
            if due is None:
                if time.monotonic() - idle_since > IDLE_LEAVE_S:
                    log.info("no campaign had anything to do for %.0f minutes", IDLE_LEAVE_S / 60)
                    return
                self.stopped.wait(self._poll_s)
                due = self._first()
                continue
            turn = SharedTurn(self, due)
            try:
                join_for(turn)
            except CqltuiError as error:
                log.warning("campaign %r cannot be served: %s", due, error)
            if not turn.is_over and (self.stopped.is_set() or os.environ.get(END_TS)):
                return
            if not turn.is_over:
                self.skip(due, UNABLE_S)
            due = turn.next if turn.is_over else self._first(turn.took_s)
            idle_since = time.monotonic()

    def _first(self, took_s: float = 0.0) -> str | None:
        """Choose, and wait for a server that is away."""
        leave_at = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.choose(took_s)
            except UNREACHABLE as error:
                if kind(error) is Trouble.REFUSED or self.stopped.is_set() or time.monotonic() > leave_at:
                    raise
                log.warning("%s", told(error))
                self.stopped.wait(self._poll_s)


def share(joining: Joining, url: str) -> int:
    """Work for all campaigns on the server. Raises CqltuiError for a server that cannot be used."""
    with connect_url(url) as client, connect_url(url) as second:
        pool = Pool(Shares(client, joining.worker_id), Shares(second, joining.worker_id), joining.poll_interval_s)
        pool.work(partial(_serve, joining, url))
    return 0


def _serve(joining: Joining, url: str, turn: SharedTurn) -> None:
    root = logging.getLogger()
    for handler in root.handlers[:]:  # each campaign's part of the log is in its own file
        root.removeHandler(handler)
    join(replace(joining, turn=turn), lambda: (Server(None, url, turn.namespace), None))
