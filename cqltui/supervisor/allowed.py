"""How many workers the run may have under its user's quota on the server: no more are started, and why is told."""

import time

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.quotas import Quota
from cqltui.state.placed import QUOTA, BlockInfo
from cqltui.supervisor.fleet import Fleet

ASK_S = 5.0
"""Between two questions."""


class Allowed:
    """Of one run."""

    def __init__(self, queue: Queue, fleet: Fleet) -> None:
        self._queue = queue
        self._fleet = fleet
        self._next = 0.0
        self._told = ""

    def follow(self) -> None:
        """Ask, if it is time; have the fleet start no more than there are places, and tell when that changes. Raises
        RedisError and ServerError."""
        if (now := time.monotonic()) < self._next:
            return
        self._next = now + ASK_S
        quota = self._queue.quota()
        if quota.limit is None or quota.used is None:
            self._fleet.limit(None)
            self._tell("", quota.rule)
            return
        own = sum(place.removeprefix(f"{self._queue.keys.prefix}|") in self._fleet for place in quota.places)
        most = max(0, quota.limit - (quota.used - own))
        short = most < self._fleet.size
        self._fleet.limit(most, _shown(quota, most if short else None))
        rule = quota.rule
        self._tell(f"{rule}: not all of this run's {self._fleet.size:,} work at once" if short else "", rule)

    def _tell(self, text: str, otherwise: str) -> None:
        """Tell that workers are kept waiting, and by another text that they are no more; each once."""
        if text != self._told:
            self._queue.notice(*(("warning", text) if text else ("info", f"{otherwise}: there are places for all")))
            self._told = text


def _shown(quota: Quota, most: int | None) -> BlockInfo:
    """Return what those see who look at the fleet."""
    said = f"user {quota.user}, {quota.used:,} of {quota.limit:,} workers on this server, set by {quota.by}"
    trouble = "" if most is None else f"this run may have {most:,} of its workers now"
    return BlockInfo(said, QUOTA, quota.limit or 0, (), trouble)
