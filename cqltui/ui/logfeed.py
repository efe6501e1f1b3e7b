"""Reads the log that is looked at, in the background, no more often than is of use."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cqltui.errors import CqltuiError
from cqltui.ui.background import Background
from cqltui.ui.ports import Logs

PERIOD_S = 1.0
LINES = 200


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose log: a worker's, or a task's part of it."""

    worker_id: str = ""
    task_id: str = ""


class LogFeed:
    """One reading at a time; the newest wish wins."""

    def __init__(self, logs: Logs, background: Background) -> None:
        self._logs, self._background = logs, background
        self._busy = False
        self._wish: Callable[[], None] | None = None
        self._subject: Subject | None = None
        self._stamp: object = None
        self._read_ts = 0.0

    @property
    def busy(self) -> bool:
        """Whether a reading is under way."""
        return self._busy

    def follow(self, subject: Subject, stamp: object, now: float, show: Callable[[list[str]], None]) -> None:
        """Read the subject's log if it is another one, or if its `stamp` has changed a while ago. Else do nothing."""
        another = subject != self._subject
        if self._busy:
            self._wish = partial(self.follow, subject, stamp, now, show)
            return
        if not (another or (stamp is not self._stamp and abs(now - self._read_ts) >= PERIOD_S)):
            return
        self._subject, self._stamp, self._read_ts = subject, stamp, now
        if not subject.worker_id:
            show([])
            return
        self._busy = True

        def done(lines: list[str]) -> None:
            self._busy = False
            show(lines)
            wish, self._wish = self._wish, None
            if wish is not None:
                wish()

        def failed(error: CqltuiError) -> None:
            done([f"The log cannot be read: {error}"])

        self._background.call(partial(self._logs.tail, subject.worker_id, LINES, subject.task_id), done, failed)
