"""Which workers and tasks show signs of life. Pure: the time is told."""

from cqltui.state.model import RunState, Status, TaskState, WorkerState

LIVE_S = 30.0
"""A worker that has not spoken for as long as a lease lasts counts as gone, until it speaks again."""
FIRST_STEP = 5
"""An attempt's first step may take so many times as long as any other before the task counts as stalled."""
MANY_WORKERS = 50
"""Of more, each reports at longer intervals, and tells a task's curve only while somebody looks at it."""
RATE_S = 10.0
"""A rate older than this says nothing about the speed of now."""


def live_workers(state: RunState, now: float) -> tuple[WorkerState, ...]:
    """Return the workers that have not stopped and spoke within `LIVE_S`, by id."""
    live = (w for w in state.workers.values() if not w.stopped and now - w.ts <= LIVE_S)
    return tuple(sorted(live, key=lambda worker: worker.id))


def samples_per_s(state: RunState, now: float) -> float:
    """Return the samples a second of all workers that spoke within `RATE_S`."""
    return sum(w.samples_per_s for w in state.workers.values() if not w.stopped and now - w.ts <= RATE_S)


def stall_limit_s(task: TaskState, stall_s: float) -> float:
    """Return the seconds without a step after which a running task is stalled: more before its attempt's first step,
    when data is loaded and code compiled."""
    return stall_s if _stepped(task) else FIRST_STEP * stall_s


def _stepped(task: TaskState) -> bool:
    """Return whether the attempt has made a step."""
    progress = task.progress
    if progress is None or progress.token != task.life.token:
        return False
    return progress.step > progress.resumed_epoch * task.info.epoch_steps


def stalled(task: TaskState, now: float, stall_s: float) -> bool:
    """Return whether a running task made no step for so long that something must be wrong."""
    if task.status is not Status.RUNNING:
        return False
    progress = task.progress
    # Reports that only repeat a step do not replace the one that told of it, so `ts` is the time of the step.
    since = progress.ts if progress is not None and _stepped(task) else task.life.claimed_ts
    return since > 0 and now - since > stall_limit_s(task, stall_s)
