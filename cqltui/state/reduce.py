"""(state, event) -> state. The reducer replaces and never appends, and each part of the state has an order of its own,
so a reader that missed, repeated or reordered messages ends where one that saw everything does."""

from collections.abc import Collection, Iterable, Mapping, MutableMapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from cqltui.garbage import uncollected
from cqltui.state import decode
from cqltui.state.counting import Counting, tally
from cqltui.state.events import Event, Kind, parse_token
from cqltui.state.latest import latest
from cqltui.state.layered import writable
from cqltui.state.model import Lifecycle, Notice, Progress, RunState, Status, TaskInfo, TaskState, Wanted, WorkerState
from cqltui.state.untouched import Untouched, queued

NOTICES = 100
_STATUSES = frozenset(map(str, Status))


def reduce(state: RunState, event: Event) -> RunState:
    """Return the state after the event. Never raises on what came over the wire: nonsense is left out."""
    draft = _Draft(state)
    _apply(draft, event)
    return draft.finished()


def reduce_all(state: RunState, events: Iterable[Event]) -> RunState:
    """Return the state after all events, in order. The maps of tasks and workers are copied once, whatever their
    number (of many tasks what has changed, see `layered`), and reports that others follow are not read."""
    draft = _Draft(state)
    for event in latest(events):
        _apply(draft, event)
    return draft.finished()


class _Draft:
    """A state that is being made. What it began with stays as it is: a map is copied before it is first written to."""

    def __init__(self, state: RunState) -> None:
        self.state = state
        """All but the maps."""
        self._tasks: MutableMapping[str, TaskState] | None = None
        self._counting = Counting()
        self._workers: MutableMapping[str, WorkerState] | None = None
        self.now = state.now
        """The latest time that an event has told."""

    @property
    def tasks(self) -> Mapping[str, TaskState]:
        """The tasks so far."""
        return self.state.tasks if self._tasks is None else self._tasks

    @property
    def workers(self) -> Mapping[str, WorkerState]:
        """The workers so far."""
        return self.state.workers if self._workers is None else self._workers

    def put_task(self, task: TaskState) -> None:
        """Add or replace a task; one whose id can be no task's is passed over."""
        if not decode.NAME.fullmatch(task.id):
            return
        tasks = self._changing()
        old = tasks.get(task.id)
        if old is not task:
            self._counting.put(old, task)
            tasks[task.id] = task

    def put_new(self, task: TaskState) -> None:
        """Add a task that is not known, and waits as it was submitted."""
        if decode.NAME.fullmatch(task.id):
            tasks = self._changing()
            self._counting.put_waiting(task)
            tasks[task.id] = task

    def put_untouched(self, task_id: str, told: Untouched) -> None:
        """Add or replace a task that waits as it was submitted."""
        known = self.tasks.get(task_id)
        if known is None and (task := told.task()) is not None:  # as most are
            self.put_new(task)
        else:
            self.put_task(_merged(known, task_id, told.info, told.life, None, told.life.version))

    def _changing(self) -> MutableMapping[str, TaskState]:
        if self._tasks is None:
            begun = tally(self.state)
            self._counting = Counting(None if begun.summed else begun)
            self._tasks = writable(self.state.tasks)
        return self._tasks

    def put_worker(self, worker: WorkerState) -> None:
        """Add or replace a worker. The newest word counts; where two are of the same place, its end."""
        known = self.workers.get(worker.id)
        if not decode.NAME.fullmatch(worker.id) or (
            known is not None and (worker.version, worker.stopped) < (known.version, known.stopped)
        ):
            return
        if self._workers is None:
            self._workers = writable(self.state.workers)
        self._workers[worker.id] = worker

    def keep_tasks(self, ids: Collection[str]) -> None:
        """Forget all other tasks."""
        tasks = self._changing()
        gone = [task for task_id, task in tasks.items() if task_id not in ids]
        for task in gone:
            self._counting.put(task, None)
        if gone:
            self._tasks = {task_id: task for task_id, task in tasks.items() if task_id in ids}

    def forget(self) -> None:
        """Begin with nothing."""
        self.state, self._tasks, self._workers, self.now = RunState(), None, None, 0.0

    def finished(self) -> RunState:
        """Return the state, frozen."""
        made: dict[str, Any] = {}  # put in at once: each `replace` takes longer than what it is for
        if self._tasks is not None:
            tasks = MappingProxyType(self._tasks)  # a `Layered` is a mapping too
            made.update(tasks=tasks, counted=self._counting.finished(tasks))
        if self._workers is not None:
            made["workers"] = MappingProxyType(self._workers)
        if self.now > self.state.now:
            made["now"] = self.now
        return replace(self.state, **made) if made else self.state


def _apply(draft: _Draft, event: Event) -> None:
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
        case Kind.SUMMARY:
            draft.state = _summary(draft.state, event)
            return
        case Kind.SNAPSHOT:
            with uncollected():
                _snapshot(draft, event)
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


def _lifecycle(draft: _Draft, event: Event) -> None:
    info = decode.task_info(event.task, event.data.get("info"))
    life = decode.lifecycle(event.data, _version(event))
    if event.task and (info is not None or life is not None):
        draft.put_task(_merged(draft.tasks.get(event.task), event.task, info, life, None, _version(event)))


