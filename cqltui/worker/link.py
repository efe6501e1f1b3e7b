"""A worker's standing with the server: its registration, its claims and its reports."""

import logging
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from redis.exceptions import RedisError

from cqltui.broker.queue import Queue
from cqltui.broker.records import Claim, Directive, FencedError, Report, UnregisteredError
from cqltui.errors import CqltuiError

log = logging.getLogger(__name__)

PATIENCE_S = 600.0
"""After so long without a server a worker leaves."""
UNREACHABLE = (RedisError, OSError)
"""What the server's absence looks like; the call may be repeated."""


class Link:
    """Registers the worker, and again when the server lost its data; leaves when another process has its id."""

    def __init__(self, queue: Queue, worker_id: str, data: Mapping[str, Any], stop: threading.Event) -> None:
        """`stop` is set when this process has to leave, by us if it is fenced."""
        self.queue = queue
        self.fenced = False
        self._worker_id = worker_id
        self._data = dict(data)
        self._stop = stop
        self._lock = threading.Lock()
        self._registration = queue.register_worker(worker_id, self._data)

    def claim(self, limit: int, min_priority: int | None, memory_bytes: int | None) -> list[Claim]:
        """Up to `limit` tasks to train together, as far as they fit into the memory; none if there is nothing to do.

        A server that is away is waited for, with the same nonce: if the call did arrive, its answer is given again.
        """
        nonce = uuid.uuid4().hex
        leave_at = time.monotonic() + PATIENCE_S
        while not self._stop.is_set():
            try:
                return self.queue.claim(self._registration, nonce, limit, min_priority, memory_bytes)
            except FencedError:
                self._leave()
            except UnregisteredError:
                self._register_again()
            except UNREACHABLE as error:
                log.warning("the server does not answer: %s", error)
                self._stop.wait(1.0)
                if time.monotonic() > leave_at:
                    log.error("ERROR there was no server for %.0f minutes: this worker leaves", PATIENCE_S / 60)
                    self._stop.set()
        return []

    def beat(self, queue: Queue, leases: Mapping[str, str], data: Mapping[str, Any]) -> Mapping[str, Directive]:
        """Extend the leases; what is asked of each task. `queue` is the calling thread's own. Raises `UNREACHABLE`."""
        return self._heed(queue.heartbeat(self._registration, leases, self._data | dict(data)))

    def progress(self, members: Sequence[Mapping[str, Any]], data: Mapping[str, Any]) -> Mapping[str, Directive]:
        """Tell how the tasks do; what is asked of each. Raises `UNREACHABLE`."""
        return self._heed(self.queue.progress(self._registration, members, self._data | dict(data)))

    def sign_off(self) -> None:
        """The process leaves."""
        try:
            self.queue.unregister_worker(self._registration)
        except (*UNREACHABLE, CqltuiError) as error:
            log.warning("could not sign off: %s", error)

    def _heed(self, report: Report) -> Mapping[str, Directive]:
        if report.fenced:
            self._leave()
        elif not report.registered:
            self._register_again()
        return report.directives

    def _leave(self) -> None:
        if not self.fenced:
            log.error("ERROR another process works under the id %s: this one leaves", self._worker_id)
        self.fenced = True
        self._stop.set()

    def _register_again(self) -> None:
        with self._lock:
            log.warning("the server does not know this worker: it is registered again")
            try:
                self._registration = self.queue.register_worker(self._worker_id, self._data)
            except UNREACHABLE as error:
                log.warning("the server does not answer: %s", error)
