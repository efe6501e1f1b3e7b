"""How much time a worker has: until the end of its epoch, and until its machine is taken away."""

import math
import time
from collections.abc import Callable

PATIENT_S = 1.0
"""An epoch that ends within it is finished after the word to stop: it costs less than to train it again."""
LEAVE_S = 60.0
"""A worker leaves so long before its machine goes: its checkpoints and its word to the server take a moment."""
START_S = 10.0
"""What a claim takes at least until its first checkpoint: data, compiled code, an epoch."""


class EpochClock:
    """How far the epoch under way is, by the steps of it that are done."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._done, self._steps = 0, 1
        self.longest_s = 0.0
        """Seconds of the longest epoch."""

    def start(self, steps: int) -> None:
        """Begin an epoch of so many steps."""
        self._started, self._done, self._steps = self._clock(), 0, max(1, steps)

    def step(self) -> None:
        """Note that a step of it is done."""
        self._done += 1

    def end(self) -> float:
        """End the epoch; return the seconds that it took."""
        took = self._clock() - self._started
        self.longest_s = max(self.longest_s, took)
        return took

    @property
    def left_s(self) -> float:
        """Seconds until its end at the speed so far; infinite before the first step."""
        if not self._done:
            return math.inf
        return (self._clock() - self._started) / self._done * max(0, self._steps - self._done)


class Deadline:
    """When the machine is taken away, as whoever lent it has said."""

    def __init__(self, end_ts: float = math.inf, clock: Callable[[], float] = time.time) -> None:
        self._end_ts, self._clock = end_ts, clock

    @classmethod
    def told_by(cls, text: str | None) -> "Deadline":
        """Return the deadline of an environment variable, in seconds since 1970; none of what is no such number."""
        try:
            end_ts = float(text or "")
        except ValueError:
            return cls()
        return cls(end_ts if math.isfinite(end_ts) and end_ts > 0 else math.inf)

    @property
    def left_s(self) -> float:
        """Seconds until the worker must leave, so that it is gone in time."""
        return self._end_ts - LEAVE_S - self._clock()

    def is_enough(self, epoch_s: float) -> bool:
        """Return whether a task could reach a checkpoint before; `epoch_s`: of the longest epoch so far."""
        return self.left_s > max(START_S, 2 * epoch_s)
