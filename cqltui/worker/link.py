"""A worker's standing with the server: its registration, its claims and its reports."""

import logging
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from redis.exceptions import RedisError

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import (
    Claim,
    Directive,
    FencedError,
    QuotaError,
    Registration,
    Report,
    UnregisteredError,
)
from cqltui.broker.protocol.trouble import Trouble, kind, told
from cqltui.errors import CqltuiError, ServerError

log = logging.getLogger(__name__)

PATIENCE_S = 600.0
"""After so long without a server a worker leaves."""
RETRY_PAUSE_S = 1.0
PLACE_PAUSE_S = 5.0
"""Between two questions for a place under a quota."""
UNREACHABLE = (RedisError, OSError, ServerError)
"""A server that is away, that cannot do what is asked just now, or that refuses it: `broker.trouble` tells them apart.
The call may be repeated."""

Answer = TypeVar("Answer")


class Link:
    """Registers the worker, and again when the server lost its data; leaves when another process has its id."""

    def __init__(
        self, queue: Queue, worker_id: str, data: Mapping[str, Any], stop: threading.Event, user: str | None = None
    ) -> None:
        """`stop` is set when this process must leave, by us if it is fenced. `user`: as of `register_worker`. Raises
        `UNREACHABLE`: of a refusal at once, else after a while."""
        self.queue = queue
        self.fenced = False
        self.unsaid = False
        """Whether this process leaves without having told how a task has ended."""
        self._refusals: set[str] = set()
        """Those that the log has."""
        self.reachable = True
        """Whether the last call was answered, if only by a refusal. While it was not, the training thread does not ask,
        since each call may wait for seconds: the heartbeat, on a connection and a thread of its own, finds it back."""
        self.workers = 0
        """How many there are, as far as the server has told."""
        self.looked: frozenset[str] = frozenset()
        """Tasks that somebody looks at; as of `Report.looked`."""
        self._data = dict(data)
        self._stop = stop
        self._user = user
        self._is_known = False
        """Whether it has been registered: no quota sends away who works already."""
        self._waits_for = ""
        """What quota."""
        self._registration = Registration(worker_id, secrets.token_hex(8))
        """Of this process for all its life: to register twice fences nothing that it holds."""
        self._register()

    def _register(self) -> None:
        """Register for the first time, while nothing trains yet: a server that is away is waited for, and a place under
        a quota, as long as it takes."""
        leave_at = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._send_registration(self.queue)
                return
            except QuotaError as error:
                if self._stop.is_set():
                    return
                self._wait_for_place(str(error))
                leave_at = time.monotonic() + PATIENCE_S
            except UNREACHABLE as error:
                if kind(error) is Trouble.REFUSED or self._stop.is_set() or time.monotonic() > leave_at:
                    raise
                self._away(error)
                self._stop.wait(RETRY_PAUSE_S)

    def _send_registration(self, queue: Queue) -> None:
        who = self._registration
        queue.register_worker(who.id, self._data, who.instance, self._user, is_known=self._is_known)
        if self._waits_for:
            log.info("there is a place for this worker now")
        self._is_known, self._waits_for = True, ""

    def _wait_for_place(self, why: str) -> None:
        """Say why, once, to the user of this process and to who looks at the run."""
        if why != self._waits_for:
            self._waits_for = why
            log.warning("%s; this worker waits for a place", why)
            self.insist(partial(self.notice, "warning", f"worker {self._registration.id} waits for a place: {why}"))
        self._stop.wait(PLACE_PAUSE_S)

    def claim(self, limit: int, min_priority: int | None, memory_bytes: int | None) -> list[Claim]:
        """Up to `limit` tasks to train together, as far as they fit into the memory; none if there is nothing to do.

        A server that is away is waited for, with the same nonce: if the call did arrive, its answer is given again.
        Raises `UNREACHABLE` for a refusal only.
        """
        nonce = uuid.uuid4().hex
        leave_at = time.monotonic() + PATIENCE_S
        while not self._stop.is_set():
            try:
                claims = self.queue.claim(self._registration, nonce, limit, min_priority, memory_bytes)
            except FencedError:
                self._leave()
            except UnregisteredError:
                self._register_again(self.queue)
            except UNREACHABLE as error:
                if kind(error) is Trouble.REFUSED:
                    raise
                self._away(error)
                self._stop.wait(RETRY_PAUSE_S)
                if time.monotonic() > leave_at:
                    log.error("there was no server for %.0f minutes: this worker leaves", PATIENCE_S / 60)
                    self._stop.set()
            else:
                self._answers()
                return claims
        return []

    def beat(self, queue: Queue, leases: Mapping[str, str], data: Mapping[str, Any]) -> Mapping[str, Directive]:
        """Extend the leases; what is asked of each task. `queue` is the calling thread's own."""
        try:
            report = queue.heartbeat(self._registration, leases, self._data | dict(data))
        except UNREACHABLE as error:
            self._away(error)
            return {}
        self._answers()
        return self._heed(report, queue)

    def progress(self, members: Sequence[Mapping[str, Any]], data: Mapping[str, Any]) -> Mapping[str, Directive]:
        """Tell how the tasks do; what is asked of each. Nothing while the server is away."""
        report = self.ask(lambda: self.queue.progress(self._registration, members, self._data | dict(data)))
        return {} if report is None else self._heed(report, self.queue)

    def ask(self, send: Callable[[], Answer]) -> Answer | None:
        """Return the server's answer, or None; at once if it is known to be away: training does not wait for it."""
        return self.insist(send) if self.reachable else None

    def insist(self, send: Callable[[], Answer]) -> Answer | None:
        """As `ask`, but tried although the server was away: for a thread that has nothing else to do."""
        try:
            answer = send()
        except UNREACHABLE as error:
            self._away(error)
            return None
        self._answers()
        return answer

    def notice(self, level: str, text: str) -> bool:
        """Send a line for the user. Raises `UNREACHABLE`."""
        self.queue.notice(level, text)
        return True

    def sign_off(self) -> None:
        """Unregister: the process leaves. While it is registered, the supervisor may tell what it has not."""
        if self.unsaid:
            return
        try:
            self.queue.unregister_worker(self._registration)
        except (*UNREACHABLE, CqltuiError) as error:
            log.warning("could not sign off: %s", error)

    def _away(self, error: Exception) -> None:
        text = told(error)
        if kind(error) is Trouble.REFUSED:  # it answers: nobody needs to wait for it
            if text not in self._refusals:
                log.error("%s", text)
            self._refusals.add(text)
            return
        if self.reachable:
            log.warning("%s; it is waited for", text)
        self.reachable = False

    def _answers(self) -> None:
        if not self.reachable:
            log.info("the server answers again")
        self.reachable = True

    def _heed(self, report: Report, queue: Queue) -> Mapping[str, Directive]:
        self.workers, self.looked = report.workers, report.looked
        if report.fenced:
            self._leave()
        elif not report.registered:
            self._register_again(queue)
            return {}  # if only the registration was lost, the next report finds the leases as they were
        elif report.leave and not self._stop.is_set():
            log.warning("%s", report.leave)
            self._stop.set()
        return report.directives

    def _leave(self) -> None:
        if not self.fenced:
            log.error("another process works under the id %s: this one leaves", self._registration.id)
        self.fenced = True
        self._stop.set()

    def _register_again(self, queue: Queue) -> None:
        """From either thread, perhaps from both. `queue` is the calling thread's own."""
        log.warning("the server does not know this worker: it is registered again")
        try:
            self._send_registration(queue)
        except UNREACHABLE as error:
            self._away(error)
