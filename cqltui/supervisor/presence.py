"""Tells the server now and then that the run has a supervisor, for those who list its campaigns."""

import time
from collections.abc import Callable

from cqltui.broker.protocol.census import PRESENT_S
from cqltui.broker.protocol.queue import Queue
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
        """Say so if it is time, and the server answers. Raises RedisError and ServerError."""
        if state.online and time.monotonic() >= self._next:
            self._next = time.monotonic() + PRESENT_S
            self._queue.present(self._expected_ts(), self._weight)
