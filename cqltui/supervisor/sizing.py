"""How many workers a run has on this machine: what its file says, until somebody asks for another number."""

import logging
from collections.abc import Callable

from cqltui.broker.protocol.queue import Queue
from cqltui.placement.process import Launcher
from cqltui.state.model import RunState
from cqltui.state.plain import plain
from cqltui.supervisor.fleet import Fleet

log = logging.getLogger(__name__)

SHOWN = 80
"""Characters of who asked, which is foreign."""


class Sizing:
    """Steers by what is asked for on the server, as `cqltui workers` and the screen do."""

    def __init__(self, queue: Queue, count: int, limit: int, elsewhere: int = 0) -> None:
        """`count`: what the file says of this machine. `limit`: as many as it can have; as many as the file says at
        least. `elsewhere`: those of the blocks, which nobody steers."""
        self._queue = queue
        self.count = count
        """Workers now."""
        self.limit = max(count, limit)
        self._elsewhere = elsewhere
        self._asked = 0

    @property
    def total(self) -> int:
        """Workers of all machines: each takes its share of what is queued."""
        return self.count + self._elsewhere

    def open(self) -> None:
        """Go on with what was asked for before, unless the run has come to its end since: it then has what its file
        says. Call it before the run is said to go on. Raises RedisError."""
        if self._queue.is_finished():
            self._queue.ask_workers(0)
        elif asked := self._queue.asked_workers():
            self._asked, self.count = asked, self._allowed(asked)
            self._queue.notice("info", f"{_workers(self.count)}, as was asked for before this supervisor started")
        self._queue.set_workers(self.total)

    def put_back(self) -> None:
        """Ask for it again, after the server's data was lost. Raises RedisError."""
        if self._asked and not self._queue.asked_workers():
            self._queue.ask_workers(self._asked)

    def follow(
        self, state: RunState, fleet: Fleet, launcher: Callable[[int], Launcher], tell: Callable[[RunState], None]
    ) -> None:
        """Do what has been asked for since the last call: those too many leave after a checkpoint, those that are
        missing are started by `Fleet.tend`. Raises RedisError; then the next call does it again."""
        asked = state.asked_workers
        if asked in (0, self._asked):
            return
        former, self.count = self.count, self._allowed(asked)
        fleet.resize(self.count, launcher(self.count))
        self._queue.set_workers(self.total)
        tell(state)
        who = f" (asked for by {plain(state.asked_workers_by, SHOWN)})" if state.asked_workers_by else ""
        if self.count != former:
            self._say("info", f"{_workers(self.count)} from now on in place of {former}{who}")
        if self.count < asked:
            self._say("warning", f"{_workers(asked)} were asked for{who}; this machine can have {self.limit} at most")
        self._asked = asked

    def _allowed(self, asked: int) -> int:
        return max(1, min(asked, self.limit))

    def _say(self, level: str, text: str) -> None:
        log.info("%s", text)
        self._queue.notice(level, text)


def _workers(count: int) -> str:
    return f"{count} worker{'s' * (count != 1)}"
