"""What every engine that gets machines for workers can do here, and what is known of a worker that has ended. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

UNSEEN = -1
"""The exit code of a process whose end could not be collected."""


class State(StrEnum):
    """Of a started worker, as its engine tells."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """The engine does not tell, or not in words that are known. Nobody takes the worker's place meanwhile."""


class Why(StrEnum):
    """Why a worker ended."""

    EXIT = "exit"
    SIGNAL = "signal"
    OOM = "oom"
    PREEMPTED = "preempted"
    TIME_LIMIT = "time_limit"
    NODE_LOST = "node_lost"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


TASKS_OWN = frozenset({Why.EXIT, Why.SIGNAL, Why.OOM})
"""What a task may have brought about itself: the only ends that count as deaths of the tasks that the worker had."""
_WORDS = {
    Why.OOM: "out of memory",
    Why.PREEMPTED: "preempted",
    Why.TIME_LIMIT: "its time limit has come",
    Why.NODE_LOST: "its node was lost",
    Why.CANCELLED: "it was cancelled",
    Why.UNKNOWN: "nobody tells why",
}


class End(Struct, frozen=True):
    """How a worker ended."""

    why: Why
    code: int = 0
    """Of its exit, negative for a signal; `UNSEEN` of an exit that nobody could collect."""

    @classmethod
    def of_code(cls, code: int) -> "End":
        """Return the end of a process of this machine, whose code is negative after a signal; `UNSEEN` is no signal."""
        return cls(Why.SIGNAL if code < 0 and code != UNSEEN else Why.EXIT, code)

    @property
    def counts(self) -> bool:
        """Whether it is a death of the tasks that the worker had."""
        return self.why in TASKS_OWN

    @property
    def is_clean(self) -> bool:
        """Whether it left by itself, with nothing to complain of."""
        return self.why is Why.EXIT and self.code == 0

    @property
    def text(self) -> str:
        """The end in words, for a message."""
        if self.why is Why.SIGNAL:
            return f"signal {-self.code}"
        if self.why is Why.EXIT:
            return "its end was not seen" if self.code == UNSEEN else f"exit code {self.code}"
        return _WORDS[self.why]


class Handle(Struct, frozen=True):
    """A worker that an engine was asked for."""

    slot: str
    """The worker's id."""
    job: str
    """What the engine calls it: a process id, the number of a job."""


class PlacementError(Exception):
    """The engine did not do what it was asked for; the text says why, for people."""

    def __init__(self, text: str, *, refused: bool = False, code: int | None = None, fix: str = "") -> None:
        """`refused`: it answered, and the same again would be refused again. Else it did not answer, or not in time,
        and whether it has done it is not known. `code`: the exit code of its program, if there is one. `fix`: what to
        do, for the doctor."""
        super().__init__(text)
        self.refused = refused
        self.code = code
        self.fix = fix


class Placement(Protocol):
    """An engine. Its calls may take seconds and raise PlacementError."""

    def start(self, slots: Sequence[str]) -> list[Handle]:
        """Start a worker for each slot. The engine knows each by a name that is made of run and slot, so that the next
        supervisor finds it again. If the first cannot be started it raises; else it returns those that were."""

    def list(self) -> dict[Handle, State]:
        """Return all workers of this run that the engine knows, by one question."""

    def stop(self, handle: Handle, grace_s: float) -> None:
        """Ask a worker to checkpoint and leave within `grace_s`; without grace it is ended at once."""

    def why(self, handle: Handle) -> End:
        """Return why it ended, as of the last `list`, without a further question."""

    def reason(self, handle: Handle) -> str:
        """Return what the engine says of why a worker waits, as of the last `list`; empty where it says nothing."""
