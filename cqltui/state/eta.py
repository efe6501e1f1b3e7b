"""When tasks, phases and the campaign will end: list scheduling of what is left over the workers that are there.

Equal tasks finish in waves, so dividing what is done by the time it took swings from hours to days. Here every task
gets the duration its architecture has shown (see `rates`), running tasks end first, and queued ones go in claim order
to whichever worker is free first, as the queue itself will do it.

What cannot go on has no estimate: paused tasks, every task of a paused or stopped campaign, the queued tasks of one
that drains. A campaign with some paused tasks is estimated without them; with nothing else left it has no estimate.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count

from cqltui.state import rates
from cqltui.state.live import live_workers
from cqltui.state.model import ENDED, RunState, Status, TaskState, Wanted
from cqltui.state.rates import Rates

PRIOR_SHARE = 0.2
"""A running task's own speed and its architecture's weigh the same once it has done this share of its steps."""


@dataclass(frozen=True, slots=True)
class TaskEstimate:
    """When a running or queued task starts (or did) and ends, in seconds since 1970."""

    start_ts: float
    finish_ts: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """When everything ends, in seconds since 1970; None: cannot be told yet. For what has ended: when it did."""

    finish_ts: float | None
    tasks: Mapping[str, TaskEstimate]
    phases: Mapping[str, float | None]


def estimate(state: RunState, now: float) -> Estimate:
    """The estimate as of `now`."""
    tasks = state.tasks.values()
    measured = rates.measure(tasks)
    planned: dict[str, TaskEstimate] = {}
    if state.wanted in (Wanted.RUNNING, Wanted.DRAINING):
        running = [task for task in tasks if task.status is Status.RUNNING]
        free = _running(running, measured, now, planned)
        if free is not None and state.wanted is Wanted.RUNNING:
            idle = max(0, _worker_count(state, now) - len(free))
            _queued(tasks, measured, [now] * idle + free, now, planned)
    by_phase: dict[str, list[TaskState]] = {phase.name: [] for phase in state.campaign.phases}
    for task in tasks:
        by_phase.setdefault(task.info.phase, []).append(task)
    phases = {name: _finish(members, planned) for name, members in by_phase.items()}
    finish_ts = _finish(tasks, planned)
    if state.finished_ts and all(task.status in ENDED for task in tasks):
        finish_ts = state.finished_ts
    return Estimate(finish_ts, planned, phases)


def _worker_count(state: RunState, now: float) -> int:
    """The workers that tasks can go to: live ones, else those that are wanted."""
    return len(live_workers(state, now)) or max(1, state.campaign.workers)


def _running(
    running: Iterable[TaskState], measured: Rates, now: float, planned: dict[str, TaskEstimate]
) -> list[float] | None:
    """Plan the running tasks; when each of their workers is free, or None if one of them cannot be told.

    Tasks of one worker are a pack, which trains as one: the worker is free after the last of them.
    """
    free: dict[str, float] = {}
    unknown = False
    for task in running:
        worker = task.life.worker or task.id
        if task.life.want:  # is about to be paused or cancelled
            free[worker] = max(free.get(worker, now), now)
            continue
        left_s = _left_s(task, measured)
        if left_s is None:
            unknown = True
            continue
        seen_ts = task.progress.ts if _reports(task) and task.progress else task.life.claimed_ts or now
        finish_ts = max(now, seen_ts + left_s)
        planned[task.id] = TaskEstimate(task.life.claimed_ts or now, finish_ts)
        free[worker] = max(free.get(worker, now), finish_ts)
    return None if unknown else list(free.values())


def _reports(task: TaskState) -> bool:
    """Whether the task's progress is of its current attempt."""
    return task.progress is not None and task.progress.token == task.life.token


def _left_s(task: TaskState, measured: Rates) -> float | None:
    """Seconds of worker's time that the task needs from its last report, or from its claim, on."""
    step_s = measured.step_s(task.info)
    steps = rates.steps_total(task.info)
    if step_s is None or steps <= 0:
        return None
    left = steps - rates.steps_done(task)
    if not _reports(task):
        return left * step_s + measured.task_overhead_s
    own = rates.attempt_steps(task)
    if own is not None:
        prior = PRIOR_SHARE * steps
        step_s = (own[1] + prior * step_s) / (own[0] + prior)
    return left * step_s


def _queued(
    tasks: Iterable[TaskState], measured: Rates, free: list[float], now: float, planned: dict[str, TaskEstimate]
) -> None:
    """Plan queued and delayed tasks over workers that are free at the given times.

    Ends at the first task whose duration is unknown: what comes after it cannot be told either.
    """
    tie = count()
    ready = [(-task.life.priority, task.life.order, next(tie), task) for task in tasks if task.status is Status.QUEUED]
    delayed = [(max(now, t.life.ready_ts), next(tie), t) for t in tasks if t.status is Status.DELAYED]
    heapq.heapify(ready)
    heapq.heapify(delayed)
    heapq.heapify(free)
    while ready or delayed:
        free_ts = free[0] if ready else max(free[0], delayed[0][0])
        while delayed and delayed[0][0] <= free_ts:
            task = heapq.heappop(delayed)[2]
            heapq.heappush(ready, (-task.life.priority, task.life.order, next(tie), task))
        task = heapq.heappop(ready)[3]
        left_s = _left_s(task, measured)
        if left_s is None:
            return
        planned[task.id] = TaskEstimate(free_ts, free_ts + left_s)
        heapq.heapreplace(free, free_ts + left_s)


def _finish(tasks: Iterable[TaskState], planned: Mapping[str, TaskEstimate]) -> float | None:
    """When the last of the tasks ends or ended; None if one of them cannot be told, or only paused ones are left."""
    latest: float | None = None
    ended_ts = 0.0
    paused = False
    for task in tasks:
        if task.status is Status.WITHDRAWN:
            continue
        if task.status in ENDED:
            ended_ts = max(ended_ts, task.life.finished_ts)
        elif task.status is Status.PAUSED or task.life.want:
            paused = True
        elif (plan := planned.get(task.id)) is None:
            return None
        else:
            latest = max(latest or 0.0, plan.finish_ts)
    if latest is None and (paused or not ended_ts):
        return None
    return max(latest or 0.0, ended_ts)
