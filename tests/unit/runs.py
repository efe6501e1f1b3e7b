"""Runs made up for tests of the state: tasks, and whole campaigns played in simulated time."""

import random
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from msgspec import Struct

from cqltui.state.described import CampaignInfo, PhaseInfo
from cqltui.state.model import Lifecycle, Progress, RunState, Status, TaskInfo, TaskState, WorkerState
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
        settings={"alpha": 0.3, "lr": 1e-4, "hidden_dims": hidden_dims, "seed": 42 + number, "batch_size": 128},
        shape=str(hidden_dims),
        pack=f"{phase}:{hidden_dims}",
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


class Span(Struct, frozen=True):
    """A task's time with a worker, and how it advances: steps made at some times, linear in between."""

    claimed: float
    worker: str
    ts: tuple[float, ...]
    steps: tuple[float, ...]

    @property
    def finished(self) -> float:
        """When it is done."""
        return self.ts[-1]


class Played(Struct, frozen=True):
    """When each task of a played campaign is claimed and done, and by whom."""

    tasks: tuple[TaskState, ...]
    spans: Mapping[str, Span]
    workers: int

    @property
    def finish_ts(self) -> float:
        """When the last task is done."""
        return max(span.finished for span in self.spans.values())

    def at(self, now: float) -> RunState:
        """What a reader sees at that time."""
        return run_of((self._task(task, now) for task in self.tasks), now, self.workers)

    def _task(self, task: TaskState, now: float) -> TaskState:
        span = self.spans[task.id]
        if now < span.claimed:
            return task
        info, life = task.info, task.life
        epoch = int(np.interp(now, span.ts, span.steps) / info.epoch_steps + 1e-9)
        done = now >= span.finished
        token = f"1-{life.order + 1}"
        life = Lifecycle(
            (1, 1000 + life.order),
            Status.DONE if done else Status.RUNNING,
            life.priority,
            life.order,
            attempt=1,
            worker=span.worker,
            token=token,
            queued_ts=LAUNCH,
            started_ts=span.claimed,
            claimed_ts=span.claimed,
            finished_ts=span.finished if done else 0.0,
        )
        if not epoch:
            return TaskState(info, life)
        ts = float(np.interp(epoch * info.epoch_steps, span.steps, span.ts))
        report = Progress(
            token, epoch * info.epoch_steps, epoch, info.epochs, elapsed_s=ts - span.ts[0], ts=ts, metrics={"loss": 0.1}
        )
        return TaskState(info, life, report)


def play(
    tasks: Iterable[TaskState],
    workers: int,
    step_s: Callable[[TaskInfo], float],
    overhead_s: float = 2.0,
    noise: float = 0.05,
) -> Played:
    """Let workers take packs of tasks in claim order, each a fair share of its priority's work.

    A step of a pack takes as long as one step of each member that still trains. Each pack's speed differs by up to
    `noise` (a share), by a seed.
    """
    draw = random.Random(7)
    tasks = tuple(tasks)
    left = sorted(tasks, key=lambda t: (-t.life.priority, t.life.order))
    busy = {f"w{n + 1}": (LAUNCH, LAUNCH, 0.0) for n in range(workers)}
    spans: dict[str, Span] = {}
    while left:
        worker, (_, ts, _) = min(busy.items(), key=lambda item: (item[1][1], item[0]))
        elsewhere = sum(flops * (until - ts) / (until - since) for since, until, flops in busy.values() if until > ts)
        pack = _claim(left, elsewhere, workers)
        left = [task for task in left if task not in pack]
        pace = 1 + draw.uniform(-noise, noise)
        knots = [(ts + overhead_s, 0.0)]
        for ended, task in enumerate(sorted(pack, key=lambda t: _steps(t.info))):
            steps = float(_steps(task.info))
            if steps > knots[-1][1]:
                seconds = (steps - knots[-1][1]) * (len(pack) - ended) * step_s(task.info) * pace
                knots.append((knots[-1][0] + seconds, steps))
            spans[task.id] = Span(ts, worker, tuple(t for t, _ in knots), tuple(n for _, n in knots))
        busy[worker] = ts, knots[-1][0], sum(map(_flops, pack))
    return Played(tasks, spans, workers)


def _claim(left: list[TaskState], elsewhere: float, workers: int) -> list[TaskState]:
    """The first task, and of its mates as many as make up a fair share. `elsewhere`: FLOPs left of other workers."""
    head = left[0]
    level = [task for task in left if task.life.priority == head.life.priority]
    share = (sum(map(_flops, level)) + elsewhere) / workers
    pack = [head]
    for task in level[1:]:
        if task.info.pack == head.info.pack and sum(map(_flops, pack)) + _flops(task) / 2 <= share:
            pack.append(task)
    return pack


def _flops(task: TaskState) -> float:
    return float(task.info.step_flops * _steps(task.info))


def _steps(task: TaskInfo) -> int:
    return task.epochs * task.epoch_steps
