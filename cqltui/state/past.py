"""What the journal tells of a run's past that its state does not keep: earlier attempts, pauses, servers that came
back. Pure."""

from collections import deque

from msgspec import Struct

from cqltui.state import decode
from cqltui.state.events import Event, Kind
from cqltui.state.lanes import Attempt, Mark, Past, Shown, Sign
from cqltui.state.model import Status, Wanted

MOST_ATTEMPTS, MOST_MARKS = 5_000, 500
"""The newest are kept."""
WANTED = {
    Wanted.RUNNING: (Sign.RESUME, "the run goes on"),
    Wanted.PAUSED: (Sign.PAUSE, "the run is paused"),
    Wanted.DRAINING: (Sign.PAUSE, "the run drains"),
    Wanted.STOPPED: (Sign.PAUSE, "the run is stopped"),
}


class _Latest(Struct):
    """A task's latest attempt."""

    worker: str
    start_ts: float
    end_ts: float = 0.0
    shown: Shown = Shown.BROKEN


class Chronicle:
    """Takes the journal's events, in order, and tells the past."""

    def __init__(self) -> None:
        self._latest: dict[str, _Latest] = {}
        self._attempts: deque[Attempt] = deque(maxlen=MOST_ATTEMPTS)
        self._marks: deque[Mark] = deque(maxlen=MOST_MARKS)
        self._wanted = Wanted.RUNNING
        self._epoch = 0

    def add(self, event: Event) -> None:
        """Take the next event; nonsense is left out."""
        if self._epoch and event.epoch > self._epoch:
            self._marks.append(Mark(event.ts, Sign.FAULT, "the server was lost, and made anew"))
        self._epoch = max(self._epoch, event.epoch)
        if event.kind in (Kind.WANTED, Kind.CAMPAIGN, Kind.FINISHED):
            self._want(event)
        elif event.kind is Kind.TASK_CLAIMED:
            self._claim(event)
        elif event.kind.startswith("task."):
            self._end(event)

    def past(self) -> Past:
        """Return what is known by now."""
        return Past(tuple(self._attempts), tuple(self._marks))

    def _want(self, event: Event) -> None:
        try:
            wanted = Wanted(decode.text(event.data, "wanted"))
        except ValueError:
            return
        if wanted is not self._wanted:
            self._wanted = wanted
            self._marks.append(Mark(event.ts, *WANTED[wanted]))

    def _claim(self, event: Event) -> None:
        before = self._latest.get(event.task)
        if before is not None and before.worker:
            end_ts = before.end_ts or event.ts
            self._attempts.append(Attempt(event.task, before.worker, before.start_ts, end_ts, before.shown))
        self._latest[event.task] = _Latest(event.worker or decode.text(event.data, "worker"), event.ts)

    def _end(self, event: Event) -> None:
        latest = self._latest.get(event.task)
        if latest is None or latest.end_ts:
            return
        status = decode.text(event.data, "status")
        if status and status != Status.RUNNING:
            latest.end_ts = event.ts
            latest.shown = Shown.DONE if status == Status.DONE else Shown.BROKEN
