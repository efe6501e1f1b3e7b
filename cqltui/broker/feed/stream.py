"""The stream of lifecycle events, read from a place on: for those who must not miss one."""

from collections.abc import Iterator

import redis

from cqltui.broker.protocol import codec
from cqltui.broker.protocol.bounded import parts
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import RefusedError
from cqltui.state.events import Event

PAGE = 1000


def events_after(queue: Queue, version: tuple[int, int]) -> Iterator[Event]:
    """Return the events after (epoch, seq), in order, as far back as the capped stream reaches. Raises
    redis.RedisError."""
    return (event for _, event in _entries(queue.client, queue.keys, version) if event is not None)


def is_readable(client: redis.Redis, keys: Keys, version: tuple[int, int]) -> bool:
    """Return whether each event of this epoch after (epoch, seq) is what was written. The server's file has no
    checksums: one that was damaged inside a value is loaded as if it were whole. Raises redis.RedisError."""
    try:
        return all(
            event is not None and (event.epoch, event.seq) == place
            for place, event in _entries(client, keys, version)
            if place[0] == version[0]
        )
    except redis.ResponseError:  # a key of another type: the next event takes its place
        return True


def _entries(
    client: redis.Redis, keys: Keys, version: tuple[int, int]
) -> Iterator[tuple[tuple[int, int], Event | None]]:
    """Place and event, None for one that cannot be read."""
    epoch, seq = version
    for _ in parts("the events"):
        rows = client.execute_command("XRANGE", keys.events, f"({epoch}-{seq}", "+", "COUNT", PAGE)
        for place, fields in rows:
            before, (epoch, seq) = (epoch, seq), map(int, place.split(b"-"))
            if (epoch, seq) <= before:
                raise RefusedError("the server's events are not in order: it is not one that cqltui has filled")
            yield (epoch, seq), codec.decode_event(fields.get(b"e"))
        if len(rows) < PAGE:
            return
