"""A state that is being made of another one: its tasks and workers, each part with an order of its own. Pure."""

from collections.abc import Collection, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from cqltui.state import decode
from cqltui.state.counting import Counting, alike_key, tally
from cqltui.state.events import parse_token
from cqltui.state.layered import writable
from cqltui.state.model import Alike, Lifecycle, Progress, RunState, Status, TaskInfo, TaskState, WorkerState
from cqltui.state.page import Page
from cqltui.state.untouched import Untouched


class Draft:
    """A state that is being made. What it began with stays as it is: a map is copied before it is first written to."""

    def __init__(self, state: RunState) -> None:
        self.state = state
        """All but the maps."""
        self._tasks: MutableMapping[str, TaskState] | None = None
        self._counting = Counting()
        self._workers: MutableMapping[str, WorkerState] | None = None
        self._alike: dict[tuple[object, ...], Alike] | None = None
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
            self.put_task(merged(known, task_id, told.info, told.life, None, told.life.version))

    def put_alike(self, info: TaskInfo, status: Status, priority: float, number: int) -> None:
        """Count so many more tasks that are not held; fewer, if it is negative."""
        self._changing()
        if self._alike is None:
            self._alike = dict(self.state.alike)
        self._counting.add_alike(info, status, priority, number)
        key = alike_key(info, status, priority)
        known = self._alike.pop(key, None)
        if (left := number + (known.number if known else 0)) > 0:
            self._alike[key] = Alike(known.info if known else info, status, priority, left)

    def hold(self, task: TaskState, status: Status, priority: float) -> None:
        """Add a task that was counted with this status and priority."""
        self.put_alike(task.info, status, priority, -1)
        self.put_task(task)

    def let_go(self, ids: Collection[str]) -> None:
        """Hold these tasks no longer; they are counted as before."""
        tasks = self._changing()
        if gone := [tasks[task_id] for task_id in ids if task_id in tasks]:
            for task in gone:
                self._counting.put(task, None)
                self.put_alike(task.info, task.life.status, task.life.priority, 1)
            self._tasks = {task_id: task for task_id, task in tasks.items() if task_id not in ids}

    def begin(self, page: Page | None) -> None:
        """Begin with no task, and with a page of very many; None: with all."""
        self._tasks, self._counting, self._alike = {}, Counting(), {}
        self.state = replace(self.state, page=page)

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
        self.state, self._tasks, self._workers, self._alike, self.now = RunState(), None, None, None, 0.0

    def finished(self) -> RunState:
        """Return the state, frozen."""
        made: dict[str, Any] = {}  # put in at once: each `replace` takes longer than what it is for
        if self._tasks is not None:
            tasks = MappingProxyType(self._tasks)  # a `Layered` is a mapping too
            made.update(tasks=tasks, counted=self._counting.finished(tasks))
        if self._alike is not None:
            made["alike"] = MappingProxyType(self._alike)
        if self._workers is not None:
            made["workers"] = MappingProxyType(self._workers)
        if self.now > self.state.now:
            made["now"] = self.now
        return replace(self.state, **made) if made else self.state


def read(known: TaskState | None, task_id: str, raw: object, epoch: int) -> TaskState | None:
    """Return the task as it was read, {info, life, seq, progress}, where it is newer than what is known; None for what
    is no task."""
    if type(raw) is Untouched and known is None:
        return raw.task()
    if type(raw) is Untouched:
        return merged(known, task_id, raw.info, raw.life, None, raw.life.version)
    if not isinstance(raw, decode.MAPPINGS):
        return None
    version = (epoch, decode.whole(raw, "seq"))
    life, report = raw.get("life"), raw.get("progress")
    return merged(
        known,
        task_id,
        decode.task_info(task_id, raw.get("info")),
        decode.lifecycle(life, version) if isinstance(life, Mapping) else None,
        decode.progress(report, decode.stamp(report, "ts")) if isinstance(report, Mapping) else None,
        version,
    )


def merged(
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
