"""Who trains what, and when: a lane a worker, of what was, what is, and what the estimate plans. Pure.

What was comes from the tasks' lifecycles, which keep the latest attempt of each; earlier ones come from the journal,
where somebody has read it (`Past`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from msgspec import Struct, field

from cqltui.state.counting import tally
from cqltui.state.eta import UNNAMED, Estimate
from cqltui.state.model import ENDED, PhaseTally, RunState, Status, TaskState
from cqltui.state.plain import plain
from cqltui.state.rates import claim_key


class Shown(StrEnum):
    """What a block is."""

    DONE = "done"
    FAILED = "failed"
    """Every task of it is dead or cancelled."""
    BROKEN = "interrupted"
    """It ended without a result: a death, a pause, a retry."""
    RUNNING = "running"
    PLANNED = "planned"


class Sign(StrEnum):
    """What a mark says, the more important first."""

    DEATH = "a task died"
    FAULT = "a warning or an error"
    PAUSE = "paused"
    RESUME = "resumed"
    PHASE = "a phase ends"
    LAUNCH = "launched"


class Block(Struct, frozen=True):
    """Tasks that one worker claimed at once."""

    worker: str
    start_ts: float
    end_ts: float
    """Of one that runs: now."""
    until_ts: float
    """When it is expected to end; else as `end_ts`."""
    tasks: tuple[str, ...]
    shown: Shown


class Mark(Struct, frozen=True):
    """Something that happened to the run, or will."""

    ts: float
    sign: Sign
    text: str
    reached: bool = True


class Attempt(Struct, frozen=True):
    """A task at a worker, that was over before its latest one."""

    task: str
    worker: str
    start_ts: float
    end_ts: float
    shown: Shown = Shown.BROKEN


class Past(Struct, frozen=True):
    """What the journal tells and the state does not keep."""

    attempts: tuple[Attempt, ...] = ()
    marks: tuple[Mark, ...] = ()


class Lanes(Struct, frozen=True):
    """All lanes, and what is marked above them."""

    workers: tuple[str, ...] = ()
    blocks: Mapping[str, tuple[Block, ...]] = field(default_factory=dict)
    """Of each worker, by their starts."""
    marks: tuple[Mark, ...] = ()
    start_ts: float = 0.0
    end_ts: float = 0.0
    between: tuple[float, float] | None = None
    """Of the run's end."""


UNKNOWN = Past()
"""Nothing is known of the past."""


def lanes(state: RunState, estimate: Estimate, now: float, past: Past = UNKNOWN) -> Lanes:
    """Return the lanes as of `now`."""
    found: defaultdict[str, list[Block]] = defaultdict(list)
    for block in (*_trained(state.tasks.values(), estimate, now), *_planned(state, estimate), *_earlier(past)):
        found[block.worker].append(block)
    for blocks in found.values():
        blocks.sort(key=lambda block: block.start_ts)
    workers = sorted({*found, *(worker.id for worker in state.workers.values() if not worker.stopped)}, key=_natural)
    marks = tuple(sorted((*_marks(state, estimate, now), *past.marks), key=lambda mark: mark.ts))
    times = [block.start_ts for blocks in found.values() for block in blocks[:1]]
    launch = state.campaign.started_ts
    start_ts = min([*times, launch] if launch > 0 else times, default=now)
    ends = [block.until_ts for blocks in found.values() for block in blocks]
    between = estimate.between
    end_ts = max([*ends, *(between or ())], default=now)
    return Lanes(tuple(workers), {name: tuple(each) for name, each in found.items()}, marks, start_ts, end_ts, between)


def _trained(tasks: Iterable[TaskState], estimate: Estimate, now: float) -> Iterator[Block]:
    """Yield what was claimed: packs, by the claim that their tasks are or were last members of."""
    claims: defaultdict[tuple[str, float], list[TaskState]] = defaultdict(list)
    for task in tasks:
        if task.life.worker and 0 < task.life.claimed_ts <= now:
            claims[claim_key(task)].append(task)
    for (worker, start_ts), members in claims.items():
        ends = [_ended_ts(task) for task in members]
        shown = _shown(members)
        end_ts = now if shown is Shown.RUNNING else max(start_ts, min(now, max(ends)))
        plans = [plan.finish_ts for task in members if (plan := estimate.tasks.get(task.id)) and _runs(task)]
        until_ts = max([end_ts, *plans]) if shown is Shown.RUNNING else end_ts
        yield Block(worker, start_ts, end_ts, until_ts, tuple(task.id for task in members), shown)


