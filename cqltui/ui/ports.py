"""What the screen needs of the rest of the program. Nothing here knows of Redis, files or terminals."""

from enum import StrEnum
from typing import Protocol

from cqltui.state.events import Event
from cqltui.state.model import Wanted


class EventSource(Protocol):
    """Where events come from. Read by one thread of the screen's."""

    def poll(self, timeout_s: float) -> list[Event]:
        """The events since the last call. Waits up to `timeout_s` for the first; CqltuiError when it gives up."""

    def close(self) -> None:
        """Let go of the connection, after the last poll."""


class Commands(Protocol):
    """What a user may ask for. Each may block, and raise CqltuiError with a message for the user.

    The screen never changes what it shows by itself: it sees the event that follows.
    """

    def pause(self, task_id: str) -> None:
        """Pause a task; a running one after its checkpoint."""

    def resume(self, task_id: str) -> None:
        """Queue a paused task again."""

    def cancel(self, task_id: str) -> None:
        """Cancel a task for good."""

    def resubmit(self, task_id: str) -> None:
        """Queue a task that has ended as a new run."""

    def set_priority(self, task_id: str, priority: float) -> None:
        """Change a task's priority; higher goes first."""

    def want(self, wanted: Wanted) -> None:
        """Say what is wanted of the whole run."""


class Logs(Protocol):
    """What workers have written."""

    def tail(self, worker_id: str, lines: int, task_id: str = "") -> list[str]:
        """The last lines of the worker's log, oldest first; with a task, those that mention its id."""


class LeaveChoice(StrEnum):
    """What becomes of the run when the user leaves the screen."""

    BACKGROUND = "background"
    DRAIN = "drain"
    STOP = "stop"
