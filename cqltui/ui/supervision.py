"""Whether the run has a supervisor that can do its work: it starts workers, and takes their results over."""

from collections.abc import Callable

from cqltui.ui.background import Background

MISSING_S = 3.0
"""For a moment there is none while a run starts, finishes, or gets another."""


class Supervision:
    """Looks in the background, one look at a time."""

    def __init__(
        self,
        supervised: Callable[[], bool],
        hindered: Callable[[], str],
        background: Background,
        clock: Callable[[], float],
    ) -> None:
        self._supervised, self._hindered = supervised, hindered
        self._background, self._clock = background, clock
        self._busy = False
        self.hindered = ""
        """What keeps it from its work."""
        self._missing_since: float | None = None

    def look(self) -> None:
        """Look, unless the last look is still under way."""
        if not self._busy:
            self._busy = True
            self._background.call(self._ask, self._seen, lambda error: self._seen((True, "")))

    def missing(self, now: float) -> bool:
        """Return whether there has been none for a while."""
        return self._missing_since is not None and now - self._missing_since >= MISSING_S

    def _ask(self) -> tuple[bool, str]:
        try:
            return self._supervised(), self._hindered()
        except OSError:
            return True, ""  # who may not look cannot tell

    def _seen(self, found: tuple[bool, str]) -> None:
        self._busy = False
        supervised, self.hindered = found
        if supervised:
            self._missing_since = None
        elif self._missing_since is None:
            self._missing_since = self._clock()
