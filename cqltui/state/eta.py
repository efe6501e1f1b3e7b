"""When tasks, phases and the campaign will end: list scheduling of what is left over the workers that are there.

Equal tasks finish in waves, so dividing what is done by the time it took swings from hours to days. Here every task
gets the duration its architecture has shown (see `rates`), running tasks end first, and queued ones go in claim order
to whichever worker is free first, in packs, as the queue itself will hand them out. A pack advances step by step, all
members together: a step takes as long as those of its members one after another, and gets shorter when one has ended.

What cannot go on has no estimate: paused tasks, every task of a paused or stopped campaign, the queued tasks of one
that drains. The end of a campaign with some paused tasks is told as that of the others, with how many it is without;
with nothing else left it has no estimate, and neither has a phase that one of them belongs to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cqltui.state import rates
from cqltui.state.live import live_workers
from cqltui.state.model import ENDED, RunState, Status, TaskState, Wanted
from cqltui.state.rates import Rates
from cqltui.state.waiting import Busy, Waiting

PRIOR_SHARE = 0.2
"""A running pack's own speed and its architecture's weigh the same once it has done this share of its steps."""
AHEAD_S = 60.0
"""A report so much later than now is of a time before the clock was set back."""


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
    """A phase with a paused task has none: it does not end before somebody resumes that."""
    paused: int = 0
    """Tasks that `finish_ts` is without."""


def estimate(state: RunState, now: float) -> Estimate:
    """Return the estimate as of `now`."""
    tasks = state.tasks.values()
    measured = rates.measure(tasks)
    planned: dict[str, TaskEstimate] = {}
    if state.wanted in (Wanted.RUNNING, Wanted.DRAINING):
        running = [task for task in tasks if task.status is Status.RUNNING]
        busy = _running(running, measured, now, planned)
        if busy is not None and state.wanted is Wanted.RUNNING:
            workers = _worker_count(state, now)
            busy += [Busy(now, now)] * max(0, workers - len(busy))
            _queued(Waiting(tasks, busy, max(state.campaign.workers, workers), now), measured, planned)
    by_phase: dict[str, list[TaskState]] = {phase.name: [] for phase in state.campaign.phases}
    for task in tasks:
        by_phase.setdefault(task.info.phase, []).append(task)
    phases = {name: None if _paused(members) else _finish(members, planned) for name, members in by_phase.items()}
    finish_ts = _finish(tasks, planned)
    if state.finished_ts and all(task.status in ENDED for task in tasks):
        finish_ts = state.finished_ts
    return Estimate(finish_ts, planned, phases, _paused(tasks))


def _paused(tasks: Iterable[TaskState]) -> int:
    """Return how many tasks wait for somebody, or will once they have written a checkpoint."""
    return sum(task.status is Status.PAUSED or task.life.want == "pause" for task in tasks)


def _worker_count(state: RunState, now: float) -> int:
    """Return the workers that tasks can go to: live ones, else those that are wanted."""
    return len(live_workers(state, now)) or max(1, state.campaign.workers)


def _running(
    running: Iterable[TaskState], measured: Rates, now: float, planned: dict[str, TaskEstimate]
) -> list[Busy] | None:
    """Plan the running tasks; until when each of their workers is busy, or None if one of them cannot be told."""
    packs: dict[str, list[TaskState]] = {}
    for task in running:
        packs.setdefault(task.life.worker or task.id, []).append(task)
    busy: list[Busy] = []
    unknown = False
    for pack in packs.values():
        members = [task for task in pack if not task.life.want]  # the others are about to be paused or cancelled
        finishes = _pack_finishes(members, measured, now)
        if finishes is None:
            unknown = True
            continue
        for task, finish_ts in zip(members, finishes, strict=True):
            planned[task.id] = TaskEstimate(task.life.claimed_ts or now, finish_ts)
        busy.append(Busy(max(finishes, default=now), now, sum(map(rates.flops_left, members))))
    return None if unknown else busy


def _pack_finishes(members: Sequence[TaskState], measured: Rates, now: float) -> list[float] | None:
    """Return when each of these tasks, which train together, ends: not before `now`. None if that cannot be told."""
    if not members:
        return []
    step_s = measured.step_s(members[0].info)
    total = sum(rates.steps_total(task.info) for task in members)
    if step_s is None or any(rates.steps_total(task.info) <= 0 for task in members):
        return None
    since = max((told.ts for task in members if (told := task.measured) is not None), default=None)
    if since is None:
        since = (members[0].life.claimed_ts or now) + measured.overhead_s
    elif (own := measured.packs.get(rates.claim_key(members[0]))) is not None:
        prior = PRIOR_SHARE * total
        step_s = (own.seconds + prior * step_s) / (own.steps + prior)
    if since > now + AHEAD_S:
        since = now
    return [max(now, since + seconds) for seconds in pack_seconds(list(map(rates.steps_left, members)), step_s)]


def pack_seconds(steps: Sequence[int], step_s: float) -> list[float]:
    """Return the seconds after which each member of a pack has made its steps, where a step of one member takes
    `step_s`.

    While k members train, a step of the pack takes k * step_s.
    """
    seconds = [0.0] * len(steps)
    elapsed_s, made = 0.0, 0
    for ended, member in enumerate(sorted(range(len(steps)), key=steps.__getitem__)):
        elapsed_s += (steps[member] - made) * (len(steps) - ended) * step_s
        seconds[member], made = elapsed_s, steps[member]
    return seconds


def _queued(waiting: Waiting, measured: Rates, planned: dict[str, TaskEstimate]) -> None:
    """Plan queued and delayed tasks, up to the first whose duration is unknown: what comes after it is unknown too."""
    while (claimed := waiting.claim()) is not None:
        pack = claimed.tasks
        step_s = measured.step_s(pack[0].info)
        if step_s is None or any(rates.steps_total(task.info) <= 0 for task in pack):
            return
        begun_ts = claimed.ts + measured.overhead_s
        seconds = pack_seconds(list(map(rates.steps_left, pack)), step_s)
        for task, needed_s in zip(pack, seconds, strict=True):
            planned[task.id] = TaskEstimate(claimed.ts, begun_ts + needed_s)
        waiting.train(claimed, begun_ts + max(seconds))


def _finish(tasks: Iterable[TaskState], planned: Mapping[str, TaskEstimate]) -> float | None:
    """Return when the last of the tasks ends or ended; None if one of them cannot be told, or only paused ones are
    left."""
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
