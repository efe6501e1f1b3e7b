"""Tasks of one shape train together in a real worker; each is paused, cancelled, failed, killed and finished alone."""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from cqltui.app.dataset import load_data
from cqltui.broker.protocol.queue import Queue
from cqltui.campaign.load import load_campaign
from cqltui.results.rundir import RunDir
from cqltui.state.model import Status, TaskState
from cqltui.supervisor.submissions import submissions
from cqltui.worker.context import Context
from cqltui.worker.failure import is_out_of_memory
from cqltui.worker.link import Link
from cqltui.worker.session import Session
from tests.contract.helpers import state
from tests.integration.place import Place, Trained, until
from tests.integration.sessions import trained_alone
from trainer.config import TrainerConfig
from trainer.data.types import Dataset
from trainer.train import PackTrainer

PACK = """
[campaign]
name = "small"
[data]
source = "simulated"
[trainer]
precision = "fp32"
alpha = 0.3
lr = 1e-3
epochs = 200
hidden_dims = [80, 64]
[evaluate]
automatic = false
[report]
auto = false
[workers]
device = "cpu"
poll_interval_s = 0.1
checkpoint_s = 0.1
[[phase]]
name = "ensemble"
priority = 5
[phase.grid]
seed = { from = 1, to = 5 }
"""
DIVERGES = """
[[phase.task]]
description = "diverges"
seed = 9
lr = 1e30
"""


@pytest.fixture
def packed(place: Place) -> Place:
    place.campaign.write_text(PACK.replace("[phase.grid]", f"{DIVERGES}[phase.grid]"), encoding="utf-8")
    place.slow_down()
    return place


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    """What the tasks give when each is trained by itself."""
    folder = tmp_path_factory.mktemp("alone")
    path = folder / "small.toml"
    path.write_text(PACK, encoding="utf-8")
    return trained_alone(path, folder)


def together(place: Place) -> list[TaskState]:
    """The running tasks, once there are five of them and each has a checkpoint."""
    until(lambda: len(place.running()) == 5, "a pack with checkpoints")
    return place.running()


def test_members_of_a_pack_end_one_by_one(packed: Place, alone: dict[str, Trained]) -> None:
    run = packed.begin("--workers", "1")
    tasks = {task.info.title: task.id for task in together(packed)}
    paused, cancelled = tasks["seed 1"], tasks["seed 2"]
    packed.ask("pause", paused)
    packed.ask("cancel", cancelled)
    until(lambda: packed.look().tasks[paused].status is Status.PAUSED, "the pause")
    packed.speed_up()
    packed.ask("resume", paused)
    run.ends(1)
    assert packed.trained() == {task: result for task, result in alone.items() if task != cancelled}
    final = packed.journal()
    (dead,) = (line for line in final if line["kind"] == "task.dead")
    assert "the loss is not a number at epoch 1" in dead["data"]["error"]
    claims = [line for line in final if line["kind"] == "task.claimed"]
    assert len(claims) == 7, "six at once, and the paused one again"
    packed.ask("resubmit", cancelled)
    packed.complete("--workers", "1", code=1)
    assert packed.trained() == alone, "it trained with nobody this time"


def test_a_pack_that_does_not_fit_is_halved(queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = 3

    class Small(PackTrainer):
        """A device that holds three members, and notices in the fifth epoch only."""

        def __init__(self, members: Sequence[TrainerConfig], dataset: Dataset, device: str) -> None:
            super().__init__(members, dataset, device)
            self._epochs = 0

        def run_epoch(self, *arguments: object) -> list[object]:  # type: ignore[override]
            self._epochs += 1
            if len(self.members) > fits and self._epochs == 5:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
            return super().run_epoch(*arguments)  # type: ignore[arg-type, return-value]

    monkeypatch.setattr("trainer.train.PackTrainer", Small)
    path = tmp_path / "pack.toml"
    path.write_text(PACK.replace("epochs = 200", "epochs = 20"), encoding="utf-8")
    campaign, data = load_data(load_campaign(path))
    queue.enqueue_many(submissions(campaign, data))
    stop = threading.Event()
    worker = {"id": "w1", "pid": os.getpid(), "device": "cpu", "started_ts": time.time()}
    link = Link(queue, "w1", worker, stop)
    context = Context(link, worker, RunDir(tmp_path / "run"), {}, stop)

    claims = link.claim(64, None, None)
    assert len(claims) == 5
    assert not Session(context, claims).run()
    found = state(queue).tasks.values()
    assert [task.status for task in found].count(Status.DONE) == fits
    assert [task.status for task in found].count(Status.QUEUED) == 5 - fits
    assert Session(context, link.claim(fits, None, None)).run()
    assert {task.status for task in state(queue).tasks.values()} == {Status.DONE}
    assert {task.life.deaths for task in state(queue).tasks.values()} == {0}


def test_what_is_no_lack_of_memory_fails_the_pack() -> None:
    with pytest.raises(RuntimeError) as real:  # what this system's allocator says
        torch.empty(10**15)
    assert is_out_of_memory(real.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"))
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 9.06 GB)"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
