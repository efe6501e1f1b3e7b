"""Feeds over a queue's server."""

from cqltui.broker.bus import Feed
from cqltui.broker.connect import client_of
from cqltui.broker.queue import Queue


def reader(queue: Queue) -> Feed:
    """A feed with connections of its own."""
    settings = queue.client.connection_pool.connection_kwargs
    where = {"socket": settings["path"], "port": 0, "password": settings["password"]}
    return Feed(lambda: client_of(where))
