"""What a campaign will cost: FLOPs, memory, and time by list scheduling. Pure: nothing is started or measured."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from cqltui.algorithms.keeping import kept_names
from cqltui.algorithms.kinds import kind
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.campaign.payload import fair_members, pack_key
from cqltui.errors import InputError
from trainer.config import ACTIONS
from trainer.packing import FLOAT_BYTES, PACK_LIMIT

TASK_BYTES = 64 << 10
"""Of each task: results, lifecycle and events as text, headers, the rest of each file's last block, its share of the
server's append-only file."""
EPOCH_BYTES = 130
"""Of a row of metrics.csv."""
COPIES = 2
"""Of a result's files: in its attempt's folder, and where it is published."""
CHECKPOINT_ROWS = 3
"""Weights and two moments (and a target network where the data has several steps)."""
RUNNING_CHECKPOINTS = 3
"""Of an attempt: the newest two, and one that is being written. The last of them stays."""


class Speeds(Struct, frozen=True):
    """How fast one worker trains: measured seconds per step where known, else an assumption.

    The assumption is a fixed time per step (layer norm, optimizer, calls) and a rate for the matrix products. Its
    defaults describe one core of a server CPU in fp32: 370 epochs/s of 13 steps at batch 128 for [256, 128, 64], 6.5
    for [2048, 1024, 512, 256]. A task is planned with its share of a pack's time.
    """

    step_s: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    assumed_overhead_s: float = 0.04e-3
    assumed_flops_per_s: float = 190e9

    def seconds_per_step(self, shape: str, step_flops: int) -> float:
        """Return the seconds that one step of that shape (`Algorithm.shape`) takes."""
        measured = self.step_s.get(shape)
        return self.assumed_overhead_s + step_flops / self.assumed_flops_per_s if measured is None else measured


class TaskPlan(Struct, frozen=True):
    """One task's cost, and when it is expected to run."""

    task: TaskSpec
    params: int
    steps: int
    step_flops: int
    memory_bytes: int
    """Weights, optimizer, activations and data; what a worker's libraries take comes on top."""
    seconds: float
    measured: bool
    """Whether the speed of its shape was measured."""
    start_s: float
    """Expected start, in seconds from the start of the campaign."""
    disk_bytes: int
    """What it leaves: its models and last checkpoint, metrics and results."""
    members: int = 1
    """Of the packs in which such tasks train, at most."""

    @property
    def checkpoint_bytes(self) -> int:
        """Size of one checkpoint."""
        return CHECKPOINT_ROWS * FLOAT_BYTES * self.params

    @property
    def flops(self) -> int:
        """FLOPs of the whole training's matrix products."""
        return self.steps * self.step_flops

    @property
    def end_s(self) -> float:
        """Expected end, in seconds from the start of the campaign."""
        return self.start_s + self.seconds


class _Totals(Struct, frozen=True):
    """What several tasks come to."""

    def _each(self) -> Iterable[TaskPlan]:
        raise NotImplementedError

    @property
    def flops(self) -> int:
        """FLOPs of all its tasks."""
        return sum(task.flops for task in self._each())

    @property
    def worker_seconds(self) -> float:
        """Time of all its tasks one after another."""
        return sum(task.seconds for task in self._each())

    @property
    def end_s(self) -> float:
        """When its last task is expected to end."""
        return max(task.end_s for task in self._each())


class PhasePlan(_Totals, frozen=True):
    """A phase's tasks and totals."""

    name: str
    title: str
    priority: int
    tasks: tuple[TaskPlan, ...]

    def _each(self) -> Iterable[TaskPlan]:
        return self.tasks

    @property
    def start_s(self) -> float:
        """When its first task is expected to start."""
        return min(task.start_s for task in self.tasks)


