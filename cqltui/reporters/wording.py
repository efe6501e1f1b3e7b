"""What happened, in one plain line each. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from cqltui.state.decode import BY_LIMIT
from cqltui.state.events import Event, Kind
from cqltui.state.model import ENDED, Lifecycle, RunState, Status, TaskState, Wanted
from cqltui.state.plain import headline, plain
from cqltui.state.select import PhaseProgress, counts, took_s
from cqltui.state.untouched import queued_ids

TITLE_LIMIT = 60
ERROR_LIMIT = 300
LONGEST_S = 1e11
"""Three thousand years: times that are longer come of nonsense, and calendars fail at some."""

_WANTED = {
    Wanted.RUNNING: "campaign runs",
    Wanted.PAUSED: "campaign pauses: nothing is claimed, running tasks pause after a checkpoint",
    Wanted.DRAINING: "campaign drains: nothing is claimed, running tasks end",
    Wanted.STOPPED: "campaign stops: workers write checkpoints and end",
}


def clock(ts: float) -> str:
    """Return the local time of day, "18:02:11"."""
    try:
        return datetime.fromtimestamp(ts).strftime("%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "--:--:--"


def day_and_time(ts: float) -> str:
    """Local date and time to the minute, "2026-11-26 18:02"; empty for 0."""
    try:
        return datetime.fromtimestamp(ts).strftime("%Y-%m-%d %H:%M") if ts else ""
    except (ValueError, OverflowError, OSError):
        return ""


def finish_time(ts: float | None, now: float, between: tuple[float, float] | None = None) -> str:
    """Return when something is expected to end: "18:40:02 (in 0:37:51)", or "unknown"; with the range in which it
    probably does: "18:40:02 (in 0:37:51, between 18:31:10 and 18:44:25)"."""
    if ts is None:
        return "unknown"
    left = f"in {span(ts - now)}" if ts - now >= 1 else "any moment"
    return f"{clock(ts)} ({left}{f', between {clock(between[0])} and {clock(between[1])}' if between else ''})"


def span(seconds: float) -> str:
    """Return a duration: "0.3 s", from ten seconds on "0:37:51"."""
    if not seconds <= LONGEST_S:  # NaN too
        return "for ever"
    return f"{max(seconds, 0.0):.1f} s" if seconds < 9.95 else str(timedelta(seconds=round(seconds)))


class Said(Struct, frozen=True):
    """A line, and what has become of the task that it is about, if it is about one."""

    text: str
    status: Status | None = None


def describe(before: RunState, event: Event, after: RunState) -> Iterator[Said]:
    """Yield the lines that the event is worth, without its time. None for progress, ticks and what was known already.

    Changes that a snapshot tells of, since their own events were missed, are lines too.
    """
    match event.kind:
        case Kind.PROGRESS | Kind.TICK | Kind.TASK_CHECKPOINT:
            return
        case Kind.SNAPSHOT:
            yield from _changed(before, after)
            yield from map(Said, _snapshot(before, after))
        case Kind.NOTICE | Kind.CONNECTION | Kind.WORKER_STARTED | Kind.WORKER_STOPPED:
            yield from map(Said, _about_run(before, event, after))
        case Kind.WANTED | Kind.WORKERS | Kind.CAMPAIGN | Kind.FINISHED:
            yield from map(Said, _meta(before, after))
        case Kind.TASKS_QUEUED:
            for task_id in queued_ids(event.data):
                yield from _task(before.tasks.get(task_id), after.tasks.get(task_id))
        case _:
            yield from _task(before.tasks.get(event.task), after.tasks.get(event.task))


def _about_run(before: RunState, event: Event, after: RunState) -> Iterator[str]:
    match event.kind:
        case Kind.CONNECTION:
            if (before.online, before.offline_why) != (after.online, after.offline_why):
                why = plain(after.offline_why, ERROR_LIMIT) or "server does not answer"
                yield "server answers" if after.online else f"{why}; workers train on"
        case Kind.WORKER_STARTED | Kind.WORKER_STOPPED:
            yield from _worker(before, event, after)
        case Kind.NOTICE:
            known = {notice.version for notice in before.notices}
            for notice in after.notices:
                if notice.version == (event.epoch, event.seq) and notice.version not in known:
                    yield f"{plain(notice.level, 10)}: {plain(notice.text, ERROR_LIMIT)}"


def _changed(before: RunState, after: RunState) -> Iterator[Said]:
    for task_id, task in after.tasks.items() if before.tasks else ():
        yield from _task(before.tasks.get(task_id), task)


def _snapshot(before: RunState, after: RunState) -> Iterator[str]:
    if after.tasks and not before.tasks:
        found = ", ".join(f"{number} {status}" for status, number in counts(after).items() if number)
        yield f"campaign {plain(after.campaign.name, TITLE_LIMIT)}: {len(after.tasks)} tasks: {found}"
    yield from _meta(before, after)


def _meta(before: RunState, after: RunState) -> Iterator[str]:
    if before.wanted is not after.wanted:
        yield f"{_WANTED[after.wanted]}{_by(after.wanted_by)}"
    if after.asked_workers not in (before.asked_workers, 0) and before.tasks:
        workers = f"{after.asked_workers} worker{'s' * (after.asked_workers != 1)}"
        yield f"{workers} asked for in place of {before.campaign.workers}{_by(after.asked_workers_by)}"
    if after.finished_ts > 0 and not before.finished_ts:
        ended = all(task.status in ENDED for task in after.tasks.values())
        yield "campaign has ended, results are written" if ended else "run has ended, its results so far are written"


def _worker(before: RunState, event: Event, after: RunState) -> Iterator[str]:
    known, worker = before.workers.get(event.worker), after.workers.get(event.worker)
    if worker is None or worker.ts != event.ts or (known and (known.ts, known.stopped) == (worker.ts, worker.stopped)):
        return
    name = plain(worker.id, 40)
    if worker.stopped:
        yield f"worker {name} stopped"
    else:
        device = f" on {plain(worker.device, 40)}" if worker.device else ""
        yield f"worker {name} started{device}" + (f" (pid {worker.pid})" if worker.pid else "")


def _task(known: TaskState | None, task: TaskState | None) -> Iterator[Said]:
    if task is None or (known is not None and known.life.version >= task.life.version):
        return
    said = _change(known.life if known else None, task)
    if said:
        title = plain(task.info.title, TITLE_LIMIT)
        yield Said(f"task {plain(task.id, 40)} {plain(task.info.phase, 40)} '{title}' {said}", task.status)


def _change(known: Lifecycle | None, task: TaskState) -> str:
    """Return what became of the task; empty if nothing that a reader would care for."""
    life = task.life
    if known is not None and known.status is life.status and known.attempt == life.attempt and known.run == life.run:
        if known.priority != life.priority:
            return f"has priority {life.priority:g} now{_by(life.by)}"
        if known.want != life.want and life.want:
            return f"is asked to {plain(life.want, 20)}{_by(life.by)}"
        return ""
    match life.status:
        case Status.QUEUED:
            return f"queued, priority {life.priority:g}" + (f", run {life.run}" if life.run > 1 else "") + _by(life.by)
        case Status.RUNNING:
            again = f", attempt {life.attempt}" if life.attempt > 1 else ""
            return f"claimed by {plain(life.worker, 40)}{again}"
        case Status.DONE:
            return f"done{_figures(task)}"
        case Status.DELAYED:
            return f"failed, is tried again at {clock(life.ready_ts)}{_error(life)}"
        case Status.DEAD:
            return f"dead{_error(life)}"
        case Status.PAUSED:
            return (f"paused by {plain(life.paused_by, 20)}" if life.paused_by else "paused") + _by(life.by)
    return f"{life.status}{_by(life.by)}"


def _by(who: str) -> str:
    """Return who asked for it, if somebody did."""
    return f" ({plain(who, BY_LIMIT)})" if who else ""


def _error(life: Lifecycle) -> str:
    return f": {plain(headline(life.error), ERROR_LIMIT)}" if life.error else ""


def _figures(task: TaskState) -> str:
    seconds = took_s(task)
    took = f" in {span(seconds)}" if seconds is not None and seconds < 1e9 else ""
    headline = "" if task.headline is None else f", {task.algorithm.headline} {task.headline:.4f}"
    best = "" if task.best is None else f", best validation {task.best:.4f}"
    return took + headline + best


def more_tasks(left_out: Mapping[Status, int]) -> str:
    """Return the line that stands for those of many tasks: "and 1,970 more tasks: 1,970 queued (each with -v)"."""
    counted = ", ".join(f"{number:,} {status}" for status, number in left_out.items())
    return f"and {sum(left_out.values()):,} more tasks: {counted} (each with -v)"


def phase_line(phase: PhaseProgress, finish_ts: float | None, now: float) -> str:
    """Return how far a phase is, in one line."""
    percent = 100 * phase.epochs_done // phase.epochs_total if phase.epochs_total else 0
    parts = [
        f"phase {plain(phase.info.name, 40)}: {phase.done}/{phase.total} tasks",
        f"{phase.epochs_done:,}/{phase.epochs_total:,} epochs ({percent} %)",
        f"{phase.running} running",
    ]
    if phase.failed:
        parts.append(f"{phase.failed} failed")
    if phase.best is not None:
        parts.append(f"best {best_text(phase.best)}")
    if phase.paused:
        parts.append(f"{phase.paused} paused")
    elif phase.done + phase.failed < phase.total:
        parts.append(f"ends {finish_time(finish_ts, now)}")
    return ", ".join(parts)


def best_text(task: TaskState) -> str:
    """Return the loss that a phase's best task is the best by: "validation 0.1012 (938fc1bd)"."""
    figure = "" if task.headline is None else f"{task.algorithm.headline} {task.headline:.4f} "
    if task.best is not None:
        figure = f"validation {task.best:.4f} "
    return f"{figure}({plain(task.id, 40)})"
