"""How many tasks there are of what, kept while tasks change: ten thousand are counted once, not at every draw. Pure."""

from collections.abc import Iterable, Mapping, MutableMapping
from math import inf
from types import MappingProxyType
from typing import Generic, TypeVar

from cqltui.state.layered import Layered, writable
from cqltui.state.model import FAILED, Alike, PhaseTally, RunState, Status, Tally, TaskInfo, TaskState

UNCOUNTED = frozenset({Status.WITHDRAWN, Status.CANCELLED})
"""Their work is none of the run's."""
K = TypeVar("K")
Merit = tuple[bool, float, int]
"""Orders tasks, the best first: those with a validation loss, then by loss, then as in the file."""
NO_MERIT: Merit = (True, inf, 0)


def tally(state: RunState) -> Tally:
    """Return what the state's tasks come to: as the reducer has counted it, where the tasks are still those."""
    return state.counted if state.counted.of is state.tasks else counted(state.tasks, state.alike.values())


def counted(tasks: Mapping[str, TaskState], alike: Iterable[Alike] = ()) -> Tally:
    """Return the same by counting all of them, and those that are not held."""
    counting = Counting()
    for task in tasks.values():
        counting.put(None, task)
    for some in alike:
        counting.add_alike(some.info, some.status, some.priority, some.number)
    return counting.finished(tasks)


def alike_key(info: TaskInfo, status: Status, priority: float) -> tuple[object, ...]:
    """Return what tasks have in common that are counted, and whose end is estimated, together."""
    cost = info.shape, info.pack, info.epochs, info.batch_size, info.epoch_steps, info.step_flops
    return info.phase, status, priority, cost


def merit(task: TaskState) -> Merit:
    """Return how good the task is; the second part is infinite where nothing is known, or where it has failed."""
    progress = task.progress
    if progress is None or task.life.status in FAILED:
        return NO_MERIT
    if progress.best is not None:
        return False, progress.best, task.info.index
    headline = task.headline
    return True, inf if headline is None else headline, task.info.index


