"""What the queue takes and gives, its errors, and the check of names where they enter."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from cqltui.errors import CqltuiError, InputError, ServerError
from cqltui.state.decode import NAME
from cqltui.state.model import Wanted

PRIORITY_MAX = 1_000_000
"""Priorities are whole numbers from 0 to this."""


class TaskError(InputError):
    """A command that the named task's state does not allow, or a task that does not exist."""


class UnableError(ServerError):
    """The server answers, and cannot do what is asked just now."""


class ServerFullError(UnableError):
    """The server has reached its maxmemory."""


class RefusedError(ServerError):
    """The server refuses what is asked, and will until somebody changes something."""


class QuotaError(InputError):
    """The user whose worker it is has as many as he may have on this server."""


class FencedError(CqltuiError):
    """Another process has registered under this worker's id."""


class UnregisteredError(CqltuiError):
    """The server does not know this worker (any more): its data was lost. Register again."""


class Directive(StrEnum):
    """What the server asks of a running task."""

    OK = "ok"
    PAUSE = "pause"
    CANCEL = "cancel"
    STOP = "stop"
    """Write a checkpoint and give the task back to the queue."""
    LOST = "lost"
    """The lease is another's by now: drop the task, write nothing more."""


class Cost(Struct, frozen=True):
    """What sharing tasks out goes by."""

    epoch_flops: int = 0
    """FLOPs of an epoch's matrix products."""
    epochs: int = 0
    member_bytes: int = 0
    """Memory of the task as a member of a pack."""
    shared_bytes: int = 0
    """Memory that a pack of such tasks takes once."""


class Submission(Struct, frozen=True):
    """A task for the queue. `spec` is for the worker, `info` what `state.decode.task_info` reads; of either that is
    `Filled` the form is kept once for all tasks that have it."""

    id: str
    digest: str
    """Of what determines the weights: the same id with another digest is refused."""
    info: Mapping[str, Any]
    spec: Mapping[str, Any]
    pack: str = ""
    """Tasks of one key may train together; "" trains alone."""
    priority: int = 0
    cost: Cost = Cost()


class Registration(Struct, frozen=True):
    """A worker process: its id, and a nonce that tells it from another process of the same id."""

    id: str
    instance: str


class Claim(Struct, frozen=True):
    """A task and the right to it, as long as its lease lasts."""

    id: str
    token: str
    """<epoch>-<counter>: each call about the task carries it."""
    run: int
    attempt: int
    spec: Mapping[str, Any]
    checkpoint_epoch: int = 0
    """Epochs in the newest checkpoint that was reported in this run; 0 for none."""
    checkpoint_token: str = ""
    """The attempt that wrote it: the name of its folder."""
    deaths: int = 0
    checkpoint_key: str = ""
    """By which the checkpoint is found in a store; empty if the run directory has it."""


class Lease(Struct, frozen=True):
    """Who holds a task. A lease has expired when (token, beat) has not changed for the lease's time on the reader's
    own monotonic clock."""

    id: str
    token: str
    beat: int
    worker: str
    fenced: bool = False
    """Another process has the worker's id: its reports are refused already."""


class Report(Struct, frozen=True):
    """The server's answer to a heartbeat."""

    directives: Mapping[str, Directive]
    wanted: Wanted
    registered: bool = True
    fenced: bool = False
    """Another process has this worker's id: end. Not registered and not fenced: register again."""
    leave: str = ""
    """Why this process is asked to leave after its checkpoint; empty if it is not."""
    workers: int = 0
    """How many are registered."""
    looked: frozenset[str] = frozenset()
    """Tasks that somebody looks at; not told where there are no more than `MANY_WORKERS`."""


class Result(Struct, frozen=True):
    """What one run of a task gave, as accepted."""

    id: str
    run: int
    attempt: int
    token: str
    worker: str
    ts: float
    data: Mapping[str, Any] = field(default_factory=dict)


def check_name(kind: str, name: str) -> str:
    """Return the id of a task or worker, if it may be one. Raises InputError."""
    if not NAME.fullmatch(name):
        raise InputError(
            f"{kind} {name[:80]!r}: expected 1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit"
        )
    return name


def check_priority(task_id: str, priority: int) -> int:
    """Return the priority, if it may be one. Raises InputError."""
    if isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= PRIORITY_MAX:
        raise InputError(f"task {task_id}: priority {priority!r}: expected a whole number from 0 to {PRIORITY_MAX}")
    return priority


def clean(text: str) -> str:
    """Return the text without what UTF-8 cannot carry (half surrogates from undecodable bytes)."""
    return text.encode("utf-8", "replace").decode()
