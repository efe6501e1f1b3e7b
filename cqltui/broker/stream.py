"""The stream of lifecycle events, read from a place on: for those who must not miss one."""

from collections.abc import Iterator

from cqltui.broker import codec
from cqltui.broker.queue import Queue
from cqltui.state.events import Event

PAGE = 1000


def events_after(queue: Queue, version: tuple[int, int]) -> Iterator[Event]:
    """The events after (epoch, seq), in order, as far back as the capped stream reaches. Raises redis.RedisError."""
    epoch, seq = version
    while True:
        start = f"({epoch}-{seq}"
        rows = queue.client.execute_command("XRANGE", queue.keys.events, start, "+", "COUNT", PAGE)
        for place, fields in rows:
            epoch, seq = map(int, place.split(b"-"))
            if (event := codec.decode_event(fields.get(b"e"))) is not None:
                yield event
        if len(rows) < PAGE:
            return
