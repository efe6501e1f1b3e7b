"""Which workers and trainings show signs of life. Pure: the time is told."""

from cqltui.state.model import RunState, Status, TaskState, WorkerState

LIVE_S = 30.0
"""A worker that has not spoken for as long as a lease lasts counts as gone, until it speaks again."""
RATE_S = 10.0
"""A rate older than this says nothing about the speed of now."""


def live_workers(state: RunState, now: float) -> tuple[WorkerState, ...]:
    """The workers that have not stopped and spoke within `LIVE_S`, by id."""
    live = (w for w in state.workers.values() if not w.stopped and now - w.ts <= LIVE_S)
    return tuple(sorted(live, key=lambda worker: worker.id))


def samples_per_s(state: RunState, now: float) -> float:
    """Samples a second of all workers that spoke within `RATE_S`."""
    return sum(w.samples_per_s for w in state.workers.values() if not w.stopped and now - w.ts <= RATE_S)


def stalled(task: TaskState, now: float, stall_s: float) -> bool:
    """Whether a running task made no step for `stall_s` seconds. An attempt's first step is exempt (compilation)."""
    progress = task.progress
    if task.status is not Status.RUNNING or progress is None or progress.token != task.life.token:
        return False
    stepped = progress.step > progress.resumed_epoch * task.info.epoch_steps
    # Reports that only repeat a step do not replace the one that told of it, so `ts` is the time of the step.
    return stepped and now - progress.ts > stall_s
