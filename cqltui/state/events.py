"""Everything that can happen to a run. Lifecycle events come from the server's scripts, progress from workers."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

VERSION = 1
HANDFUL = 16
"""Events that a screen is given at once: what reads them has to let what draws go first, several times a second."""


class Kind(StrEnum):
    """What an event says.

    `task.*` carry the task's lifecycle after the change, whole, and `campaign.*` the whole of {wanted, wanted_by,
    asked_workers, asked_workers_by, campaign, finished_ts}: a reader only ever replaces.
    """

    TASK_QUEUED = "task.queued"
    TASKS_QUEUED = "tasks.queued"
    """Very many new ones, told in a row each (`state.untouched`)."""
    TASK_CLAIMED = "task.claimed"
    TASK_DONE = "task.done"
    TASK_DELAYED = "task.delayed"
    TASK_DEAD = "task.dead"
    TASK_PAUSED = "task.paused"
    TASK_CANCELLED = "task.cancelled"
    TASK_WITHDRAWN = "task.withdrawn"
    TASK_PRIORITY = "task.priority"
    TASK_CHECKPOINT = "task.checkpoint"
    WORKER_STARTED = "worker.started"
    WORKER_STOPPED = "worker.stopped"
    WANTED = "campaign.wanted"
    WORKERS = "campaign.workers"
    CAMPAIGN = "campaign.info"
    FINISHED = "campaign.finished"
    NOTICE = "notice"
    # Published, but not in the stream: the newest replaces the one before.
    PROGRESS = "progress"
    # Made by a reader for itself.
    SNAPSHOT = "snapshot"
    SUMMARY = "summary"
    PAGE = "page"
    CONNECTION = "connection"
    TICK = "tick"
    ANEW = "anew"


LOCAL_KINDS = frozenset({Kind.PROGRESS, Kind.SNAPSHOT, Kind.SUMMARY, Kind.PAGE, Kind.CONNECTION, Kind.TICK, Kind.ANEW})
"""Kinds without a sequence number."""


class Event(Struct, frozen=True):
    """One message. `ts` in seconds since 1970, by the server's clock."""

    kind: Kind
    ts: float
    epoch: int = 0
    """Counts the server's lives: a server rebuilt from disk starts a new one."""
    seq: int = 0
    """Gapless within an epoch for lifecycle events; 0 for the others."""
    task: str = ""
    worker: str = ""
    token: str = ""
    attempt: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)


def parse_token(token: str) -> tuple[int, int]:
    """Return a fencing token "<epoch>-<counter>" as a pair that can be ordered; (0, 0) for none or nonsense."""
    epoch, _, counter = token.partition("-")
    try:
        return int(epoch), int(counter)
    except ValueError:
        return 0, 0
