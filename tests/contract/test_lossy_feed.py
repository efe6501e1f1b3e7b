"""A reader whose subscription loses, repeats and reorders messages, or is cut off, ends where the server is."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.client import PubSub

from cqltui.broker.feed.feed import Feed
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.connect import client_of
from cqltui.state.events import Event, Kind
from cqltui.state.model import Status
from tests.contract.helpers import eventually, state, task, worker
from tests.contract.machine import STEP, Machine
from tests.contract.readers import polled, reader, same, where

WITH_SNAPSHOT = (Kind.SNAPSHOT, Kind.NOTICE)
"""What a reader gets again with each snapshot."""
FLOOD = 3000
"""Events of a kilobyte: more than the server's and the socket's buffers hold."""


class LossyPubSub(PubSub):
    """Takes messages out in runs, as a cut connection does that the library makes anew without telling; gives some
    twice, and some after those that came later."""

    def __init__(self, client: redis.Redis, chance: random.Random) -> None:
        super().__init__(client.connection_pool)
        self._chance = chance
        self._held: list[dict[str, Any]] = []
        self._losing = False

    def get_message(self, ignore_subscribe_messages: bool = False, timeout: float = 0.0) -> Any:
        """One message, or None."""
        message = super().get_message(timeout=0.0 if self._held else timeout)
        if message is None:
            return self._held.pop(0) if self._held else self._again()
        if message["type"] != "message":
            return message
        if self._losing:
            return self._again() if self._chance.random() < 0.3 else self.get_message()
        match self._chance.randrange(6):
            case 0:
                self._losing = True
                return self.get_message()
            case 1:
                self._held.insert(self._chance.randint(0, len(self._held)), message)
                return self.get_message()
            case 2:
                self._held.append(message)
        return message

    def _again(self) -> dict[str, Any] | None:
        """What the library gives when it has subscribed once more; None unless something was lost."""
        lost, self._losing = self._losing, False
        return {"type": "subscribe", "channel": b"cq:events", "data": 1} if lost else None


class LossyClient(redis.Redis):
    """A client whose subscriptions lose messages."""

    chance: random.Random

    def pubsub(self, **kwargs: Any) -> LossyPubSub:
        """A subscription."""
        return LossyPubSub(self, self.chance)


def lossy_reader(queue: Queue, chance: random.Random) -> Feed:
    """A feed that hears badly, and for which a second passes with every few calls, so that its watchdog looks."""

    def connect() -> redis.Redis:
        client = LossyClient(connection_pool=client_of(where(queue)).connection_pool)
        client.chance = chance
        return client

    ticks = count()
    return Feed(connect, monotonic=lambda: next(ticks) / 4)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=40), chance=st.randoms(use_true_random=False), data=st.data())
def test_lost_repeated_and_reordered_messages_make_no_difference(
    queue: Queue, steps: list[tuple[str, str, int]], chance: random.Random, data: st.DataObject
) -> None:
    queue.client.flushall()
    queue.client.execute_command("HSET", queue.keys.meta, "epoch", 1)
    feed, seen = lossy_reader(queue, chance), list[Event]()
    machine = Machine(queue)
    for step in [("enqueue", "a", 1), ("enqueue", "b", 1), *steps]:
        machine.step(*step)
        if data.draw(st.integers(0, 3)) == 0:
            seen += feed.poll(0.5)
    queue.notice("info", "end")
    eventually(lambda: polled(feed, seen).seq == state(queue).seq and same(polled(feed, seen), state(queue)))
    feed.close()
    told = [event.seq for event in seen if event.kind not in (Kind.PROGRESS, Kind.CONNECTION, *WITH_SNAPSHOT)]
    assert told == sorted(set(told)), "each once, in order"
    assert polled(feed, seen).notices[-1].text == "end"


@contextmanager
def short_buffers(client: redis.Redis) -> Iterator[None]:
    """A server that soon has enough of a subscriber that does not read."""
    name = "client-output-buffer-limit"
    before = str(client.config_get(name)[name])
    client.config_set(name, "pubsub 65536 0 0")
    try:
        yield
    finally:
        client.config_set(name, before)


def test_a_slow_reader_that_the_server_cuts_off_ends_where_the_others_do(queue: Queue, client: redis.Redis) -> None:
    quick, slow = reader(queue), reader(queue)
    seen_quick, seen_slow = quick.poll(5), slow.poll(5)
    queue.enqueue(task("a"))
    who = worker(queue)
    with short_buffers(client):
        for number in range(FLOOD // 50):
            queue.enqueue_many([task(f"t{number}-{i}", title="x" * 500) for i in range(50)])
            seen_quick += quick.poll(0)
        assert len(client.client_list(_type="pubsub")) == 1, "the slow one was cut off"
    (claim,) = queue.claim(who)
    queue.progress(who, [{"task": claim.id, "token": claim.token, "step": 7, "epoch": 1}], {"pid": 1})
    queue.complete(claim.id, claim.token, {"loss": 0.5})
    for feed, seen in ((quick, seen_quick), (slow, seen_slow)):
        eventually(lambda feed=feed, seen=seen: same(polled(feed, seen), state(queue)))  # type: ignore[misc]
        feed.close()
    assert polled(slow, seen_slow).tasks[claim.id].status is Status.DONE
    connections = [event.data["online"] for event in seen_quick if event.kind is Kind.CONNECTION]
    assert connections
    assert all(connections), "the quick one was never cut off"
