"""Feeds over a queue's server, and what they know."""

from typing import Any

from msgspec.structs import replace

from cqltui.broker.feed.feed import Feed
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.connect import client_of
from cqltui.state.events import Event
from cqltui.state.model import RunState, Tally
from tests.contract.helpers import after, eventually


def where(queue: Queue) -> dict[str, Any]:
    """What a client of the queue's server is made from."""
    return dict(queue.client.connection_pool.connection_kwargs["place"].now())


def reader(queue: Queue) -> Feed:
    """A feed with connections of its own."""
    place = where(queue)
    return Feed(lambda: client_of(place))


def polled(feed: Feed, events: list[Event]) -> RunState:
    """The state after the events so far and those that the feed has now."""
    events += feed.poll(0.1)
    return after(events)


def drain(feed: Feed, events: list[Event], seq: int) -> None:
    """Reads on until the event of that number."""
    eventually(lambda: polled(feed, events).seq >= seq)


def same(one: RunState, other: RunState) -> bool:
    """Whether two readers know the same of the run. Each one's own: its clock, its connection, and by which version
    it learnt what is fixed about a task."""
    return _told(one) == _told(other)


def _told(run: RunState) -> RunState:
    live = {name: known for name, known in run.workers.items() if not known.stopped}
    tasks = {name: replace(known, info_version=(0, 0)) for name, known in run.tasks.items()}
    own = replace(run, read_version=(0, 0), counted=Tally(), online=False, offline_since=0.0)
    return replace(own, workers=live, tasks=tasks, now=0.0, notices=())