class Counting:
    """A tally that is being changed, a task at a time."""

    def __init__(self, begun: Tally | None = None) -> None:
        """Begin with a tally, which stays as it is."""
        begun = begun or Tally()
        self._states, self._queued = _Counts(begun.states), _Counts(begun.queued)
        self._running = begun.running
        self._new_running: dict[str, None] | None = None
        self._work_done, self._work_total = begun.work_done, begun.work_total
        self._begun, self._phases = begun.phases, dict[str, _Phase]()
        self._waiting: dict[tuple[object, ...], tuple[TaskState, int]] = {}
        """New tasks, by what they count by: one of them, and how many there are."""
        self._infos = begun.infos
        self._new_infos: MutableMapping[str, TaskInfo] | None = None if begun.infos else {}

    def put(self, old: TaskState | None, new: TaskState | None) -> None:
        """Count a task that has taken another one's place; None: there is none."""
        if old is not None and new is not None and old.life is new.life and old.info is new.info:
            self._report(old, new)
            return
        if old is None and new is not None and new.life.status is Status.QUEUED and new.progress is None:
            self.put_waiting(new)
            return
        if old is not None:
            self._add(old, -1)
        if new is not None:
            self._add(new, 1)
            phase = self._phase(new.info.phase)
            if new.life.status is not Status.WITHDRAWN:
                phase.look(new.info.id, merit(new))
        if old is not None and (new is None or new.info.phase != old.info.phase or new.life.status is Status.WITHDRAWN):
            self._phase(old.info.phase).lose(old.info.id)
        if (old and old.info) is not (new and new.info):
            self._inform(old, new)
        runs = new is not None and new.life.status is Status.RUNNING
        if runs is not (old is not None and old.life.status is Status.RUNNING):  # a report changes nothing of it
            self._run((new or old).info.id, runs=runs)  # type: ignore[union-attr]  # there is one of them

    def put_waiting(self, task: TaskState) -> None:
        """Count a new task that waits, of which nothing was trained: a late reader has a hundred thousand of them,
        which are much the same."""
        info = task.info
        alike = (info.phase, info.epochs, info.step_flops, info.epoch_steps, task.life.priority)
        example, number = self._waiting.get(alike, (task, 0))
        self._waiting[alike] = example, number + 1
        self._inform(None, task)

    def _report(self, old: TaskState, new: TaskState) -> None:
        """Count a task of which a report has come, as nearly all that comes is one."""
        info, status = new.info, new.life.status
        if status is Status.WITHDRAWN:
            return
        done, total = new.epochs_done - old.epochs_done, new.epochs_total - old.epochs_total
        phase = self._phase(info.phase)
        phase.add_epochs(done, total)
        phase.look(info.id, merit(new))
        if status not in UNCOUNTED:
            self._add_work(info, 1, done, total)

    def _add(self, task: TaskState, sign: int) -> None:
        life, info = task.life, task.info
        if task.live is None and life.report is None:  # of thousands most wait: they are told apart by a quick look
            total = info.epochs
            done = total if life.status is Status.DONE else 0
        else:
            done, total = task.epochs_done, task.epochs_total
        self.add(info, life.status, life.priority, sign, done, total)

    def add(self, info: TaskInfo, status: Status, priority: float, number: int, done: int, total: int) -> None:
        """Count so many tasks like this one, each with so many epochs done and in total."""
        self._states.add(status, number)
        if status is Status.QUEUED:
            self._queued.add(int(priority // 1), number)
        if status is not Status.WITHDRAWN:
            self._phase(info.phase).add(status, number, number * done, number * total)
        if status not in UNCOUNTED:
            self._add_work(info, number, done, total)

    def add_alike(self, info: TaskInfo, status: Status, priority: float, number: int) -> None:
        """Count so many tasks of which nothing more is known: what was trained of them is all or nothing."""
        self.add(info, status, priority, number, info.epochs if status is Status.DONE else 0, info.epochs)

    def _add_work(self, info: TaskInfo, number: int, done: int, total: int) -> None:
        weight = number * ((info.step_flops * info.epoch_steps) or 1)
        self._work_done += weight * done
        self._work_total += weight * total

    def _phase(self, name: str) -> "_Phase":
        found = self._phases.get(name)
        if found is None:
            found = self._phases[name] = _Phase(self._begun.get(name))
        return found

    def _run(self, task_id: str, *, runs: bool) -> None:
        if self._new_running is None:
            self._new_running = dict.fromkeys(self._running)
        if runs:
            self._new_running[task_id] = None
        else:
            self._new_running.pop(task_id, None)

    def _inform(self, old: TaskState | None, new: TaskState | None) -> None:
        if self._new_infos is None:
            self._new_infos = writable(self._infos)
        if new is not None:
            self._new_infos[new.info.id] = new.info
        elif old is not None:
            if isinstance(self._new_infos, Layered):
                self._new_infos = dict(self._new_infos)
            self._new_infos.pop(old.info.id, None)

    def finished(self, tasks: Mapping[str, TaskState]) -> Tally:
        """Return the tally of these tasks."""
        for example, number in self._waiting.values():
            self.add(example.info, Status.QUEUED, example.life.priority, number, 0, example.info.epochs)
        self._waiting.clear()
        return Tally(
            of=tasks,
            infos=self._infos if self._new_infos is None else MappingProxyType(self._new_infos),
            states=self._states.told(),
            running=self._running if self._new_running is None else tuple(self._new_running),
            queued=self._queued.told(),
            phases=MappingProxyType({**self._begun, **{name: phase.told() for name, phase in self._phases.items()}}),
            work_done=self._work_done,
            work_total=self._work_total,
        )


class _Counts(Generic[K]):
    """How many there are of each: copied before one of them is changed first."""

    __slots__ = ("_begun", "_now")

    def __init__(self, begun: Mapping[K, int]) -> None:
        self._begun = begun
        self._now: dict[K, int] | None = None

    def add(self, key: K, number: int) -> None:
        if self._now is None:
            self._now = dict(self._begun)
        self._now[key] = self._now.get(key, 0) + number

    def told(self) -> Mapping[K, int]:
        """Return those of which there are any."""
        if self._now is None:
            return self._begun
        return MappingProxyType({key: number for key, number in self._now.items() if number > 0})


class _Phase:
    """A phase that is being counted."""

    def __init__(self, begun: PhaseTally | None) -> None:
        begun = begun or PhaseTally()
        self._states = _Counts(begun.states)
        self._done, self._total = begun.epochs_done, begun.epochs_total
        self._best, self._merit = begun.best, begun.merit

    def add(self, status: Status, number: int, done: int, total: int) -> None:
        self._states.add(status, number)
        self.add_epochs(done, total)

    def add_epochs(self, done: int, total: int) -> None:
        self._done += done
        self._total += total

    def look(self, task_id: str, merit: Merit) -> None:
        """Take the task for the best if none has been as good; one that was the best and is worse now leaves the place
        to somebody unknown, until another one is as good as it was."""
        if merit[1] < inf and (merit <= self._merit if not self._best else merit < self._merit):
            self._best, self._merit = task_id, merit
        elif task_id == self._best and merit != self._merit:
            self.lose(task_id)

    def lose(self, task_id: str) -> None:
        """Hear that the task is none of the phase's any more."""
        if task_id == self._best:
            self._best = ""

    def told(self) -> PhaseTally:
        return PhaseTally(self._states.told(), self._done, self._total, self._best, self._merit)
