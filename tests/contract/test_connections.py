"""Connections of a feed and of a worker: none is leaked, none is given up for a message that has come in part."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
import redis
from redis._parsers import _HiredisParser, _RESP2Parser

from cqltui.app.joining import place_of
from cqltui.broker.feed.feed import Feed
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Claim, Directive, Registration, Report
from cqltui.broker.server.access import Server
from cqltui.broker.server.connect import client_of
from cqltui.broker.server.epoch import open_epoch
from cqltui.broker.server.handle import ServerHandle
from cqltui.state.events import Event, Kind
from cqltui.worker.link import Link
from tests.contract.helpers import eventually, life, state, task
from tests.contract.readers import polled, reader, where


def _connections(client: redis.Redis) -> int:
    return len(client.client_list())


def _subscriptions(client: redis.Redis) -> set[str]:
    return {found["id"] for found in client.client_list(_type="pubsub")}


# Leaks


def test_a_feed_that_recovers_time_and_again_holds_three_connections(queue: Queue, client: redis.Redis) -> None:
    queue.notice("info", "this side's connections are open")
    before = _connections(client)
    feed, events = reader(queue), list[Event]()
    events += feed.poll(5)
    for number in range(5):
        assert feed._pubsub is not None
        queue.enqueue(task(f"lost{number}"))
        assert feed._pubsub.get_message(timeout=60), "it is lost"
        queue.enqueue(task(f"gap{number}"))
        eventually(lambda number=number: f"gap{number}" in polled(feed, events).tasks)  # type: ignore[misc]
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        queue.enqueue(task(f"again{number}"))
        eventually(lambda number=number: f"again{number}" in polled(feed, events).tasks)  # type: ignore[misc]
    assert sum(event.kind is Kind.SNAPSHOT for event in events) > 5, "it has recovered"
    assert _connections(client) - before <= 3, "its subscription, its scripts' and its other commands'"
    feed.close()
    eventually(lambda: _connections(client) == before)


def test_opening_an_epoch_holds_no_connection(client: redis.Redis, tmp_path: Path) -> None:
    client.ping()
    before = _connections(client)
    for number in range(1, 6):
        (tmp_path / "epoch").write_text(f"{10 * number}\n")
        open_epoch(client, tmp_path / "epoch")
    assert _connections(client) == before


# Half a message


class Splitter:
    """A way to the server on which a message stays in its middle until it is let go."""

    def __init__(self, server: str) -> None:
        self.path = str(Path(mkdtemp(prefix="cqltui-test-")) / "s")
        self.hold = threading.Event()
        self.held, self.go = threading.Event(), threading.Event()
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """No more connections."""
        self.go.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while piece := source.recv(1 << 16):
                if self.hold.is_set() and piece.rfind(b"$9\r\ncq:events") > 0:
                    target.sendall(piece[:-40])
                    self.held.set()
                    self.go.wait()
                    piece = piece[-40:]
                target.sendall(piece)
        except OSError:
            pass
        finally:
            target.close()


@pytest.fixture
def splitter(queue: Queue) -> Iterator[Splitter]:
    """A way to the queue's server."""
    made = Splitter(where(queue)["socket"])
    yield made
    made.close()


@pytest.mark.parametrize("parser", [_HiredisParser, _RESP2Parser])
@pytest.mark.parametrize("timeout_s", [0.0, 0.05])
def test_half_a_message_is_waited_for(
    queue: Queue, client: redis.Redis, splitter: Splitter, parser: type, timeout_s: float
) -> None:
    def connect() -> redis.Redis:
        made = client_of({**where(queue), "socket": splitter.path})
        made.connection_pool.connection_kwargs["parser_class"] = parser
        return made

    others = _subscriptions(client)
    feed = Feed(connect)
    assert feed.poll(5)[-1].kind is Kind.SNAPSHOT
    (subscription,) = _subscriptions(client) - others
    splitter.hold.set()
    queue.enqueue_many([task("a"), task("b")])
    assert splitter.held.wait(60)
    seen = [event for _ in range(20) for event in feed.poll(timeout_s)]
    splitter.go.set()
    eventually(lambda: "b" in polled(feed, seen).tasks)
    assert [(event.kind, event.task) for event in seen] == [(Kind.TASK_QUEUED, "a"), (Kind.TASK_QUEUED, "b")]
    assert subscription in _subscriptions(client)
    feed.close()


