"""The tables and the summary while a campaign runs: whoever looks into results/ in the night finds what is done."""

import logging
import time
from collections.abc import Callable

from cqltui.state.events import Event
from cqltui.state.model import RunState, Status

log = logging.getLogger(__name__)

EVERY_S = 10.0
COST_SHARE = 50
"""They are written no sooner after the last time than so many times as long as that took."""


class Interim:
    """Writes the results anew when a task has been done."""

    def __init__(self, write: Callable[[RunState], object]) -> None:
        self._write = write
        self._next = 0.0
        self._done: frozenset[tuple[str, str]] = frozenset()
        """(task, token) of the results that are in the tables."""

    def handle(self, before: RunState, event: Event, after: RunState) -> None:
        """Nothing: what ends together is written together."""

    def tick(self, state: RunState, now: float) -> None:
        """Write them if it is time. A disk that refuses is tried again."""
        began = time.monotonic()
        if began < self._next or not state.online:
            return
        done = frozenset((t.id, t.life.token) for t in state.tasks.values() if t.status is Status.DONE)
        if done == self._done:
            return
        try:
            self._write(state)
            self._done = done
        except OSError as error:
            log.warning("the results so far could not be written: %s", error)
        finally:
            self._next = time.monotonic() + max(EVERY_S, COST_SHARE * (time.monotonic() - began))
