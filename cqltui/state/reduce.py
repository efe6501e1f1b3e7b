"""(state, event) -> state. The reducer replaces and never appends, and each part of the state has an order of its own,
so a reader that missed, repeated or reordered messages ends where one that saw everything does."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from cqltui.state import decode
from cqltui.state.events import Event, Kind, parse_token
from cqltui.state.model import (
    Lifecycle,
    Notice,
    Progress,
    RunState,
    TaskInfo,
    TaskState,
    Wanted,
    WorkerState,
)

NOTICES = 100


def reduce(state: RunState, event: Event) -> RunState:
    """The state after the event. Never raises on what came over the wire: nonsense is left out."""
    state = replace(state, now=max(state.now, event.ts))
    match event.kind:
        case Kind.TICK:
            return state
        case Kind.CONNECTION:
            return _connection(state, event)
        case Kind.SNAPSHOT:
            return _snapshot(state, event)
        case Kind.PROGRESS:
            return _progress(state, event)
        case Kind.WORKER_STARTED | Kind.WORKER_STOPPED:
            state = _worker(state, event)
        case Kind.WANTED | Kind.CAMPAIGN | Kind.FINISHED:
            state = _meta(state, event.data, _version(event))
        case Kind.NOTICE:
            state = _notice(state, event)
        case _:
            state = _lifecycle(state, event)
    return _advance(state, event)


def reduce_all(state: RunState, events: Iterable[Event]) -> RunState:
    """The state after all events, in order."""
    for event in events:
        state = reduce(state, event)
    return state


def _version(event: Event) -> tuple[int, int]:
    return event.epoch, event.seq


def _advance(state: RunState, event: Event) -> RunState:
    if _version(event) > (state.epoch, state.seq):
        return replace(state, epoch=event.epoch, seq=event.seq)
    return state


def _with_task(state: RunState, task: TaskState) -> RunState:
    return replace(state, tasks=MappingProxyType({**state.tasks, task.id: task}))


def _lifecycle(state: RunState, event: Event) -> RunState:
    info = decode.task_info(event.task, event.data.get("info"))
    life = decode.lifecycle(event.data, _version(event))
    if not event.task or (info is None and life is None):
        return state
    return _with_task(state, _merged(state.tasks.get(event.task), event.task, info, life, None, _version(event)))


def _merged(
    known: TaskState | None,
    task_id: str,
    info: TaskInfo | None,
    life: Lifecycle | None,
    progress: Progress | None,
    version: tuple[int, int] = (0, 0),
) -> TaskState:
    """What is newer of each part. `version` is that of `info`."""
    if known is None:
        known = TaskState(TaskInfo(task_id, ""))
    if info is not None and version >= known.info_version:
        known = replace(known, info=info, info_version=version)
    if life is not None and life.version > known.life.version:
        known = replace(known, life=life)
    if progress is not None and (known.progress is None or _progress_order(progress) > _progress_order(known.progress)):
        known = replace(known, progress=progress)
    if known.progress is not None and _is_of_earlier_run(known.progress, known.life):
        known = replace(known, progress=None)
    return known


def _progress_order(progress: Progress) -> tuple[tuple[int, int], int]:
    return parse_token(progress.token), progress.step


def _is_of_earlier_run(progress: Progress, life: Lifecycle) -> bool:
    """Whether the task was submitted again after the report: a new run begins at epoch 0."""
    return life.run > 1 and progress.token != life.token and progress.ts < (life.started_ts or life.queued_ts)


def _progress(state: RunState, event: Event) -> RunState:
    state = _with_worker(state, decode.worker(event.worker, event.data, event.ts))
    tasks = dict(state.tasks)
    for member in decode.dicts(event.data.get("members")):
        task_id = str(member.get("task", ""))
        if task_id:
            tasks[task_id] = _merged(tasks.get(task_id), task_id, None, None, decode.progress(member, event.ts))
    return replace(state, tasks=MappingProxyType(tasks))


def _worker(state: RunState, event: Event) -> RunState:
    worker = decode.worker(event.worker, event.data, event.ts)
    if event.kind is Kind.WORKER_STOPPED:
        worker = _stopped(worker)
    return _with_worker(state, worker)


def _stopped(worker: WorkerState) -> WorkerState:
    return replace(worker, stopped=True, tasks=(), samples_per_s=0.0)


def _with_worker(state: RunState, worker: WorkerState) -> RunState:
    """The newest word of the worker counts; where two are of the same moment, its end."""
    known = state.workers.get(worker.id)
    if not worker.id or (known is not None and (worker.ts, worker.stopped) < (known.ts, known.stopped)):
        return state
    return replace(state, workers=MappingProxyType({**state.workers, worker.id: worker}))


def _meta(state: RunState, data: Mapping[str, Any], version: tuple[int, int]) -> RunState:
    if version < state.meta_version:
        return state
    state = replace(state, meta_version=version)
    with suppress(ValueError):
        state = replace(state, wanted=Wanted(decode.text(data, "wanted")))
    if (campaign := decode.campaign(data.get("campaign"))) is not None:
        state = replace(state, campaign=campaign)
    return replace(state, finished_ts=decode.number(data, "finished_ts"))


def _notice(state: RunState, event: Event) -> RunState:
    notice = Notice(
        event.ts, decode.text(event.data, "level") or "info", decode.text(event.data, "text"), _version(event)
    )
    notices = sorted({notice, *state.notices}, key=lambda known: known.version)
    return replace(state, notices=tuple(notices[-NOTICES:]))


def _is_newer(task: TaskState, event: Event) -> bool:
    """Whether anything known of the task is newer than the event."""
    return task.life.version > _version(event) or (task.progress is not None and task.progress.ts > event.ts)


def _connection(state: RunState, event: Event) -> RunState:
    online = bool(event.data.get("online"))
    if online == state.online:
        return state
    return replace(state, online=online, offline_since=0.0 if online else event.ts)


def _snapshot(state: RunState, event: Event) -> RunState:
    """A whole reading of the server: {meta, tasks: {id: {info, life, seq, progress}}, workers: {id: {...}}}.

    It is whole, so what it lacks is gone, unless a newer event told of it.
    """
    data = event.data
    read = dict(decode.items(data.get("tasks")))
    tasks = {task_id: task for task_id, task in state.tasks.items() if task_id in read or _is_newer(task, event)}
    for task_id, raw in read.items():
        version = (event.epoch, decode.whole(raw, "seq"))
        life = raw.get("life")
        report = raw.get("progress")
        tasks[task_id] = _merged(
            tasks.get(task_id),
            task_id,
            decode.task_info(task_id, raw.get("info")),
            decode.lifecycle(life, version) if isinstance(life, Mapping) else None,
            decode.progress(report, decode.number(report, "ts")) if isinstance(report, Mapping) else None,
            version,
        )
    workers = dict(decode.items(data.get("workers")))
    gone = {k: _stopped(w) for k, w in state.workers.items() if k not in workers and w.ts <= event.ts}
    state = replace(state, tasks=MappingProxyType(tasks), workers=MappingProxyType({**state.workers, **gone}))
    for worker_id, raw in workers.items():
        state = _with_worker(state, decode.worker(worker_id, raw, decode.number(raw, "ts")))
    if isinstance(meta := data.get("meta"), Mapping):
        state = _meta(state, meta, (event.epoch, decode.whole(meta, "seq")))
    return _advance(state, event)
