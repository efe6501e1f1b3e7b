"""Takes notices to where they go, in a thread of its own: what is slow or away there holds nobody up here."""

import logging
import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

from cqltui.backoff import pause_s

log = logging.getLogger(__name__)

FIRST_S, LONGEST_S = 1.0, 60.0
"""Before a notice is tried again: doubled with each failure."""
TRIED_S = 3600.0
"""A notice that could not be told for so long is given up."""
MOST = 100
"""Notices that wait; beyond them the oldest is given up."""


class DeliveryError(Exception):
    """It could not be told; the message says why, without what is secret about the address."""

    def __init__(self, why: str, *, again: bool = True) -> None:
        """`again`: it is worth being tried again."""
        super().__init__(why)
        self.again = again


class Courier(Thread):
    """Gives notices to `send`, in order. A failure is logged once until one has arrived."""

    def __init__(self, name: str, send: Callable[[bytes], None], stop: Callable[[], None] = lambda: None) -> None:
        """`name`: as the log calls where they go. `send` raises DeliveryError. `stop` breaks off what it is about; for
        any thread."""
        super().__init__(name=f"notices: {name}", daemon=True)
        self._address, self._send, self._stop_sending = name, send, stop
        self._news = Condition()
        self._waiting: deque[bytes] = deque()
        self._busy = self._leaving = False
        self._failures = 0
        self.start()

    def give(self, notice: bytes) -> None:
        """Take a notice along; returns at once."""
        with self._news:
            self._waiting.append(notice)
            if len(self._waiting) > MOST:
                self._waiting.popleft()
                log.warning("%s: too many notices wait; the oldest is given up", self._address)
            self._news.notify_all()

    def leave(self, deadline: float) -> None:
        """Try what waits once more, and end by the deadline (monotonic seconds)."""
        with self._news:
            self._leaving = True
            self._news.notify_all()
            arrived = self._news.wait_for(self._is_done, max(0.0, deadline - time.monotonic()))
        if not arrived:
            self._stop_sending()
            log.warning("%s: %d notices are given up: the run has ended", self._address, len(self._waiting) + 1)

    def _is_done(self) -> bool:
        return not self._waiting and not self._busy

    def run(self) -> None:
        """Take along what there is, until it is left."""
        while True:
            with self._news:
                self._news.wait_for(lambda: self._waiting or self._leaving)
                if not self._waiting:
                    return
                notice, self._busy = self._waiting.popleft(), True
            self._deliver(notice)
            with self._news:
                self._busy = False
                self._news.notify_all()

    def _deliver(self, notice: bytes) -> None:
        began = time.monotonic()
        while True:
            is_last = self._leaving
            try:
                self._send(notice)
            except DeliveryError as error:
                again = error.again
                self._failed(str(error))
            except Exception as error:  # of a library; what it quotes may be the address
                again = True
                self._failed(type(error).__name__)
            else:
                self._failures = 0
                return
            if not again or is_last or time.monotonic() - began > TRIED_S:
                log.warning("%s: a notice is given up", self._address)
                return
            with self._news:
                self._news.wait_for(lambda: self._leaving, pause_s(self._failures, FIRST_S, LONGEST_S))

    def _failed(self, why: str) -> None:
        self._failures += 1
        if self._failures == 1:
            log.warning("%s: cannot be told (%s)", self._address, why)
