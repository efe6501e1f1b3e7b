"""What the screen needs of the rest of the program. Nothing here knows of Redis, files or terminals."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cqltui.state.events import Event
from cqltui.state.model import TaskCommand, Wanted
from cqltui.state.record import TaskRecord, TaskSubject


class EventSource(Protocol):
    """Where events come from. Read by one thread of the screen's."""

    def poll(self, timeout_s: float) -> list[Event]:
        """Return the events since the last call. Waits up to `timeout_s` for the first; CqltuiError when it gives
        up."""

    def close(self) -> None:
        """Let go of the connection, after the last poll."""


class Requests(Protocol):
    """What a user may ask for. Each may block, and raise CqltuiError with a message for the user.

    The screen never changes what it shows by itself: it sees the event that follows.
    """

    def task(self, command: TaskCommand, task_id: str, priority: int | None = None) -> None:
        """Ask for something to be done with a task. `priority`: a new one, higher goes first."""

    def want(self, wanted: Wanted) -> None:
        """Say what is wanted of the whole run."""


@dataclass(frozen=True, slots=True)
class LogSubject:
    """Whose log: a worker's, or a task's part of it. Of nobody there is none."""

    worker_id: str = ""
    task_id: str = ""


class Logs(Protocol):
    """What workers have written."""

    def tail(self, worker_id: str, lines: int, task_id: str = "") -> list[str]:
        """Return the last lines of the worker's log, oldest first; with a task, those that mention its id."""


ShowReport = Callable[[], tuple[str, str]]
"""Shows the run's report in the browser; returns a sentence for the user, and what is to be copied to the clipboard, if
anything. It may block for some seconds."""


class LeaveChoice(StrEnum):
    """What becomes of the run when the user leaves the screen."""

    BACKGROUND = "background"
    DRAIN = "drain"
    STOP = "stop"


def _no_report() -> tuple[str, str]:
    return "There is no report here.", ""


def _no_record(_: TaskSubject) -> TaskRecord:
    return TaskRecord()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All that the screen is given of one run."""

    source: EventSource
    requests: Requests
    logs: Logs
    record: Callable[[TaskSubject], TaskRecord] = _no_record
    """Returns what files tell of a task; called in a thread."""
    clock: Callable[[], float] = time.time
    stall_s: float = 120.0
    """After so long without a step a task is called stalled."""
    supervised: Callable[[], bool] = lambda: True
    """Says whether the run has a supervisor. Called in a thread, about once a second; may raise OSError."""
    hindered: Callable[[], str] = str
    """Says what keeps the supervisor from its work; called like `supervised`."""
    start: Callable[[Callable[[str], None]], None] | None = None
    """Brings the run about, in a thread, once the screen is seen, with a function that shows what is waited for. The
    source is read after it. When the screen is left before it has come to its end, it goes on."""
    report: ShowReport = _no_report
    """Called in a thread of its own when the user asks for the report."""
