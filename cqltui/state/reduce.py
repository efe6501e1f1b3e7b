"""(state, event) -> state. The reducer replaces and never appends, and each part of the state has an order of its own,
so a reader that missed, repeated or reordered messages ends where one that saw everything does."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from cqltui.garbage import uncollected
from cqltui.state import decode, paging
from cqltui.state.draft import Draft, merged, read
from cqltui.state.events import Event, Kind
from cqltui.state.latest import latest
from cqltui.state.model import Notice, RunState, TaskState, Wanted, WorkerState
from cqltui.state.page import Page
from cqltui.state.untouched import Untouched, queued

NOTICES = 100


def reduce(state: RunState, event: Event) -> RunState:
    """Return the state after the event. Never raises on what came over the wire: nonsense is left out."""
    draft = Draft(state)
    _apply(draft, event)
    return draft.finished()


def reduce_all(state: RunState, events: Iterable[Event]) -> RunState:
    """Return the state after all events, in order. The maps of tasks and workers are copied once, whatever their
    number (of many tasks what has changed, see `layered`), and reports that others follow are not read."""
    draft = Draft(state)
    for event in latest(events):
        _apply(draft, event)
    return draft.finished()


def _apply(draft: Draft, event: Event) -> None:
    if event.kind is Kind.ANEW:
        draft.forget()
    draft.now = max(draft.now, event.ts)
    match event.kind:
        case Kind.TICK | Kind.ANEW:
            return
        case Kind.PROGRESS:
            _progress(draft, event)
            return
        case Kind.CONNECTION:
            draft.state = _connection(draft.state, event)
            return
        case Kind.SUMMARY if not isinstance(event.data.get("page"), Page):
            _summary(draft, event)
            return
        case Kind.PAGE:
            paging.turn(draft, event)
            return
        case Kind.SUMMARY:
            paging.begin(draft, event, event.data["page"])
            _run(draft, event)
        case Kind.SNAPSHOT:
            with uncollected():
                _snapshot(draft, event)
            _run(draft, event)
        case Kind.WORKER_STARTED | Kind.WORKER_STOPPED:
            worker = decode.worker(event.worker, event.data, event.ts, event.epoch)
            worker = replace(worker, version=(*_version(event), 0))
            if worker.id in draft.workers or _version(event) > draft.state.read_version:  # else it had gone by then
                draft.put_worker(_stopped(worker) if event.kind is Kind.WORKER_STOPPED else worker)
        case Kind.WANTED | Kind.WORKERS | Kind.CAMPAIGN | Kind.FINISHED:
            draft.state = _meta(draft.state, event.data, _version(event))
        case Kind.NOTICE:
            draft.state = _notice(draft.state, event)
        case Kind.TASKS_QUEUED:
            with uncollected():
                _queued(draft, event)
        case _:
            _lifecycle(draft, event)
    draft.state = _advance(draft.state, event)


def _version(event: Event) -> tuple[int, int]:
    return event.epoch, event.seq


def _advance(state: RunState, event: Event) -> RunState:
    if _version(event) > (state.epoch, state.seq):
        return replace(state, epoch=event.epoch, seq=event.seq)
    return state


def _lifecycle(draft: Draft, event: Event) -> None:
    info = decode.task_info(event.task, event.data.get("info"))
    life = decode.lifecycle(event.data, _version(event))
    if draft.state.page is not None and event.task not in draft.tasks:
        paging.change(draft, event, info, life)
    elif event.task and (info is not None or life is not None):
        draft.put_task(merged(draft.tasks.get(event.task), event.task, info, life, None, _version(event)))


def _queued(draft: Draft, event: Event) -> None:
    """Take very many new tasks at once."""
    if draft.state.page is not None:
        paging.add(draft, queued(event))
        return
    for task_id, told in queued(event):
        draft.put_untouched(task_id, told)


def _progress(draft: Draft, event: Event) -> None:
    draft.put_worker(decode.worker(event.worker, event.data, event.ts, event.epoch))
    for member in decode.few(event.data.get("members")):
        task_id = decode.text(member, "task")
        known = draft.tasks.get(task_id)
        if known is not None or (task_id and draft.state.page is None):
            draft.put_task(merged(known, task_id, None, None, decode.progress(member, event.ts)))


def _stopped(worker: WorkerState) -> WorkerState:
    return replace(worker, stopped=True, tasks=(), samples_per_s=0.0)


def _meta(state: RunState, data: Mapping[str, Any], version: tuple[int, int]) -> RunState:
    if version < state.meta_version:
        return state
    state = replace(
        state,
        meta_version=version,
        wanted_by=decode.text(data, "wanted_by")[: decode.BY_LIMIT],
        asked_workers=max(0, decode.whole(data, "asked_workers")),
        asked_workers_by=decode.text(data, "asked_workers_by")[: decode.BY_LIMIT],
    )
    with suppress(ValueError):
        state = replace(state, wanted=Wanted(decode.text(data, "wanted")))
    if (campaign := decode.campaign(data.get("campaign"))) is not None:
        state = replace(state, campaign=campaign)
    return replace(state, finished_ts=decode.stamp(data, "finished_ts"))


def _notice(state: RunState, event: Event) -> RunState:
    notice = Notice(
        event.ts, decode.text(event.data, "level") or "info", decode.text(event.data, "text"), _version(event)
    )
    notices = sorted({notice, *state.notices}, key=lambda known: known.version)
    return replace(state, notices=tuple(notices[-NOTICES:]))


def _is_newer(task: TaskState, event: Event) -> bool:
    """Return whether anything known of the task is newer than the event."""
    return task.life.version > _version(event) or (task.live is not None and task.live.ts > event.ts)


def _connection(state: RunState, event: Event) -> RunState:
    online, why = bool(event.data.get("online")), decode.text(event.data, "why")
    if online:
        return replace(state, online=True, offline_since=0.0, offline_why="")
    since = event.ts if state.online else state.offline_since
    return replace(state, online=False, offline_since=since, offline_why=why)


def _summary(draft: Draft, event: Event) -> None:
    """Take how many tasks there are of what, {meta, groups}, and what is wanted; a whole reading follows."""
    draft.state = paging.summarized(draft.state, event)
    _take_meta(draft, event)


def _snapshot(draft: Draft, event: Event) -> None:
    """Apply a whole reading of all tasks, {tasks: {id: {info, life, seq, progress}}}.

    It is whole, so what it lacks is gone, unless a newer event told of it.
    """
    told = event.data.get("tasks")
    told = told if isinstance(told, Mapping) else {}
    if draft.state.page is not None:
        draft.begin(None)
    draft.keep_tasks({task_id for task_id, task in draft.tasks.items() if task_id in told or _is_newer(task, event)})
    for task_id, raw in told.items():
        if type(raw) is Untouched:
            draft.put_untouched(task_id, raw)
        elif (task := read(draft.tasks.get(task_id), task_id, raw, event.epoch)) is not None:
            draft.put_task(task)


def _run(draft: Draft, event: Event) -> None:
    """Take what a reading says of the run itself, {meta, workers: {id: {...}}}: workers that it lacks are gone."""
    workers = dict(decode.items(event.data.get("workers")))
    for worker in [w for k, w in draft.workers.items() if k not in workers and w.version[:2] <= _version(event)]:
        draft.put_worker(_stopped(worker))
    for worker_id, raw in workers.items():
        draft.put_worker(decode.worker(worker_id, raw, decode.stamp(raw, "ts"), event.epoch))
    draft.state = replace(draft.state, read_version=max(draft.state.read_version, _version(event)))
    _take_meta(draft, event)


def _take_meta(draft: Draft, event: Event) -> None:
    if isinstance(meta := event.data.get("meta"), Mapping):
        draft.state = _meta(draft.state, meta, (event.epoch, decode.whole(meta, "seq")))
