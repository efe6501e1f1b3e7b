"""What must reach the server, although it may be away just now: how tasks have ended, what the user has to know."""

import logging
import threading
import time
from collections.abc import Callable

from msgspec import Struct

from cqltui.backoff import pause_s
from cqltui.broker.protocol.records import Claim
from cqltui.worker.link import PATIENCE_S, Link

log = logging.getLogger(__name__)

LEAVE_S = 10.0
"""How long a worker that is to leave waits for a server that does not answer."""
KEPT_S = 24 * 3600.0
"""How long a result waits for the server that nobody else can hand over, since it is on another machine's disk."""
PAUSE_FIRST_S, PAUSE_LONGEST_S = 0.2, 5.0


class _Letter(Struct, frozen=True):
    send: Callable[[], bool]
    claim: Claim | None


class Outbox:
    """Sends at once while the server answers; else keeps, in order. For the training thread."""

    def __init__(self, link: Link, stop: threading.Event, patience_s: float = PATIENCE_S) -> None:
        """`stop`: the process is to leave. `patience_s`: how long `empty` tries."""
        self._link = link
        self._patience_s = patience_s
        self._stop = stop
        self._letters: list[_Letter] = []

    def leases(self) -> dict[str, str]:
        """Task id to token of the tasks whose end is not told yet: they are held until it is. From any thread."""
        return {letter.claim.id: letter.claim.token for letter in list(self._letters) if letter.claim is not None}

    def post(self, send: Callable[[], bool], claim: Claim | None = None) -> None:
        """Send, now or later; `send` may be called several times. `claim`: of the task whose end it tells."""
        self._letters.append(_Letter(send, claim))
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the server answers."""
        while self._letters and self._link.ask(self._letters[0].send) is not None:
            self._letters.pop(0)

    def empty(self) -> None:
        """Send all that waits, again and again. When the server takes it for long not, the process must leave: what
        is on disk by then is for the supervisor to hand over."""
        failures, leave_at = 0, time.monotonic() + self._patience_s
        while self._letters:
            if self._link.insist(self._letters[0].send) is not None:
                self._letters.pop(0)
                failures = 0
                continue
            if self._stop.is_set():
                leave_at = min(leave_at, time.monotonic() + LEAVE_S)
            if time.monotonic() > leave_at:
                log.error("the end of %s could not be told; results are kept", ", ".join(self.leases()))
                self._link.unsaid = bool(self.leases())
                self._stop.set()
                return
            failures += 1
            time.sleep(pause_s(failures, PAUSE_FIRST_S, PAUSE_LONGEST_S))
