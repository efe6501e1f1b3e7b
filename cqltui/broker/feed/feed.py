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
from cqltui.broker.feed.paging import Paging, Wish
from cqltui.broker.protocol import codec, pages
from cqltui.broker.protocol.bounded import parts
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.records import RefusedError, clean
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.protocol.snapshot import read_snapshot
from cqltui.broker.protocol.summary import read_summary
from cqltui.broker.protocol.trouble import NONSENSE, Trouble, kind, told
from cqltui.errors import CqltuiError
from cqltui.state.events import Event, Kind
from cqltui.state.model import TaskState

WATCHDOG_S = 2.0
SILENT_PINGS = 3
"""A subscription that answers none of so many pings, one at a look of the watchdog, is dead. How long nothing was heard
says nothing: a reader of a million tasks reads and reduces for a minute, in which it does not listen."""
RETRY_FIRST_S, RETRY_LONGEST_S = 0.1, 2.0
SUBSCRIBE_S = 5.0
DRAIN = 1000
WISH_S = 0.1
"""Between two looks at which of very many tasks are wanted."""
SEARCH_S = 0.05
"""So long tasks are looked for between two looks at what has come."""
AGAIN_S = 30.0
"""Between two readings of very many tasks, where one was told of in words that do not suffice."""
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
        for_screen: bool = False,
        at_once: int = DRAIN,
    ) -> None:
        """`connect` makes a client, or raises redis.RedisError, OSError or CqltuiError; it is called again after each
        loss. `for_screen`: where there are very many tasks, it is told how many there are of what (SUMMARY) before all
        of them; of more than `pages.MANY` it holds some only. `at_once`: messages that are handed over at once."""
        self._connect = connect
        self._keys = Keys(namespace)
        self._clock, self._monotonic, self._sleep = clock, monotonic, sleep
        self._client: redis.Redis | None = None
        self._scripts: Scripts | None = None
        """One for the client: each holds a connection of its pool."""
        self._pubsub: PubSub | None = None
        self._for_screen, self._summed, self._unread, self._at_once = for_screen, False, False, at_once
        self._wish = Wish()
        self._paging: Paging | None = None
        self._again_at = 0.0
        """When very many tasks may be read again that cannot be counted as they are told."""
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
                self._receive(self._until(end), events)
                if self._paging is not None:
                    events[:] = self._paged(self._paging, events)
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

    def turn(self, first: int, words: str = "", test: Callable[[TaskState], bool] | None = None) -> None:
        """Ask for other tasks to be held of very many: a page behind so many, or the first that pass the test, which is
        named by these words. The last wish counts. For any thread."""
        self._wish = Wish(first, words, test)

    def _until(self, end: float) -> float:
        """Return until when to wait for messages: a wish comes from another thread."""
        if self._paging is None:
            return end
        now = self._monotonic()
        return now if self._paging.busy else min(end, now + WISH_S)

    def _paged(self, paging: Paging, events: list[Event]) -> list[Event]:
        """Return the events for a state that holds some tasks only, and what makes it hold others."""
        after = next((place + 1 for place in reversed(range(len(events))) if events[place].kind is Kind.SUMMARY), 0)
        events = events[:after] + paging.completed(events[after:])  # what was read again holds others
        if paging.lost and self._monotonic() >= self._again_at:
            self._again_at = self._monotonic() + AGAIN_S
            return events + self._snapshot()
        until, found = self._monotonic() + SEARCH_S, list[Event]()
        while not found:
            found = paging.turned(self._wish, self._version, self._clock())
            if not paging.busy or self._monotonic() >= until:
                break
        return events + found

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
        self._pubsub = self._client = self._scripts = self._paging = None
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
        wanted, self._summed = self._for_screen and not self._summed and not self._is_paged(), True
        summary = read_summary(self._client, self._keys, self._scripts, self._clock()) if wanted else None
        self._unread = summary is not None
        return [] if summary is None else [summary]

    def _snapshot(self) -> list[Event]:
        assert self._client is not None  # called with a connection
        assert self._scripts is not None
        self._unread = False
        snapshot = self._first_page()
        if snapshot is None:
            snapshot = read_snapshot(self._client, self._keys, self._scripts, self._clock())
        notices = self._client.execute_command("LRANGE", self._keys.notices, 0, -1)
        self._version = (snapshot.epoch, snapshot.seq)
        known = (codec.decode_event(raw) for raw in reversed(notices))
        return [snapshot, *(event for event in known if event and (event.epoch, event.seq) <= self._version)]

    def _is_paged(self) -> bool:
        assert self._client is not None  # called with a connection
        return self._for_screen and int(self._client.execute_command("ZCARD", self._keys.tasks)) > pages.MANY

    def _first_page(self) -> Event | None:
        """Return a reading of some of very many tasks; None where all are to be read."""
        assert self._client is not None  # called with a connection
        assert self._scripts is not None
        self._paging = Paging(self._client, self._keys, self._scripts) if self._is_paged() else None
        page = self._paging.begin(self._wish, self._clock()) if self._paging is not None else None
        if page is None:
            self._paging = None
        return page

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
