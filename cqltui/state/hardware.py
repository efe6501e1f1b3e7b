"""What the machines do now: memory of the devices, speed of training. Pure: the time is told."""

from collections.abc import Iterable

from msgspec import Struct

from cqltui.state.counting import tally
from cqltui.state.live import RATE_S, live_workers, samples_per_s
from cqltui.state.model import RunState, Status, TaskState, WorkerState


class DeviceUse(Struct, frozen=True):
    """A device of a machine, and what the live workers on it hold."""

    host: str
    device: str
    """As torch names it: "cpu", "cuda:0", "mps"."""
    workers: int
    memory_bytes: int
    """Of all its workers together."""
    memory_total_bytes: int
    """Of the device; 0 while no worker has told it."""


class Speed(Struct, frozen=True):
    """How fast all workers together train."""

    samples_per_s: float = 0.0
    epochs_per_s: float = 0.0
    """Of members: a pack of ten ends ten epochs at once."""
    flops_per_s: float = 0.0
    """Of the matrix products alone."""


def device_use(state: RunState, now: float) -> tuple[DeviceUse, ...]:
    """Return the devices that live workers use, by host and name. Users and containers of one machine share its
    boot."""
    groups: dict[tuple[str, str], list[WorkerState]] = {}
    for worker in sorted(live_workers(state, now), key=lambda worker: worker.host):
        groups.setdefault((worker.process.boot or worker.host, worker.device), []).append(worker)
    return tuple(
        DeviceUse(
            workers[0].host,
            device,
            len(workers),
            sum(worker.memory_bytes for worker in workers),
            max(worker.memory_total_bytes for worker in workers),
        )
        for (_, device), workers in groups.items()
    )


def speed(state: RunState, now: float) -> Speed:
    """Return the speed of now, from the reports of running tasks that are at most `RATE_S` old."""
    epochs = flops = 0.0
    for task in _reporting(_running(state), now):
        info, progress = task.info, task.progress
        if progress is not None and info.batch_size > 0 and info.epoch_steps > 0:
            steps_per_s = progress.samples_per_s / info.batch_size
            epochs += steps_per_s / info.epoch_steps
            flops += steps_per_s * info.step_flops
    return Speed(samples_per_s(state, now), epochs, flops)


def _running(state: RunState) -> list[TaskState]:
    return [state.tasks[task_id] for task_id in tally(state).running]


def _reporting(running: Iterable[TaskState], now: float) -> Iterable[TaskState]:
    return (
        task
        for task in running
        if task.progress is not None and task.progress.token == task.life.token and now - task.progress.ts <= RATE_S
    )


def pack_size(state: RunState, task: TaskState) -> int:
    """Return how many running tasks train together with this one, itself included; 0 if it does not run."""
    if task.status is not Status.RUNNING:
        return 0
    return sum(other.life.worker == task.life.worker for other in _running(state))
