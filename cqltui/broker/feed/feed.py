"""The feed: every event of a run, whatever happens to the connection.

Pub/sub loses messages silently: a slow reader is cut off, a dead network shows as silence. So a reader subscribes,
reads the snapshot, applies what is newer, and closes a gap in seq from the stream as far as that reaches back, and by
a new snapshot. A watchdog compares the server's seq with what has come, and asks the subscription for
a sign of life.
"""

import time
from collections.abc import Callable
from typing import Any

import redis
from redis.client import PubSub

from cqltui.backoff import pause_s
from cqltui.broker.protocol import codec
from cqltui.broker.protocol.bounded import parts
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.records import RefusedError, clean
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.protocol.snapshot import read_snapshot
from cqltui.broker.protocol.summary import read_summary
from cqltui.broker.protocol.trouble import NONSENSE, Trouble, kind, told
from cqltui.errors import CqltuiError
from cqltui.state.events import Event, Kind

WATCHDOG_S = 2.0
SILENT_PINGS = 3
"""A subscription that answers none of so many pings, one at a look of the watchdog, is dead. How long nothing was heard
says nothing: a reader of a million tasks reads and reduces for a minute, in which it does not listen."""
RETRY_FIRST_S, RETRY_LONGEST_S = 0.1, 2.0
SUBSCRIBE_S = 5.0
DRAIN = 1000
STREAM_PAGE = 1000


class _CutError(Exception):
    """The subscription must be made again."""


