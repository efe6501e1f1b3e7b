"""What readers of the state show, computed from it. Pure: the time is told."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from math import ceil, inf

from msgspec import Struct

from cqltui.state.counting import merit, tally
from cqltui.state.described import PhaseInfo
from cqltui.state.eta import Estimate
from cqltui.state.live import live_workers as live_workers
from cqltui.state.live import samples_per_s as samples_per_s
from cqltui.state.live import stalled as stalled
from cqltui.state.model import ENDED, Notice, PhaseTally, RunState, Status, TaskState, Wanted
from cqltui.state.plain import plain


class PhaseProgress(Struct, frozen=True):
    """How far a phase is. Withdrawn tasks count nowhere; cancelled ones among the failed."""

    info: PhaseInfo
    total: int
    done: int
    running: int
    failed: int
    """Dead or cancelled."""
    paused: int
    epochs_done: int
    epochs_total: int
    best: TaskState | None
    """Of those that are neither dead nor cancelled, the lowest validation loss, else the lowest training loss."""


class Milestone(Struct, frozen=True):
    """A point of the timeline. `ts` in seconds since 1970: when it was reached, or an estimate; None: unknown."""

    ts: float | None
    kind: str
    """"launch", "task", "phase" or "finish"."""
    text: str
    reached: bool
    task: str = ""
    """The task's id, for kind "task"."""


def counts(state: RunState) -> Mapping[Status, int]:
    """Return the number of tasks per status, every status included."""
    found = tally(state).states
    return {status: found.get(status, 0) for status in Status}


def left(state: RunState) -> int:
    """Return how many tasks have not ended."""
    return sum(count for status, count in tally(state).states.items() if status not in ENDED)


def queue_depth(state: RunState) -> Mapping[int, int]:
    """Queued tasks per priority (fractions, as a raw zadd may set, rounded down), the highest first."""
    depth = tally(state).queued
    return {priority: depth[priority] for priority in sorted(depth, reverse=True)}


def queue_history(state: RunState, now: float, points: int) -> tuple[int, ...]:
    """Queued tasks at `points` moments, evenly spaced from the launch to `now`, the last one now.

    Told from the lifecycles alone, so that a reader who came late draws the same. They keep the first and the latest
    stay in the queue: one in between, of a task that was retried several times, is not drawn. Nothing where tasks are
    not held.
    """
    if points <= 0 or state.page is not None:
        return ()
    starts = [task.life.queued_ts for task in state.tasks.values() if task.life.queued_ts > 0]
    launch = state.campaign.started_ts or min(starts, default=now)
    span_s = max(0.0, now - launch)
    change = [0] * (points + 1)

    def place(ts: float) -> int:
        """Return the first moment at or after ts; `points` for none."""
        if span_s <= 0 or ts >= now:
            return points - 1 if ts <= now else points
        return max(0, ceil((ts - launch) / span_s * points) - 1)

    waiting: Counter[float] = Counter()  # most, since a few moments
    for task in state.tasks.values():
        if task.status is Status.QUEUED and task.life.started_ts <= 0:
            waiting[task.life.queued_ts] += 1
            continue
        for since, until in _stays(task, launch):
            if since < until:
                change[place(min(since, now))] += 1
                change[place(until)] -= 1
    for since, number in waiting.items():
        change[place(min(since, now))] += number
    depth, history = 0, []
    for step in change[:points]:
        depth += step
        history.append(depth)
    return tuple(history)


def _stays(task: TaskState, launch: float) -> Iterator[tuple[float, float]]:
    """Yield (since, until) of the task's known stays in the queue."""
    life = task.life
    if life.started_ts > 0:
        yield (life.queued_ts if life.queued_ts <= life.started_ts else launch), life.started_ts
    if task.status is Status.QUEUED:
        yield life.queued_ts, inf
    elif life.queued_ts > life.started_ts:
        yield life.queued_ts, max(life.claimed_ts, life.finished_ts)


def phases(state: RunState) -> tuple[PhaseProgress, ...]:
    """Return the phases' progress, the highest priority first, then in the order of the file."""
    known = tally(state).phases
    order = sorted(state.campaign.phases, key=lambda phase: -phase.priority)
    # Of very many the best may be one that is not held.
    tasks = state.tasks if state.page is None else {}
    return tuple(_phase(info, known.get(info.name, PhaseTally()), tasks) for info in order)


def _phase(info: PhaseInfo, found: PhaseTally, tasks: Mapping[str, TaskState]) -> PhaseProgress:
    states = found.states
    return PhaseProgress(
        info=info,
        total=sum(states.values()),
        done=states.get(Status.DONE, 0),
        running=states.get(Status.RUNNING, 0),
        failed=states.get(Status.DEAD, 0) + states.get(Status.CANCELLED, 0),
        paused=states.get(Status.PAUSED, 0),
        epochs_done=found.epochs_done,
        epochs_total=found.epochs_total,
        best=tasks.get(found.best) or _best(info.name, found, tasks),
    )


def _best(phase: str, found: PhaseTally, tasks: Mapping[str, TaskState]) -> TaskState | None:
    """Return the best task of a phase by looking at all, if one has ever been good."""
    if found.merit[1] == inf:
        return None
    known = (task for task in tasks.values() if task.live is not None or task.life.report is not None)
    members = (task for task in known if task.info.phase == phase and task.status is not Status.WITHDRAWN)
    ranked = [(how, task) for task in members if (how := merit(task))[1] < inf]
    return min(ranked, key=lambda found: found[0])[1] if ranked else None


