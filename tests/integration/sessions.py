"""Sessions of a worker within the test's own process, on a real server."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
import redis
from msgspec import to_builtins

import cqltui
from cqltui.app import devices
from cqltui.app.dataset import load_data
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Claim
from cqltui.campaign import payload
from cqltui.campaign.load import load_campaign
from cqltui.results.rundir import RunDir, read_metrics
from cqltui.state.model import RunState, TaskState
from cqltui.supervisor.submissions import submissions
from cqltui.worker.context import Context
from cqltui.worker.heartbeat import Heartbeat
from cqltui.worker.link import Link
from cqltui.worker.session import Session
from tests.contract.helpers import after
from tests.contract.readers import reader
from tests.integration.place import Trained, as_trained, until
from tests.once import once
from trainer import data
from trainer.config import DataConfig, TrainerConfig
from trainer.model import read_model, write_model
from trainer.progress import EpochMetrics
from trainer.threads import one_thread
from trainer.train import PackTrainer

BEAT_S = 0.2
LOOK_S = 5.0
ONE = """\
# Says where it trains, so that nobody starts PyTorch to find out.
[campaign]
name = "one"
[data]
source = "simulated"
[trainer]
precision = "fp32"
alpha = 0.3
lr = 1e-3
seed = 42
epochs = 1000000
hidden_dims = [16]
[evaluate]
automatic = false
[report]
auto = false
[workers]
device = "cpu"
checkpoint_s = 0.1
[[phase]]
name = "quality"
priority = 5
[[phase.task]]
description = "the one"
"""


class Stop(threading.Event):
    """Is set by hand, or by a condition that the trainer's own thread asks for: it is met however fast that is."""

    def __init__(self) -> None:
        super().__init__()
        self.once: Callable[[], bool] | None = None

    def is_set(self) -> bool:
        """Whether it is."""
        return super().is_set() or (self.once is not None and self.once())


class OneTask:
    """A campaign of one task, claimed, and what a worker has to train it."""

    claim: Claim

    def __init__(self, queue: Queue, folder: Path, text: str = ONE, run_dir: Path | None = None) -> None:
        one_thread()
        path = folder / "one.toml"
        path.write_text(text, encoding="utf-8")
        campaign, summary = load_data(load_campaign(path))
        queue.enqueue_many(submissions(campaign, summary))
        self.queue = queue
        self.run_dir = RunDir(run_dir or folder / "run")
        self.stop = Stop()
        worker = {
            "id": "w1",
            "pid": os.getpid(),
            "device": "cpu",
            "started_ts": time.time(),
            "program": cqltui.__version__,
        }
        self.link = Link(queue, "w1", worker, self.stop)
        self.context = Context(self.link, worker, self.run_dir, {}, self.stop)
        self.claim_again()

    def claim_again(self) -> Claim:
        """The task, claimed once more."""
        (self.claim,) = self.link.claim(1, None, None)
        return self.claim

    def train(self) -> None:
        """The whole session, here and now."""
        Session(self.context, [self.claim]).run()

    @property
    def folder(self) -> Path:
        """That of the attempt."""
        return self.run_dir.attempt(self.claim.id, self.claim.run, self.claim.token)

    @property
    def epochs(self) -> int:
        """Those that metrics.csv of the attempt holds."""
        return len(read_metrics(self.folder / "metrics.csv"))

    def state(self) -> RunState:
        """The run as a late reader knows it, notices included."""
        feed = reader(self.queue)
        try:
            return after(feed.poll(LOOK_S))
        finally:
            feed.close()

    def seen(self) -> TaskState:
        """The task as a reader sees it."""
        return self.state().tasks[self.claim.id]

    def notices(self) -> str:
        """What the user was told, a line each."""
        return "\n".join(notice.text for notice in self.state().notices)

    @property
    def noted_epoch(self) -> int:
        """The newest checkpoint that the server knows of."""
        key = self.queue.keys.task(self.claim.id)
        return int(self.queue.client.execute_command("HGET", key, "checkpoint_epoch") or 0)

    @contextmanager
    def trains(self, beats_over: redis.Redis) -> Iterator[threading.Thread]:
        """The session in a thread, with a heartbeat over a connection of its own; told to stop at the end."""
        session, beat_queue = Session(self.context, [self.claim]), Queue(beats_over)
        heart = Heartbeat(lambda: session.directives(self.link.beat(beat_queue, session.leases(), {})), BEAT_S)
        training = threading.Thread(target=session.run)
        heart.start()
        training.start()
        try:
            yield training
        finally:
            self.stop.set()
            until(lambda: not training.is_alive(), "the session's end")
            heart.stop()


