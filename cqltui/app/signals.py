"""Signals that ask the process of a supervisor to stop."""

import signal
from types import FrameType
from typing import Any

from cqltui import streams
from cqltui.supervisor.supervisor import Supervisor

STOPPING = "cqltui: stopping, workers write their checkpoints (once more to end them at once)\n"


class Signals:
    """Ctrl-C and its kin: checkpoint and stop; a second Ctrl-C ends the workers at once. Asked while the run is being
    put together, the run ends as soon as it stands, so that nothing half-made is left."""

    def __init__(self) -> None:
        self._asked = False
        self._supervisor: Supervisor | None = None
        self._before: dict[int, Any] = {}

    def reach(self, supervisor: Supervisor) -> None:
        """Whom to tell, from now on."""
        self._supervisor = supervisor
        if self._asked:
            supervisor.ask_stop()

    def __enter__(self) -> "Signals":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN or number != signal.SIGHUP:
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        again, self._asked = self._asked, True
        if not again:
            if self._supervisor is not None:
                self._supervisor.ask_stop()
            streams.tell_from_handler(STOPPING)  # after: it may fail, and the run must stop all the same
        elif number == signal.SIGINT:
            if self._supervisor is None:
                raise KeyboardInterrupt
            self._supervisor.kill_workers()