def _runs(task: TaskState) -> bool:
    return task.life.status is Status.RUNNING


def _shown(members: list[TaskState]) -> Shown:
    statuses = {task.life.status for task in members}
    if Status.RUNNING in statuses:
        return Shown.RUNNING
    if Status.DONE in statuses:
        return Shown.DONE
    return Shown.FAILED if statuses <= ENDED else Shown.BROKEN


def _ended_ts(task: TaskState) -> float:
    """Return when the task's latest attempt ended, as far as is known."""
    life = task.life
    if life.status in ENDED:
        return life.finished_ts
    said = task.progress.ts if task.progress is not None else 0.0
    return max(said, life.queued_ts if life.queued_ts > life.claimed_ts else 0.0)


def _planned(state: RunState, estimate: Estimate) -> Iterator[Block]:
    """Yield what the estimate plans for tasks that wait: those that one worker takes at once, together."""
    claims: defaultdict[tuple[str, float], list[tuple[str, float]]] = defaultdict(list)
    for task_id, plan in estimate.tasks.items():
        task = state.tasks.get(task_id)
        if task is not None and task.life.status in (Status.QUEUED, Status.DELAYED):
            claims[plan.worker, plan.start_ts].append((task_id, plan.finish_ts))
    for (worker, start_ts), members in claims.items():
        end_ts = max(finish_ts for _, finish_ts in members)
        yield Block(worker, start_ts, end_ts, end_ts, tuple(task_id for task_id, _ in members), Shown.PLANNED)


def _earlier(past: Past) -> Iterator[Block]:
    claims: defaultdict[tuple[str, float], list[Attempt]] = defaultdict(list)
    for attempt in past.attempts:
        claims[attempt.worker, attempt.start_ts].append(attempt)
    for (worker, start_ts), members in claims.items():
        end_ts = max(attempt.end_ts for attempt in members)
        shown = Shown.DONE if any(attempt.shown is Shown.DONE for attempt in members) else Shown.BROKEN
        yield Block(worker, start_ts, end_ts, end_ts, tuple(attempt.task for attempt in members), shown)


def _marks(state: RunState, estimate: Estimate, now: float) -> Iterator[Mark]:
    if 0 < state.campaign.started_ts <= now:
        yield Mark(state.campaign.started_ts, Sign.LAUNCH, "launched")
    ends: dict[str, float] = {}
    for task in state.tasks.values():
        life, phase = task.life, task.info.phase
        if life.status is Status.DEAD and life.finished_ts:
            yield Mark(life.finished_ts, Sign.DEATH, f"{plain(task.info.title or task.id, 80)} died")
        if life.status in ENDED and life.status is not Status.WITHDRAWN:
            ends[phase] = max(ends.get(phase, 0.0), life.finished_ts)
    counted = tally(state).phases  # some of very many tasks are not held
    for info in state.campaign.phases:
        reached = all(status in ENDED for status in counted.get(info.name, PhaseTally()).states)
        ts = ends.get(info.name) if reached else estimate.phases.get(info.name)
        if ts:
            yield Mark(ts, Sign.PHASE, f"{plain(info.title or info.name, 80)} ends", reached)
    for notice in state.notices:
        if notice.level in ("warning", "error"):
            yield Mark(notice.ts, Sign.FAULT, plain(notice.text, 200))
    if not state.online and state.offline_since and not state.finished_ts:
        yield Mark(state.offline_since, Sign.FAULT, "the server does not answer")


def _natural(worker: str) -> tuple[bool, str, int, str]:
    """Return what sorts w2 before w10, and who is only expected last."""
    digits = re.search(r"[0-9]{1,9}$", worker)
    name = worker[: digits.start()] if digits else worker
    return worker.startswith(UNNAMED), name, int(digits[0]) if digits else 0, worker
