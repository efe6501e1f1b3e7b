"""Runs made up for tests of the state: tasks, and whole campaigns played in simulated time."""

import heapq
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cqltui.state.model import (
    CampaignInfo,
    Lifecycle,
    PhaseInfo,
    Progress,
    RunState,
    Status,
    TaskInfo,
    TaskState,
    WorkerState,
)
from trainer.config import step_flops

LAUNCH = 1_700_000_000.0
EPOCH_STEPS = 13
SMALL = (256, 128, 64)
ARCHITECTURES = (
    SMALL,
    (512, 256, 128),
    (256, 128, 64, 32),
    (512, 256, 128, 64),
    (1024, 512, 256),
    (1024, 512, 256, 128),
    (2048, 1024, 512),
    (2048, 1024, 512, 256),
)


def info(number: int, phase: str = "ensemble", hidden_dims: tuple[int, ...] = SMALL, epochs: int = 1000) -> TaskInfo:
    """A task of the campaign, its id made from its number."""
    return TaskInfo(
        id=f"{number:08x}",
        phase=phase,
        title=f"task {number}",
        index=number,
        alpha=0.3,
        lr=1e-4,
        hidden_dims=hidden_dims,
        seed=42 + number,
        epochs=epochs,
        batch_size=128,
        epoch_steps=EPOCH_STEPS,
        step_flops=step_flops(hidden_dims, 6, 128),
    )


def queued(task: TaskInfo, priority: float = 6.0) -> TaskState:
    """The task as it was submitted at the launch."""
    life = Lifecycle((1, task.index + 1), Status.QUEUED, priority, order=task.index, queued_ts=LAUNCH)
    return TaskState(task, life)


def run_of(
    tasks: Iterable[TaskState], now: float = LAUNCH, workers: int = 2, phases: Iterable[PhaseInfo] = ()
) -> RunState:
    """A run with these tasks and workers w1.. that spoke just now."""
    return RunState(
        campaign=CampaignInfo("deep", started_ts=LAUNCH, workers=workers, phases=tuple(phases)),
        tasks={task.id: task for task in tasks},
        workers={f"w{n + 1}": WorkerState(f"w{n + 1}", ts=now, samples_per_s=1000.0) for n in range(workers)},
        epoch=1,
        seq=1000,
        online=True,
        now=now,
    )


@dataclass(frozen=True)
class Played:
    """When each task of a played campaign is claimed and done, and by whom."""

    tasks: tuple[TaskState, ...]
    spans: Mapping[str, tuple[float, float, str]]
    workers: int
    overhead_s: float

    @property
    def finish_ts(self) -> float:
        """When the last task is done."""
        return max(finish for _, finish, _ in self.spans.values())

    def at(self, now: float) -> RunState:
        """What a reader sees at that time."""
        return run_of((self._task(task, now) for task in self.tasks), now, self.workers)

    def _task(self, task: TaskState, now: float) -> TaskState:
        claimed, finished, worker = self.spans[task.id]
        if now < claimed:
            return task
        info, life = task.info, task.life
        began = claimed + self.overhead_s
        step_s = (finished - began) / (info.epochs * info.epoch_steps)
        seen = min(now, finished)
        epoch = min(info.epochs, max(0, int((seen - began) / (step_s * info.epoch_steps) + 1e-9)))
        done = now >= finished
        token = f"1-{life.order + 1}"
        life = Lifecycle(
            (1, 1000 + life.order),
            Status.DONE if done else Status.RUNNING,
            life.priority,
            life.order,
            attempt=1,
            worker=worker,
            token=token,
            queued_ts=LAUNCH,
            started_ts=claimed,
            claimed_ts=claimed,
            finished_ts=finished if done else 0.0,
        )
        if not epoch:
            return TaskState(info, life)
        elapsed_s = epoch * step_s * info.epoch_steps
        report = Progress(
            token, epoch * info.epoch_steps, epoch, info.epochs, elapsed_s=elapsed_s, ts=began + elapsed_s, loss=0.1
        )
        return TaskState(info, life, report)


def play(
    tasks: Iterable[TaskState],
    workers: int,
    step_s: Callable[[TaskInfo], float],
    overhead_s: float = 2.0,
    noise: float = 0.05,
) -> Played:
    """Let workers take the tasks in claim order; each task's speed differs by up to `noise` (a share), by a seed."""
    draw = random.Random(7)
    tasks = tuple(tasks)
    free = [(LAUNCH, f"w{n + 1}") for n in range(workers)]
    spans = {}
    for task in sorted(tasks, key=lambda t: (-t.life.priority, t.life.order)):
        ts, worker = free[0]
        steps = task.info.epochs * task.info.epoch_steps
        finish = ts + overhead_s + steps * step_s(task.info) * (1 + draw.uniform(-noise, noise))
        spans[task.id] = ts, finish, worker
        heapq.heapreplace(free, (finish, worker))
    return Played(tasks, spans, workers, overhead_s)
