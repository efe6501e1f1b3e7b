"""Tells the user's reporters what happens, whatever becomes of them."""

import logging
from collections.abc import Callable, Sequence
from functools import partial

from cqltui.state.events import Event
from cqltui.state.model import RunState
from cqltui.supervisor.hooks import Reporter

log = logging.getLogger(__name__)


class Telling:
    """All reporters of a run. One that fails ends no run; each kind of failure is logged once."""

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self._reporters = reporters
        self._failed: set[tuple[str, str]] = set()
        """Reporter and error."""

    def handle(self, before: RunState, event: Event, after: RunState) -> None:
        """One event, with the state around it."""
        for reporter in self._reporters:
            self._guarded(reporter, partial(reporter.handle, before, event, after))

    def tick(self, state: RunState, now: float) -> None:
        """Time has passed."""
        for reporter in self._reporters:
            self._guarded(reporter, partial(reporter.tick, state, now))

    def _guarded(self, reporter: Reporter, tell: Callable[[], None]) -> None:
        try:
            tell()
        except Exception as error:
            what = (type(reporter).__name__, type(error).__name__)
            if what not in self._failed:
                self._failed.add(what)
                log.warning("%s cannot tell what happens (%s); the run goes on", *what, exc_info=True)
