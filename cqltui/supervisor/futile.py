"""Whether a run gets anywhere: some troubles come again with each try. Pure: time is an argument."""

from collections import Counter

TRIES = 4
REFUSED_S = 60.0


class Futile:
    """Counts tries until a first worker has got to work. From then on a run is never given up."""

    def __init__(self) -> None:
        self._worked = False
        self._ends: Counter[str] = Counter()
        self._reason = ""
        self._refused_since: float | None = None

    def worked(self) -> None:
        """Note that a worker has told the server that it is there."""
        self._worked = True

    def ended(self, worker_id: str, reason: str) -> None:
        """Note that a worker was started in vain."""
        self._ends[worker_id] += 1
        self._reason = reason

    def refused(self, why: str, now: float) -> None:
        """Note what the server says that answers and cannot be used; empty if it is none such."""
        if not why:
            self._refused_since = None
        elif self._refused_since is None:
            self._refused_since = now
        if why:
            self._reason = why

    def verdict(self, alive: int, now: float) -> str:
        """Return why the run is of no use; empty while there is hope. `alive`: workers that live, and may yet get to
        work."""
        if self._worked or alive:
            return ""
        if self._ends and min(self._ends.values()) >= TRIES:
            return f"no worker has got to work, each was tried {TRIES} times: {self._reason}"
        if self._refused_since is not None and now - self._refused_since >= REFUSED_S:
            return f"no worker could be started for {REFUSED_S:.0f} s: {self._reason}"
        return ""