class Plan(_Totals, frozen=True):
    """A campaign's cost."""

    campaign: str
    rows: int
    workers: int
    phases: tuple[PhasePlan, ...]
    """In the order of the file."""

    @property
    def queue_order(self) -> list[TaskPlan]:
        """All tasks in the order in which they are expected to start."""
        return sorted(self._each(), key=lambda task: (-task.task.priority, task.start_s))

    def _each(self) -> Iterable[TaskPlan]:
        return (task for phase in self.phases for task in phase.tasks)

    @property
    def seconds(self) -> float:
        """Expected time from the first start to the last end."""
        return self.end_s

    @property
    def memory_bytes(self) -> int:
        """Memory at most, with as many of the largest tasks at once as there are workers."""
        return sum(sorted((task.memory_bytes for task in self._each()), reverse=True)[: self.workers])

    @property
    def disk_bytes(self) -> int:
        """Room that the run takes at most: what all tasks leave, and the other checkpoints of those that run, with as
        many of the largest packs at once as there are workers."""
        tasks = list(self._each())
        others = [(RUNNING_CHECKPOINTS - 1) * task.checkpoint_bytes for task in tasks]
        pack = max(task.members * size for task, size in zip(tasks, others, strict=True))
        return sum(task.disk_bytes for task in tasks) + min(self.workers * pack, sum(others))

    @property
    def measured(self) -> bool:
        """Whether all speeds were measured."""
        return all(task.measured for task in self._each())


def plan(
    campaign: Campaign, rows: int, speeds: Speeds | None = None, *, validation_rows: int = 0, workers: int = 1
) -> Plan:
    """Return the cost of `campaign` on `rows` training transitions with so many workers, each taking the next task when
    free.

    Raises InputError where a batch is larger than the data.
    """
    check_batches(campaign, rows)
    speeds = speeds or Speeds()
    members = fair_members(campaign, "", workers)
    kinds: dict[object, TaskPlan] = {}

    def like(task: TaskSpec) -> TaskPlan:
        """Return the plan of a task that costs and packs the same: of many tasks most do."""
        key = task.phase, kind(task.algorithm, task.trainer)
        if (found := kinds.get(key)) is None:
            found = _task_plan(campaign, task, (rows, validation_rows), speeds)
            if pack := pack_key(task, ""):
                found = replace(found, members=min(members[pack], PACK_LIMIT))
            kinds[key] = found
        return found

    order = campaign.queue_order
    starts = list_schedule([like(task).seconds for task in order], workers)
    start_s = {id(task): start for task, start in zip(order, starts, strict=True)}
    phases = tuple(
        PhasePlan(
            phase.name,
            phase.title,
            phase.priority,
            tuple(replace(like(task), task=task, start_s=start_s[id(task)]) for task in phase.tasks),
        )
        for phase in campaign.phases
    )
    return Plan(campaign.name, rows, workers, phases)


def check_batches(campaign: Campaign, rows: int) -> None:
    """Raise InputError, one line a phase, where a batch is larger than the data, so that an epoch has no step."""
    problems = []
    for phase in campaign.phases:
        largest = max(task.trainer.batch_size for task in phase.tasks)
        if largest > rows:
            problems.append(
                f"{campaign.path}: phase.{phase.name}: batch_size {largest:,} is more than the {rows:,} rows"
            )
    if problems:
        raise InputError(*problems)


def list_schedule(seconds: Sequence[float], workers: int) -> list[float]:
    """Start times when each job in turn goes to the worker that is free first (Graham's list scheduling)."""
    free = [0.0] * workers
    starts = []
    for duration in seconds:
        start = heapq.heappop(free)
        starts.append(start)
        heapq.heappush(free, start + duration)
    return starts


def _task_plan(campaign: Campaign, task: TaskSpec, all_rows: tuple[int, int], speeds: Speeds) -> TaskPlan:
    """Return the plan of one task, as if it were the first. `all_rows`: training and validation rows."""
    quantity, shape = campaign.quantity(task, all_rows[0]), task.algorithm.shape(task.trainer)
    steps = task.trainer.epochs * quantity.epoch_steps
    return TaskPlan(
        task=task,
        params=quantity.params,
        steps=steps,
        step_flops=quantity.step_flops,
        memory_bytes=campaign.memory_bytes(task, 1, *all_rows),
        seconds=steps * speeds.seconds_per_step(shape, quantity.step_flops),
        measured=shape in speeds.step_s,
        start_s=0.0,
        disk_bytes=_disk_bytes(task, quantity.params, all_rows[1]),
    )


def _disk_bytes(task: TaskSpec, params: int, validation_rows: int) -> int:
    """Return what the task leaves in the run directory."""
    result = _models(task) * FLOAT_BYTES * params + FLOAT_BYTES * len(ACTIONS) * validation_rows
    result += EPOCH_BYTES * task.trainer.epochs
    return COPIES * result + CHECKPOINT_ROWS * FLOAT_BYTES * params + TASK_BYTES


def _models(task: TaskSpec) -> int:
    """Return how many models the task keeps: the last epoch's, the best and those of chosen epochs."""
    return 1 + len(kept_names(task.trainer))
