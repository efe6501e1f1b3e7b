"""When a worker that died is started again. Pure: time is an argument."""

from cqltui.backoff import pause_s

FIRST_S = 1.0
LONGEST_S = 60.0
HEALTHY_S = 20.0


class Restart:
    """Doubles the pause with each death; a worker that lived for a while starts over."""

    def __init__(self, pauses_s: tuple[float, float] | None = None, healthy_s: float | None = None) -> None:
        """`pauses_s`: the first and the longest; those of a process of this machine by default."""
        self._first_s, self._longest_s = (FIRST_S, LONGEST_S) if pauses_s is None else pauses_s
        self._healthy_s = HEALTHY_S if healthy_s is None else healthy_s
        self._deaths = 0
        self._ready_at = 0.0
        self._started_at = 0.0

    def started(self, now: float) -> None:
        """Note that the worker was started."""
        self._started_at = now

    def died(self, now: float) -> float:
        """Note that the worker is gone; return the seconds until it may start again."""
        healthy = now - self._started_at >= self._healthy_s
        self._deaths = 1 if healthy else self._deaths + 1
        pause = pause_s(self._deaths, self._first_s, self._longest_s)
        self._ready_at = now + pause
        return pause

    def ready(self, now: float) -> bool:
        """Return whether it may start."""
        return now >= self._ready_at