def _queued(draft: _Draft, event: Event) -> None:
    """Take very many new tasks at once."""
    for task_id, told in queued(event):
        draft.put_untouched(task_id, told)


def _merged(
    known: TaskState | None,
    task_id: str,
    info: TaskInfo | None,
    life: Lifecycle | None,
    progress: Progress | None,
    version: tuple[int, int] = (0, 0),
) -> TaskState:
    """Return what is newer of each part. `version` is that of `info`."""
    if known is None and info is not None and life is not None and progress is None and life.version > (0, 0):
        return TaskState(info, life, None, version)  # at once: a late reader has all its tasks so
    if known is None:
        known = TaskState(TaskInfo(task_id, ""))
    if info is not None and version >= known.info_version:
        known = replace(known, info=info, info_version=version)
    if life is not None and life.version > known.life.version:
        known = replace(known, life=life)
    if progress is not None and (known.live is None or _progress_order(progress) > _progress_order(known.live)):
        known = replace(known, live=progress)
    if known.live is not None and _is_over(known.live, known.life):
        known = replace(known, live=None)
    return known


def _progress_order(progress: Progress) -> tuple[tuple[int, int], int]:
    return parse_token(progress.token), progress.step


def _is_over(progress: Progress, life: Lifecycle) -> bool:
    """Return whether the report says nothing of the task any more."""
    return (
        parse_token(progress.token)[0] < life.version[0]  # the server has lost it since: what was saved is in the life
        or _is_of_earlier_run(progress, life)
        or _is_settled(progress, life)
    )


def _is_of_earlier_run(progress: Progress, life: Lifecycle) -> bool:
    """Return whether the task was submitted again after the report: a new run begins at epoch 0."""
    return life.run > 1 and progress.token != life.token and progress.ts < (life.started_ts or life.queued_ts)


def _is_settled(progress: Progress, life: Lifecycle) -> bool:
    """Return whether the task is done, and its result says more than the report: two curves of each of thousands of
    tasks would be kept for nothing."""
    done = life.status is Status.DONE and life.report is not None
    return done and parse_token(progress.token) <= parse_token(life.token)


def _progress(draft: _Draft, event: Event) -> None:
    draft.put_worker(decode.worker(event.worker, event.data, event.ts, event.epoch))
    for member in decode.few(event.data.get("members")):
        task_id = decode.text(member, "task")
        if task_id:
            known = draft.tasks.get(task_id)
            draft.put_task(_merged(known, task_id, None, None, decode.progress(member, event.ts)))


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


def _summary(state: RunState, event: Event) -> RunState:
    """Take how many tasks there are of what, {meta, groups: [{info, status, priority, count}]}, if none is known yet: a
    whole reading follows, which takes long."""
    if state.tasks:
        return state
    counting = Counting()
    for group in decode.dicts(event.data.get("groups")):
        info, status = decode.task_info("", group.get("info")), decode.text(group, "status")
        if info is not None and status in _STATUSES:
            done = info.epochs if status == Status.DONE else 0
            counts = max(0, decode.whole(group, "count")), done, info.epochs
            counting.add(info, Status(status), decode.number(group, "priority"), *counts)
    state = replace(state, counted=replace(counting.finished(state.tasks), summed=True))
    meta = event.data.get("meta")
    return _meta(state, meta, (event.epoch, decode.whole(meta, "seq"))) if isinstance(meta, Mapping) else state


def _snapshot(draft: _Draft, event: Event) -> None:
    """Apply a whole reading of the server: {meta, tasks: {id: {info, life, seq, progress}}, workers: {id: {...}}}.

    It is whole, so what it lacks is gone, unless a newer event told of it.
    """
    data = event.data
    read = data.get("tasks")
    read = read if isinstance(read, Mapping) else {}
    draft.keep_tasks({task_id for task_id, task in draft.tasks.items() if task_id in read or _is_newer(task, event)})
    for task_id, raw in read.items():
        if type(raw) is Untouched:
            draft.put_untouched(task_id, raw)
            continue
        if not isinstance(raw, decode.MAPPINGS):
            continue
        version = (event.epoch, decode.whole(raw, "seq"))
        life = raw.get("life")
        report = raw.get("progress")
        task = _merged(
            draft.tasks.get(task_id),
            task_id,
            decode.task_info(task_id, raw.get("info")),
            decode.lifecycle(life, version) if isinstance(life, Mapping) else None,
            decode.progress(report, decode.stamp(report, "ts")) if isinstance(report, Mapping) else None,
            version,
        )
        draft.put_task(task)
    workers = dict(decode.items(data.get("workers")))
    for worker in [w for k, w in draft.workers.items() if k not in workers and w.version[:2] <= _version(event)]:
        draft.put_worker(_stopped(worker))
    for worker_id, raw in workers.items():
        draft.put_worker(decode.worker(worker_id, raw, decode.stamp(raw, "ts"), event.epoch))
    draft.state = replace(draft.state, read_version=max(draft.state.read_version, _version(event)))
    if isinstance(meta := data.get("meta"), Mapping):
        draft.state = _meta(draft.state, meta, (event.epoch, decode.whole(meta, "seq")))
