"""When a worker that died is started again. Pure: time is an argument."""

from cqltui.backoff import pause_s

FIRST_S = 1.0
LONGEST_S = 60.0
HEALTHY_S = 20.0


class Restart:
    """Doubles the pause with each death; a worker that lived for a while starts over."""

    def __init__(self) -> None:
        self._deaths = 0
        self._ready_at = 0.0
        self._started_at = 0.0

    def started(self, now: float) -> None:
        """Note that the worker was started."""
        self._started_at = now

    def died(self, now: float) -> float:
        """Note that the worker is gone; return the seconds until it may start again."""
        healthy = now - self._started_at >= HEALTHY_S
        self._deaths = 1 if healthy else self._deaths + 1
        pause = pause_s(self._deaths, FIRST_S, LONGEST_S)
        self._ready_at = now + pause
        return pause

    def ready(self, now: float) -> bool:
        """Return whether it may start."""
        return now >= self._ready_at
