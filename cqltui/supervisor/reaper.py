"""Which leases have expired, and which tasks hang. Pure: time is an argument, and runs only while the server answers.

Neither a clock that jumps nor a server that was away can expire a lease: what counts is how long a value did not change
while it could have.
"""

from collections.abc import Hashable, Mapping

MAX_TICK_S = 2.0


class AnsweringClock:
    """Seconds during which the server answered. A pause of the machine or of this process counts as one short tick."""

    def __init__(self, max_tick_s: float = MAX_TICK_S) -> None:
        """`max_tick_s`: what a pause counts at most; far less than a lease, since its holder paused as well."""
        self.now = 0.0
        self._max_tick_s = max_tick_s
        self._last: float | None = None

    def answered(self, monotonic: float) -> None:
        """Note that the server has answered just now."""
        if self._last is not None:
            self.now += min(monotonic - self._last, self._max_tick_s)
        self._last = monotonic

    def silent(self) -> None:
        """Note that the server did not answer: the time until it does is not counted."""
        self._last = None


class Unchanged:
    """How long each of a set of values has stayed the same."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Hashable, float]] = {}

    def watch(self, values: Mapping[str, Hashable], now: float) -> dict[str, float]:
        """Take the values as they are now; seconds since each has changed. Those no longer named are forgotten."""
        self._seen = {
            key: self._seen[key] if key in self._seen and self._seen[key][0] == value else (value, now)
            for key, value in values.items()
        }
        return {key: now - since for key, (_, since) in self._seen.items()}

    def longer_than(self, values: Mapping[str, Hashable], now: float, limit_s: float) -> list[str]:
        """Return the keys whose value has not changed for more than `limit_s`."""
        return [key for key, age in self.watch(values, now).items() if age > limit_s]