def check_undisturbed(task: OneTask) -> None:
    """The result is that of a training without sessions, queue and disk; every epoch is there once."""
    config = payload.read_trainer(task.claim.spec)
    trainer = PackTrainer([config], data.load(payload.read_data(task.claim.spec)))
    expected = [to_builtins(trainer.run_epoch()[0]) | {"samples_per_s": 0.0} for _ in range(config.epochs)]
    rows = [to_builtins(row) | {"samples_per_s": 0.0} for row in read_metrics(task.folder / "metrics.csv")]
    assert rows == expected
    found, right = read_model(task.folder / "model.safetensors").tensors, trainer.model(0).tensors
    assert {name: tensor.tolist() for name, tensor in found.items()} == {
        name: tensor.tolist() for name, tensor in right.items()
    }


def compile_once(factory: pytest.TempPathFactory) -> None:
    """Have the code of the fp32 engine on disk, as it is now: of a state that is new the first workers would each
    compile it, several at the same time and for ten seconds."""

    def train(folder: Path) -> None:
        folder.mkdir()
        member = TrainerConfig(epochs=1, lr=1e-3, alpha=0.3, hidden_dims=(16,), seed=1, precision="fp32")
        PackTrainer([member], data.load(DataConfig())).run_epoch()

    once(factory, "compiled", train)


def trained_alone(campaign_file: Path, folder: Path, settings: Sequence[str] = ()) -> dict[str, Trained]:
    """What each task of the campaign gives where it is trained by itself: without queue, worker, pack, checkpoints.
    `settings`: those of `--set`."""
    one_thread()
    precision = devices.auto_precision(["cpu"])
    campaign, summary = load_data(load_campaign(campaign_file, settings).with_auto_precision(precision))
    found, load = {}, cache(data.load)
    for task in submissions(campaign, summary):
        config, own = payload.read_trainer(task.spec), folder / task.id
        trainer = PackTrainer([config], load(payload.read_data(task.spec)))
        rows, models = [], {}
        for epoch in range(1, config.epochs + 1):
            rows.append(trainer.run_epoch()[0])
            if rows[-1].val_td_loss is not None or epoch in config.keep:
                models[epoch] = trainer.model(0)
        names = {"model.safetensors": config.epochs} | _to_keep(config, rows)
        for name, epoch in names.items():
            write_model(own / name, models[epoch], {"task": task.id, "config": to_builtins(config), "epoch": epoch})
        found[task.id] = as_trained(own / "model.safetensors", rows)
    return found


def _to_keep(config: TrainerConfig, rows: Sequence[EpochMetrics]) -> dict[str, int]:
    """The models that are to lie beside the last, by name, and their epochs."""
    names = {f"model_e{epoch}.safetensors": epoch for epoch in config.keep if epoch in range(1, len(rows) + 1)}
    losses = {row.epoch: row.val_td_loss for row in rows if row.val_td_loss is not None}
    if "best" in config.keep:
        best = min(losses, key=lambda epoch: losses[epoch])
        names["model_best.safetensors"] = best
        if best == len(rows) and best % config.validate_every:  # a longer task has another best until here
            losses.pop(best)
            before = min(losses, key=lambda epoch: losses[epoch])
            names[f"model_e{before}.safetensors"] = before
    return {name: int(epoch) for name, epoch in names.items()}
