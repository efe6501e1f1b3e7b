"""Tells the server how the blocks of workers elsewhere stand, for those who look."""

import time

from cqltui.broker.protocol.queue import Queue
from cqltui.state.placed import BlockInfo
from cqltui.supervisor.fleet import Fleet

AGAIN_S = 60.0
"""What was told is told again, since a server may have lost it."""


class Placed:
    """Of one run."""

    def __init__(self, queue: Queue, fleet: Fleet) -> None:
        self._queue = queue
        self._fleet = fleet
        self._told: tuple[BlockInfo, ...] | None = None
        self._told_ts = 0.0

    def tell(self) -> None:
        """Tell what has changed. Raises RedisError."""
        now, blocks = time.monotonic(), self._fleet.blocks()
        if blocks != self._told or (blocks and now - self._told_ts > AGAIN_S):
            self._queue.set_blocks(blocks)
            self._told, self._told_ts = blocks, now
