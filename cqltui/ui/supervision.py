"""Whether the run has a supervisor: without one nothing starts workers, nor takes their results over."""

from collections.abc import Callable

from cqltui.ui.background import Background

MISSING_S = 3.0
"""For a moment there is none while a run starts, finishes, or gets another."""


class Supervision:
    """Looks in the background, one look at a time."""

    def __init__(self, supervised: Callable[[], bool], background: Background, clock: Callable[[], float]) -> None:
        self._supervised, self._background, self._clock = supervised, background, clock
        self._busy = False
        self._missing_since: float | None = None

    def look(self) -> None:
        """Look, unless the last look is still under way."""
        if not self._busy:
            self._busy = True
            self._background.call(self._ask, self._seen, lambda error: self._seen(True))

    def missing(self, now: float) -> bool:
        """Whether there has been none for a while."""
        return self._missing_since is not None and now - self._missing_since >= MISSING_S

    def _ask(self) -> bool:
        try:
            return self._supervised()
        except OSError:
            return True  # who may not look cannot tell

    def _seen(self, supervised: bool) -> None:
        self._busy = False
        if supervised:
            self._missing_since = None
        elif self._missing_since is None:
            self._missing_since = self._clock()
