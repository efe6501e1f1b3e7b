"""What the hardware panel and `cqltui status` show: devices and their memory, the speed of now, the pack of a task."""

import pytest
from msgspec.structs import replace

from cqltui.identity import ProcessIdentity
from cqltui.state import hardware
from cqltui.state.hardware import DeviceUse
from cqltui.state.model import Lifecycle, Progress, Status, TaskState, WorkerState
from tests.unit.runs import LAUNCH, info, run_of

GIB = 1024**3


def training(number: int, worker: str, samples_per_s: float, ts: float = LAUNCH) -> TaskState:
    """A running task that reported at `ts`."""
    life = Lifecycle(status=Status.RUNNING, worker=worker, token=f"1-{number}")
    return TaskState(
        info(number), life, Progress(f"1-{number}", 13, 1, 1000, ts=ts, metrics={"samples_per_s": samples_per_s})
    )


def test_speed_is_of_running_tasks_that_reported_just_now() -> None:
    stale = training(3, "w2", 9e9, LAUNCH - 60)
    earlier = training(4, "w2", 9e9)
    earlier = replace(earlier, life=replace(earlier.life, token="1-99"))
    state = run_of([training(1, "w1", 2 * 13 * 128), training(2, "w1", 2 * 13 * 128), stale, earlier])
    found = hardware.speed(state, LAUNCH)
    assert found.samples_per_s == 2000.0, "as the two workers say"
    assert found.epochs_per_s == pytest.approx(4.0)
    assert found.flops_per_s == pytest.approx(4.0 * 13 * info(1).step_flops)


def test_memory_is_summed_over_the_workers_of_a_device() -> None:
    workers = [
        WorkerState("w1", LAUNCH, host="a", device="cpu", memory_bytes=GIB, memory_total_bytes=16 * GIB),
        WorkerState("w2", LAUNCH, host="a", device="cpu", memory_bytes=2 * GIB, memory_total_bytes=16 * GIB),
        WorkerState("w3", LAUNCH, host="b", device="cuda:0", memory_bytes=GIB),
        WorkerState("w4", LAUNCH - 60, host="a", device="cpu", memory_bytes=9 * GIB),
    ]
    state = replace(run_of([]), workers={worker.id: worker for worker in workers})
    assert hardware.device_use(state, LAUNCH) == (
        DeviceUse("a", "cpu", 2, 3 * GIB, 16 * GIB),
        DeviceUse("b", "cuda:0", 1, GIB, 0),
    )


def test_a_device_is_a_machines_whatever_that_is_called() -> None:
    one, other = ProcessIdentity("m1", "boot 1"), ProcessIdentity("m2", "boot 2")
    places = [("old name", one), ("new name", one), ("new name", other), ("new name", replace(one, machine="m3"))]
    workers = [
        WorkerState(f"w{n}", LAUNCH, process=who, host=host, device="cpu") for n, (host, who) in enumerate(places)
    ]
    state = replace(run_of([]), workers={worker.id: worker for worker in workers})
    assert [(use.host, use.workers) for use in hardware.device_use(state, LAUNCH)] == [("new name", 3), ("new name", 1)]


def test_a_pack_is_what_runs_on_the_same_worker() -> None:
    ended = training(5, "w1", 1.0)
    ended = replace(ended, life=replace(ended.life, status=Status.DONE))
    tasks = [training(1, "w1", 1.0), training(2, "w1", 1.0), training(3, "w2", 1.0), ended]
    state = run_of(tasks)
    assert [hardware.pack_size(state, task) for task in tasks] == [2, 2, 1, 0]