def test_what_came_before_a_loss_is_told(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = reader(queue)
    feed.poll(5)
    queue.enqueue(task("a"))
    assert feed._pubsub is not None
    get_message = feed._pubsub.get_message

    def once(timeout: float) -> Any:
        monkeypatch.setattr(feed._pubsub, "get_message", _cut)
        return get_message(timeout=60)

    monkeypatch.setattr(feed._pubsub, "get_message", once)
    assert [event.kind for event in feed.poll(5)] == [Kind.TASK_QUEUED, Kind.CONNECTION]
    feed.close()


def _cut(timeout: float) -> None:
    raise redis.ConnectionError("cut")


# A worker that registers again


class Interrupted(Queue):
    """A thread that acts on the answer to its heartbeat, or to its registration, late or never."""

    after_heartbeat: Callable[[], object] | None = None
    answers_lost = 0

    def heartbeat(self, worker: Registration, leases: Mapping[str, str], data: Mapping[str, Any]) -> Report:
        """The other thread comes in between."""
        report = super().heartbeat(worker, leases, data)
        if self.after_heartbeat is not None:
            self.after_heartbeat()
        return report

    def register_worker(self, *args: Any, **kwargs: Any) -> Registration:
        """It arrives, but its answer may not."""
        worker = super().register_worker(*args, **kwargs)
        if self.answers_lost:
            self.answers_lost -= 1
            raise redis.TimeoutError("lost")
        return worker


def _link(queue: Queue) -> Link:
    return Link(queue, "w1", {"pid": 1, "device": "cpu"}, threading.Event())


def test_two_threads_that_register_one_worker_again_do_not_fence_what_it_claimed(queue: Queue) -> None:
    queue.enqueue(task("a"))
    link, beats, claims = _link(queue), Interrupted(queue.client), list[Claim]()
    queue.client.delete(queue.keys.worker("w1"))
    beats.after_heartbeat = lambda: claims.extend(link.claim(1, None, None))
    link.beat(beats, {}, {})  # told that it is unknown, while the training thread registers and claims
    beats.after_heartbeat = None
    (claim,) = claims
    assert link.beat(beats, {"a": claim.token}, {}) == {"a": Directive.OK}
    assert not any(lease.fenced for lease in queue.leases())
    assert queue.complete("a", claim.token, {"loss": 0.5})


def test_a_registration_whose_answer_is_lost_does_not_fence_its_own_process(queue: Queue) -> None:
    queue.enqueue(task("a"))
    flaky = Interrupted(queue.client)
    link = _link(flaky)
    queue.client.delete(queue.keys.worker("w1"))
    flaky.answers_lost = 1
    link.beat(flaky, {}, {})
    (claim,) = link.claim(1, None, None)
    assert link.beat(flaky, {"a": claim.token}, {}) == {"a": Directive.OK}
    assert not link.fenced


def test_a_worker_whose_hash_is_lost_keeps_what_it_holds(queue: Queue) -> None:
    queue.enqueue_many([task("a"), task("b")])
    link = _link(queue)
    first, second = (link.claim(1, None, None)[0] for _ in range(2))
    queue.client.delete(queue.keys.worker("w1"), queue.keys.active_workers)
    assert not any(lease.fenced for lease in queue.leases())
    assert queue.complete("a", first.token, {"loss": 0.5}), "before it has registered again"
    assert link.beat(queue, {"b": second.token}, {}) == {}
    assert link.beat(queue, {"b": second.token}, {}) == {"b": Directive.OK}
    assert life(queue, "b").attempt == 1
    assert state(queue).workers["w1"].tasks == ("b",)
    other = queue.register_worker("w1", {})
    assert link.beat(queue, {"b": second.token}, {}) == {"b": Directive.LOST}
    assert link.fenced, "another process is another"
    assert queue.heartbeat(other, {}, {}).registered


# What a worker asks first


def test_where_to_write_is_found_without_reading_all_tasks(
    queue: Queue, server: ServerHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.set_campaign({"name": "night", "run_dir": "/elsewhere/runs/night", "phases": []})
    here = Server(server.run_dir, None)
    monkeypatch.setattr(Queue, "snapshot", None)
    try:
        place, is_here = place_of(here, "w1")
    finally:
        here.leave()
    assert (place.path.name, is_here) == ("night@w1", False)
