"""The feed: whatever is lost on the way, a reader ends where the server is."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.client import PubSub

from cqltui.broker.feed.feed import SILENT_PINGS, Feed
from cqltui.broker.protocol import codec
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.connect import connect_url
from cqltui.broker.server.epoch import open_epoch
from cqltui.broker.server.server import EmbeddedServer
from cqltui.state.events import Event, Kind
from cqltui.state.model import Status, Wanted
from tests.contract.helpers import after, claim_one, eventually, state, task, worker
from tests.contract.machine import STEP, Machine, invariants
from tests.contract.readers import drain, polled, reader, same, where
from tests.contract.servers import Canned


@pytest.fixture
def feed(queue: Queue) -> Iterator[Feed]:
    """A feed that is closed in the end."""
    made = reader(queue)
    yield made
    made.close()


def test_snapshot_then_events(queue: Queue, feed: Feed) -> None:
    queue.enqueue(task("a", title="A"))
    first = feed.poll(5)
    assert [event.kind for event in first] == [Kind.CONNECTION, Kind.SNAPSHOT]
    who = worker(queue)
    claim = claim_one(queue, who)
    queue.progress(who, [{"task": "a", "token": claim.token, "step": 1, "epoch": 1, "loss": 0.5}], {"pid": 3})
    events = first
    while not events or events[-1].kind is not Kind.PROGRESS:
        events += feed.poll(1)
    run = after(events)
    assert run.online
    assert run.tasks["a"].status is Status.RUNNING
    assert same(run, state(queue))


def test_events_are_gapless_and_in_the_stream(queue: Queue, client: redis.Redis) -> None:
    queue.enqueue_many([task(f"t{i}") for i in range(20)])
    queue.want(Wanted.PAUSED)
    queue.set_campaign({"name": "n", "phases": []})
    queue.finish(5.0)
    rows = client.execute_command("XRANGE", "cq:events", "-", "+")
    events = [codec.decode_event(fields[b"e"]) for _, fields in rows]
    assert [event.seq for event in events if event] == list(range(1, 24))
    assert state(queue).campaign.name == "n"
    assert state(queue).finished_ts == 5.0
    assert state(queue).wanted is Wanted.PAUSED


def _publish_nothing(feed: Feed, queue: Queue) -> None:
    """Takes the messages that are under way out of the subscription, as a cut does."""
    assert feed._pubsub is not None
    for _ in range(3):
        while feed._pubsub.get_message(timeout=0.05) is not None:
            pass


def test_dropped_messages_come_from_the_stream(queue: Queue, feed: Feed) -> None:
    events = feed.poll(5)
    queue.enqueue_many([task("a"), task("b")])
    _publish_nothing(feed, queue)
    queue.enqueue(task("c"))
    more = feed.poll(5)
    assert [event.seq for event in more if event.kind is not Kind.SNAPSHOT] == [1, 2, 3]
    assert same(after(events + more), state(queue))


def test_dropped_progress_of_a_task_that_has_ended_comes_too(queue: Queue, feed: Feed) -> None:
    queue.enqueue(task("a"))
    events = feed.poll(5)
    who = worker(queue)
    claim = claim_one(queue, who)
    queue.progress(who, [{"task": "a", "token": claim.token, "step": 9, "epoch": 10, "loss": 0.5}], {"pid": 3})
    queue.complete("a", claim.token, {"loss": 0.5})
    _publish_nothing(feed, queue)
    queue.enqueue(task("b"))
    run = after(events + feed.poll(5))
    assert run.tasks["a"].progress is not None, "no stream holds it"
    assert same(run, state(queue))


def test_what_the_stream_no_longer_has_comes_as_a_snapshot(queue: Queue, feed: Feed, client: redis.Redis) -> None:
    events = feed.poll(5)
    queue.enqueue_many([task("a"), task("b"), task("c")])
    _publish_nothing(feed, queue)
    client.execute_command("XTRIM", "cq:events", "MAXLEN", 1)
    queue.enqueue(task("d"))
    more = feed.poll(5)
    assert more[0].kind is Kind.SNAPSHOT
    assert same(after(events + more), state(queue))


def test_a_killed_subscription_is_made_anew(queue: Queue, feed: Feed, client: redis.Redis) -> None:
    events = feed.poll(5)
    client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    queue.enqueue(task("a"))
    eventually(lambda: "a" in polled(feed, events).tasks)
    queue.enqueue(task("b"))
    eventually(lambda: "b" in polled(feed, events).tasks)
    assert same(after(events), state(queue))


def test_the_watchdog_finds_what_never_came(queue: Queue, feed: Feed) -> None:
    events = feed.poll(5)
    queue.enqueue(task("a"))
    _publish_nothing(feed, queue)
    eventually(lambda: "a" in polled(feed, events).tasks)


@pytest.mark.parametrize("deaf", [True, False])
def test_a_dead_subscription_is_found_out(queue: Queue, deaf: bool) -> None:
    """One that is alive is not, though nothing is heard of it while its reader is busy for longer than that."""
    now = [0.0]
    place = where(queue)
    made: list[redis.Redis] = []
    heard: list[object] = []

    class Client(redis.Redis):
        def pubsub(self, **_: Any) -> PubSub:
            return Hearing(self.connection_pool)

    class Hearing(PubSub):
        def get_message(self, ignore_subscribe_messages: bool = False, timeout: float = 0.0) -> Any:
            if deaf and heard:
                return None
            heard.append(message := super().get_message(timeout=max(timeout, 0.2)))
            return message

    def connect() -> redis.Redis:
        heard.clear()
        made.append(Client(unix_socket_path=place["socket"], password=place["password"], protocol=2))
        return made[-1]

    feed = Feed(connect, monotonic=lambda: now[0])
    feed.poll(0)
    for _ in range(SILENT_PINGS + 2):
        now[0] += 100.0
        feed.poll(0)
    feed.close()
    assert len(made) == (2 if deaf else 1)


def test_malformed_messages_disturb_nothing(queue: Queue, feed: Feed, client: redis.Redis) -> None:
    events = feed.poll(5)
    later = codec.encode_event(Event(Kind.NOTICE, 1.0, 1, 1)).replace(b'"v":1', b'"v":2')
    for raw in (b"", b"\xff", b"[]", b'{"v":1}', later, b'{"v":1,"kind":"task.done","ts":"x"}', b"[" * 5000):
        client.publish("cq:events", raw)
    queue.enqueue(task("a"))
    more = feed.poll(5)
    assert [event.task for event in more] == ["a"]
    assert same(after(events + more), state(queue))


def test_notices_reach_a_late_reader(queue: Queue, feed: Feed) -> None:
    queue.notice("warning", "first \udcff")
    queue.notice("info", "second")
    assert [notice.text for notice in after(feed.poll(5)).notices] == ["first ?", "second"]


def test_a_server_that_refuses_says_why(tmp_path: Path) -> None:
    replies = {"PING": "-LOADING Redis is loading the dataset in memory"}
    with Canned(replies) as server:
        feed = Feed(lambda: connect_url(server.url))
        said = feed.poll(5)
        replies["PING"] = "-NOPERM this user has no permissions to run the 'ping' command"

        def is_said() -> bool:
            said.extend(feed.poll(1))
            return len(said) > 1

        eventually(is_said)
        assert feed.poll(0.5) == [], "once"
    away, refuses = (event.data["why"] for event in said)
    assert away == ""
    assert "(NOPERM)" in refuses


def test_a_server_that_is_away_is_an_event(short_dir: Path) -> None:
    server = EmbeddedServer(short_dir / "away")
    handle = server.start()
    queue = Queue(handle.connect())
    open_epoch(queue.client, short_dir / "away" / "server" / "epoch")
    queue.enqueue(task("a"))
    feed = Feed(handle.connect, clock=lambda: 7.0)
    events = feed.poll(5)
    os.kill(handle.pid, signal.SIGKILL)
    eventually(lambda: not polled(feed, events).online)
    assert after(events).offline_since == 7.0
    assert feed.poll(0) == []
    again = server.start()
    eventually(lambda: polled(feed, events).online)
    assert [event.data["online"] for event in events if event.kind is Kind.CONNECTION] == [True, False, True]
    queue.enqueue(task("b"))
    eventually(lambda: "b" in polled(feed, events).tasks)
    feed.close()
    queue.client.close()
    handle.detach()
    assert again.leave()


def test_a_rebuilt_server_replaces_what_was_known(
    queue: Queue, feed: Feed, client: redis.Redis, tmp_path: Path
) -> None:
    queue.enqueue(task("old"))
    events = feed.poll(5)
    (tmp_path / "epoch").write_text("1\n")
    client.flushall()
    assert open_epoch(client, tmp_path / "epoch") == (2, True)
    queue.enqueue(task("new"))
    eventually(lambda: set(polled(feed, events).tasks) == {"new"})


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=40), cut=st.integers(0, 40))
def test_a_snapshot_and_what_follows_equals_all_events(
    queue: Queue, steps: list[tuple[str, str, int]], cut: int
) -> None:
    client = queue.client
    client.flushall()
    client.execute_command("HSET", queue.keys.meta, "epoch", 1)
    early, late = reader(queue), reader(queue)
    seen_early, seen_late = early.poll(5), list[Event]()
    machine = Machine(queue)
    for i, step in enumerate([("enqueue", "a", 1), ("enqueue", "b", 1), *steps]):
        if i == cut:
            seen_late += late.poll(5)
        machine.step(*step)
        invariants(queue)
    queue.notice("info", "end")
    for feed, seen in ((early, seen_early), (late, seen_late)):
        drain(feed, seen, state(queue).seq)
        feed.close()
        # Progress has no seq: an event of it may come after the last.
        assert same(after(seen), state(queue))
    assert {r.id for r in queue.results()} >= {k for k, t in state(queue).tasks.items() if t.status is Status.DONE}
