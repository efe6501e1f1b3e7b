"""What is told of one task beside its state: its attempts, its files, what its phase sets, who judges it. Pure."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from cqltui.state import decode
from cqltui.state.events import Event, parse_token
from cqltui.state.model import Lifecycle, Status

LEASE_EXPIRED, REPLACED, LAST_LINES = "its lease expired", "was replaced", "The last lines in the log of"
"""By these words of a task's error its attempt is known to have lost its lease, and what its worker had logged."""
KEPT = 100
"""Attempts of a task that are told, the newest."""
WHY_CHARS = 400
MICROSECONDS = 1e6


class Attempt(Struct, frozen=True):
    """One claim of a task, and how it ended."""

    run: int
    number: int
    """Within the run, from 1; 0 where only its folder tells of it."""
    token: str = ""
    worker: str = ""
    claimed_ts: float = 0.0
    ended_ts: float = 0.0
    """0 while it trains, or where that is not known."""
    end: str = ""
    """"done", "failed", "died", "lease lost", "replaced", "paused", "cancelled", "withdrawn", "given back", "not told";
    empty while it trains."""
    why: str = ""
    """In the words of whoever ended it; foreign."""


class FileEntry(Struct, frozen=True):
    """A file of a task's folder."""

    name: str
    size: int
    ts: float
    folder: str = ""
    """Within the task's folder; empty for what is published."""


class TaskSubject(Struct, frozen=True):
    """Whose record."""

    task_id: str
    phase: str
    algorithm: str


class TaskRecord(Struct, frozen=True):
    """What files tell of a task."""

    attempts: tuple[Attempt, ...] = ()
    """The oldest first."""
    cut: bool = False
    """Whether there may be earlier ones: of a large journal only the end is read."""
    folder: str = ""
    files: tuple[FileEntry, ...] = ()
    """The published ones first, then attempt by attempt, the newest first."""
    more_files: int = 0
    """That are not told one by one."""
    defaults: Mapping[str, Any] | None = None
    """Setting -> what the phase's tasks have unless they set it; None where that is not known."""
    watchers: tuple[tuple[str, str], ...] = ()
    """(phase, criterion's text) of other phases' criteria that look at this task's phase."""
    troubles: tuple[str, ...] = ()
    """What could not be read."""


class Attempts(Struct):
    """Makes the attempts of a task from its events, in order. Those that were told before are passed over."""

    task_id: str
    _ended: deque[Attempt] = field(default_factory=lambda: deque(maxlen=KEPT))
    _current: Attempt | None = None
    _version: tuple[int, int] = (0, 0)
    _deaths: int = 0

    def add(self, event: Event) -> None:
        """Take one more event; of other tasks, and of other kinds, none is taken."""
        version = (event.epoch, event.seq)
        if event.task != self.task_id or version <= self._version:
            return
        life = decode.lifecycle(event.data, version)
        if life is None:
            return
        self._version = version
        current = self._current
        if life.status is Status.RUNNING:
            if current is None or current.token != life.token:
                if current is not None:
                    self._ended.append(replace(current, end="not told"))
                self._current = _claimed(life)
        elif current is not None:
            end = _how(life, current, life.deaths > self._deaths)
            why = life.error[:WHY_CHARS] if end not in {"done", "paused", "given back"} else ""
            self._ended.append(replace(current, ended_ts=event.ts, end=end, why=why))
            self._current = None
        self._deaths = life.deaths

    def told(self) -> tuple[Attempt, ...]:
        """Return the attempts so far, the oldest first."""
        return (*self._ended, *([self._current] if self._current else []))


def _claimed(life: Lifecycle) -> Attempt:
    return Attempt(life.run, life.attempt, life.token, life.worker, life.claimed_ts)


def _how(life: Lifecycle, attempt: Attempt, died: bool) -> str:
    match life.status:
        case Status.DONE:
            # Cancelling a run again gives the task the result back that it had before.
            return "done" if life.token == attempt.token else "cancelled"
        case Status.PAUSED | Status.CANCELLED | Status.WITHDRAWN if not died:
            return str(life.status)
    if died:
        reason = life.error.partition("\n")[0]
        return "lease lost" if reason.startswith(LEASE_EXPIRED) else "replaced" if reason.endswith(REPLACED) else "died"
    return "given back" if life.status is Status.QUEUED else "failed"


def with_folders(attempts: Iterable[Attempt], folders: Iterable[tuple[int, str]]) -> tuple[Attempt, ...]:
    """Return the attempts with those that only a folder (run, token) tells of, the oldest first."""
    found = {attempt.token: attempt for attempt in attempts}
    for run, token in folders:
        counter = parse_token(token)[1]
        # A token's counter is at least the server's time in microseconds.
        claimed_ts = counter / MICROSECONDS if counter and decode.is_stamp(counter / MICROSECONDS) else 0.0
        found.setdefault(token, Attempt(run, 0, token, claimed_ts=claimed_ts, end="not told"))
    return tuple(sorted(found.values(), key=lambda attempt: (attempt.run, parse_token(attempt.token))))


def with_current(attempts: tuple[Attempt, ...], life: Lifecycle) -> tuple[Attempt, ...]:
    """Return the attempts with the one that the lifecycle tells of, if the files know nothing of it or lag behind."""
    if not life.token or not life.attempt or not life.worker:
        return attempts
    known = next((attempt for attempt in attempts if attempt.token == life.token), None)
    running = life.status is Status.RUNNING
    if known is not None and known.number and (known.end in {"", "not told"}) == running:
        return attempts
    others = tuple(attempt for attempt in attempts if attempt is not known)
    if known is not None and running:
        return (*others, _claimed(life))
    end = "" if running else _how(life, _claimed(life), life.deaths > 0)
    why = life.error[:WHY_CHARS] if end not in {"", "done"} else ""
    return (*others, replace(_claimed(life), ended_ts=life.finished_ts, end=end, why=why))