def work_share(state: RunState) -> float:
    """Return the share of the work that is done, 0 to 1, each epoch weighed by its FLOPs where they are known."""
    found = tally(state)
    return found.work_done / found.work_total if found.work_total else 0.0


def took_s(task: TaskState) -> float | None:
    """Return the seconds from the first claim of an ended task's run to its end, None if they cannot be told.

    Of a task that was done at the first attempt they are those that it trained, which no change of the clock touches.
    """
    life, progress = task.life, task.progress
    if not life.started_ts or not life.finished_ts:
        return None
    whole = life.status is Status.DONE and life.claimed_ts == life.started_ts
    if whole and progress is not None and progress.token == life.token and progress.elapsed_s > 0:
        return progress.elapsed_s
    seconds = life.finished_ts - life.started_ts
    return seconds if seconds >= 0 else None


def duration_s(task: TaskState, now: float) -> float | None:
    """Return the seconds of the task's run: of one that has ended as `took_s` has them, of one that has not those since
    it was first claimed; None before."""
    if task.life.finished_ts:
        return took_s(task)
    return max(0.0, now - task.life.started_ts) if task.life.started_ts else None


def error_text(task: TaskState) -> str:
    """Return all that is known of the task's last failure: the reason in the first line, traceback, last log lines, and
    for a dead task how to run it again."""
    if task.status is not Status.DEAD:
        return task.life.error
    return f"{task.life.error}\n\nrun it again with: cqltui resubmit {task.id}".lstrip()


def is_untouched(task: TaskState) -> bool:
    """Return whether the task is as it was submitted, so that submitting it again makes the same of it."""
    life = task.life
    is_new = life.status is Status.QUEUED and life.run == 1 and life.attempt == 0
    return is_new and not life.by and not life.error and life.report is None


def notices_about(state: RunState, task_id: str) -> tuple[Notice, ...]:
    """Return the notices that name the task, the newest last."""
    named = re.compile(rf"\btask {re.escape(task_id)}(?![\w.-])")
    return tuple(notice for notice in state.notices if named.search(notice.text))


def ordered(state: RunState) -> tuple[TaskState, ...]:
    """Return all tasks: phases by priority, then as in the file; those of no known phase last."""
    rank = {phase.name: place for place, phase in enumerate(sorted(state.campaign.phases, key=lambda p: -p.priority))}
    return tuple(
        sorted(
            state.tasks.values(),
            key=lambda task: (rank.get(task.info.phase, len(rank)), task.info.phase, task.info.index, task.id),
        )
    )


def milestones(state: RunState, estimate: Estimate, now: float) -> tuple[Milestone, ...]:
    """Launch, the end of each task and phase, and of the run: in order of time, those of unknown time last. What is
    paused stands at `now`, without a time: it waits for somebody."""
    marks: list[tuple[float, Milestone]] = []

    def add(ts: float | None, kind: str, text: str, reached: bool, task: str = "", place: float = inf) -> None:
        marks.append((place if ts is None else ts, Milestone(ts, kind, text, reached, task)))

    if state.campaign.started_ts > 0:
        add(state.campaign.started_ts, "launch", "launched", state.campaign.started_ts <= now)
    tasks = [task for task in ordered(state) if task.status is not Status.WITHDRAWN]
    for task in tasks:
        name = plain(task.info.title or task.id, 80)
        if task.status in ENDED:
            add(task.life.finished_ts or None, "task", f"{name} {task.status}", True, task.id)
        elif task.status is Status.PAUSED:
            add(None, "task", f"{name} paused", False, task.id, place=now)
        else:
            plan = estimate.tasks.get(task.id)
            add(plan.finish_ts if plan else None, "task", name, False, task.id)
    known = tally(state).phases  # of very many not all tasks are held
    left = {name for name, found in known.items() if not ENDED.issuperset(found.states)}
    filled = {name for name, found in known.items() if found.states}
    for progress in phases(state):
        phase = progress.info
        if phase.name in filled:
            reached = phase.name not in left
            text = f"{plain(phase.title or phase.name, 80)} {'complete' if reached else 'completes'}"
            waits = f", {progress.paused} paused" if progress.paused else ""
            add(estimate.phases.get(phase.name), "phase", text + waits, reached)
    if filled:
        add(estimate.finish_ts, "finish", "finish" + without_paused(estimate) if left else "finished", not left)
    # Stable: where times are equal, tasks come before their phase and phases before the end.
    return tuple(mark for _, mark in sorted(marks, key=lambda placed: placed[0]))


def without_paused(estimate: Estimate) -> str:
    """Return what is to be said beside the run's estimated end: " without 2 paused", or nothing."""
    return f" without {estimate.paused} paused" if estimate.paused and estimate.finish_ts is not None else ""


def run_status(state: RunState) -> str:
    """Return one word for the whole run: "finished", "offline", "running", "waiting" (for a worker or a retry),
    "finishing" (results are being written), or "pausing", "draining", "stopping" while tasks still run and "paused",
    "drained", "stopped" when none does."""
    found = counts(state)
    some_left = left(state) > 0
    ended = bool(state.tasks) and not some_left
    if ended and state.finished_ts > 0:
        return "finished"
    if not state.online and state.finished_ts <= 0:
        return "offline"
    if ended:
        return "finishing"
    busy = found[Status.RUNNING] > 0
    match state.wanted:
        case Wanted.PAUSED:
            return "pausing" if busy else "paused"
        case Wanted.DRAINING:
            return "draining" if busy else "drained"
        case Wanted.STOPPED:
            return "stopping" if busy else "stopped"
    if busy:
        return "running"
    return "waiting" if found[Status.QUEUED] or found[Status.DELAYED] or not some_left else "paused"
