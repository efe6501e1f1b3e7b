"""What the screen needs of the rest of the program. Nothing here knows of Redis, files or terminals."""

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from cqltui.state.events import Event
from cqltui.state.model import TaskCommand, Wanted


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
