"""Tells the server now and then that the run has a supervisor, for those who list its campaigns."""

import time
from collections.abc import Callable
from contextlib import suppress

from redis.exceptions import RedisError

from cqltui.broker.protocol.census import PRESENT_S
from cqltui.broker.protocol.queue import Queue
from cqltui.errors import ServerError
from cqltui.state.events import Event
from cqltui.state.model import RunState


class Presence:
    """A reporter that says so to the server alone."""

    def __init__(self, queue: Queue, weight: int, expected_ts: Callable[[], float | None]) -> None:
        """`expected_ts`: when the run is going to end, None while that is not known."""
        self._queue = queue
        self._weight = weight
        self._expected_ts = expected_ts
        self._next = 0.0

    def handle(self, before: RunState, event: Event, after: RunState) -> None:
        """Nothing: time alone counts."""

    def tick(self, state: RunState, now: float) -> None:
        """Say so if it is time, and the server answers. One that is full or away is told the next time: what that means
        for the run, others say."""
        if state.online and time.monotonic() >= self._next:
            self._next = time.monotonic() + PRESENT_S
            with suppress(RedisError, ServerError):
                self._queue.present(self._expected_ts(), self._weight)