class Feed:
    """Events for one reader. For one thread."""

    def __init__(
        self,
        connect: Callable[[], redis.Redis],
        namespace: str = "",
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        summary_first: bool = False,
        at_once: int = DRAIN,
    ) -> None:
        """`connect` makes a client, or raises redis.RedisError, OSError or CqltuiError; it is called again after each
        loss. `summary_first`: for a screen, which is told how many tasks there are of what (SUMMARY) before all of them
        where they are very many. `at_once`: messages that are handed over at once."""
        self._connect = connect
        self._keys = Keys(namespace)
        self._clock, self._monotonic, self._sleep = clock, monotonic, sleep
        self._client: redis.Redis | None = None
        self._scripts: Scripts | None = None
        """One for the client: each holds a connection of its pool."""
        self._pubsub: PubSub | None = None
        self._summary_first, self._unread, self._at_once = summary_first, False, at_once
        self._version = (0, 0)
        self._failures = 0
        self._retry_at = 0.0
        self._watch_at = 0.0
        self._unanswered = 0
        """Pings since something was heard."""
        self._told_online: bool | None = None
        self._told_why = ""

    def poll(self, timeout_s: float) -> list[Event]:
        """Return what has happened, waiting at most about `timeout_s` for it. Never raises for a lost connection: that
        is an event too (CONNECTION), and the feed finds back by itself."""
        end = self._monotonic() + timeout_s
        events: list[Event] = []
        try:
            if self._pubsub is None:
                if self._may_retry(end):
                    events += self._open()
            elif self._unread:
                events += self._snapshot()
            else:
                self._receive(end, events)
        except _CutError:
            self._drop()
        except (redis.RedisError, OSError, CqltuiError) as error:
            events += self._lost(error)
        except NONSENSE as error:
            events += self._lost(RefusedError(told(error)))
        return events

    def close(self) -> None:
        """Close the connections."""
        self._drop()

    def _may_retry(self, end: float) -> bool:
        wait = self._retry_at - self._monotonic()
        if wait > 0:
            self._sleep(max(0.0, min(wait, end - self._monotonic())))
        return self._monotonic() >= self._retry_at

    def _lost(self, error: Exception) -> list[Event]:
        self._drop()
        self._failures += 1
        self._retry_at = self._monotonic() + pause_s(self._failures, RETRY_FIRST_S, RETRY_LONGEST_S)
        why = "" if kind(error) is Trouble.AWAY else clean(told(error))[:500]
        if self._told_online is False and why == self._told_why:
            return []
        self._told_online, self._told_why = False, why
        return [self._connection(False, clean(str(error))[:500], why)]

    def _connection(self, online: bool, error: str = "", why: str = "") -> Event:
        """Return an event of the connection. `why`: the words of a server that answers and refuses, or is unable."""
        return Event(Kind.CONNECTION, self._clock(), data={"online": online, "error": error, "why": why})

    def _drop(self) -> None:
        pubsub, client = self._pubsub, self._client
        self._pubsub = self._client = self._scripts = None
        for part in (pubsub, client):
            if part is not None:
                part.close()

    def _open(self) -> list[Event]:
        """Subscribe, then read everything."""
        self._client = self._connect()
        self._scripts = Scripts(self._client, self._keys)
        self._pubsub = self._client.pubsub()
        self._pubsub.subscribe(self._keys.events)
        message = self._pubsub.get_message(timeout=SUBSCRIBE_S)
        if message is None or message["type"] != "subscribe":
            raise redis.ConnectionError("no answer to the subscription")
        self._unanswered = 0
        self._watch_at = self._monotonic() + WATCHDOG_S
        events = self._summary() or self._snapshot()
        self._failures = 0
        if self._told_online is not True:
            self._told_online = True
            events.insert(0, self._connection(True))
        return events

    def _summary(self) -> list[Event]:
        """Return a summary before the first reading of all, where it is asked for and of use; that reading is the next
        poll's."""
        assert self._client is not None  # called with a connection
        assert self._scripts is not None
        wanted, self._summary_first = self._summary_first, False
        summary = read_summary(self._client, self._keys, self._scripts, self._clock()) if wanted else None
        self._unread = summary is not None
        return [] if summary is None else [summary]

    def _snapshot(self) -> list[Event]:
        assert self._client is not None  # called with a connection
        assert self._scripts is not None
        self._unread = False
        snapshot = read_snapshot(self._client, self._keys, self._scripts, self._clock())
        notices = self._client.execute_command("LRANGE", self._keys.notices, 0, -1)
        self._version = (snapshot.epoch, snapshot.seq)
        known = (codec.decode_event(raw) for raw in reversed(notices))
        return [snapshot, *(event for event in known if event and (event.epoch, event.seq) <= self._version)]

    def _receive(self, end: float, events: list[Event]) -> None:
        """Add what has come. What was added stays true if an error ends this."""
        for _ in range(self._at_once):
            now = self._monotonic()
            if now >= self._watch_at:
                events += self._watch(now)
            wait = 0.0 if events else max(0.0, min(end, self._watch_at) - now)
            message = self._message(wait)
            if message is None:
                if events or self._monotonic() >= end:
                    break
                continue
            self._unanswered = 0
            if message["type"] == "subscribe":  # the library has subscribed again after a loss that it did not tell
                events += self._recover()
            elif message["type"] == "message":
                events += self._accept(codec.decode_event(message["data"]))

    def _message(self, wait_s: float) -> dict[str, Any] | None:
        """Return the next message, None if there is none yet. Of one that has come in part the library keeps the part
        and raises TimeoutError; if the rest never comes, the watchdog finds out."""
        assert self._pubsub is not None  # poll saw to it, and nothing here closes it
        try:
            message: dict[str, Any] | None = self._pubsub.get_message(timeout=wait_s)
        except redis.TimeoutError:
            return None
        return message

    def _accept(self, event: Event | None) -> list[Event]:
        """Return the event, with what was missed before it; nothing for one that is known or unreadable (its place in
        seq shows as a gap)."""
        if event is None:
            return []
        if event.kind is Kind.PROGRESS:
            return [event] if event.epoch == self._version[0] else []
        version = (event.epoch, event.seq)
        if version <= self._version:
            return []
        if version != (self._version[0], self._version[1] + 1):
            return self._recover()
        self._version = version
        return [event, *self._snapshot()] if event.data.get("reread") else [event]

    def _recover(self) -> list[Event]:
        """After a loss: the events of the stream, then a snapshot, since progress is in no stream."""
        missed = self._catch_up()
        return missed if any(event.kind is Kind.SNAPSHOT for event in missed) else missed + self._snapshot()

    def _catch_up(self) -> list[Event]:
        """Return what came after the newest event known, from the stream; a snapshot where the stream does not hold it
        all."""
        assert self._client is not None  # called with a connection
        epoch, seq = self._version
        target = self._server_version()
        if target[0] != epoch or target[1] < seq:
            return self._snapshot()
        found: list[Event] = []
        for _ in parts("the events"):
            if seq >= target[1]:
                break
            start = f"{epoch}-{seq + 1}"
            rows = self._client.execute_command("XRANGE", self._keys.events, start, "+", "COUNT", STREAM_PAGE)
            events = [codec.decode_event(fields.get(b"e")) for _, fields in rows]
            readable = [event for event in events if event is not None]
            places = [(event.epoch, event.seq) for event in readable]
            if not rows or places != [(epoch, seq + 1 + i) for i in range(len(rows))]:
                return self._snapshot()
            found += readable
            seq += len(readable)
        self._version = (epoch, seq)
        return found + self._snapshot() if any(event.data.get("reread") for event in found) else found

    def _server_version(self) -> tuple[int, int]:
        assert self._client is not None  # called with a connection
        epoch, seq = self._client.execute_command("HMGET", self._keys.meta, "epoch", "seq")
        return codec.whole(epoch), codec.whole(seq)

    def _watch(self, now: float) -> list[Event]:
        """Look, every few seconds, whether the subscription is alive and everything has come that the server knows."""
        assert self._pubsub is not None  # called with a subscription
        self._watch_at = now + WATCHDOG_S
        if self._unanswered >= SILENT_PINGS:
            raise _CutError
        self._pubsub.ping()
        self._unanswered += 1
        return self._catch_up() if self._server_version() != self._version else []
