"""`python -m tests.benchmarks.overhead`: what queue, progress, checkpoints and logging cost on top of training.

One worker's session trains a pack of the deep campaign's ensemble on a real embedded server, as `cqltui worker` does;
all time outside `PackTrainer.run_epoch`, and that of its calls back, is
overhead. Start of the process and loading the data are not part of it.
"""

import argparse
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cqltui.app.dataset import load_data
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.epoch import open_epoch
from cqltui.broker.server.server import EmbeddedServer
from cqltui.campaign.load import load_campaign
from cqltui.results.rundir import RunDir
from cqltui.supervisor.submissions import submissions
from cqltui.worker.context import Context
from cqltui.worker.link import Link
from cqltui.worker.session import Session
from trainer.config import Precision
from trainer.threads import one_thread
from trainer.train import PackTrainer

DEEP = Path(__file__).parents[2] / "campaigns" / "deep.toml"


def measure(precision: Precision, members: int, epochs: int, folder: Path) -> tuple[float, float]:
    """(seconds of the whole session, seconds of it spent in training)."""
    campaign = load_campaign(DEEP, [f"phase.ensemble.epochs={epochs}"]).with_auto_precision(precision)
    campaign, data = load_data(campaign)
    server = EmbeddedServer(folder / "run").start()
    try:
        client = server.connect()
        open_epoch(client, folder / "run" / "server" / "epoch")
        queue, stop = Queue(client), threading.Event()
        tasks = [task for task in submissions(campaign, data) if task.info["phase"] == "ensemble"]
        queue.enqueue_many(tasks[:members])
        worker = {"id": "w1", "pid": os.getpid(), "device": "cpu", "started_ts": time.time()}
        link = Link(queue, "w1", worker, stop)
        context = Context(link, worker, RunDir(folder / "run"), {}, stop)
        session = Session(context, link.claim(members, None, None))
        training, run_epoch = [0.0], PackTrainer.run_epoch

        def timed(trainer: PackTrainer, on_step: Callable[[], None]) -> Any:
            reporting = 0.0

            def report() -> None:
                nonlocal reporting
                called = time.perf_counter()
                on_step()
                reporting += time.perf_counter() - called

            began = time.perf_counter()
            metrics = run_epoch(trainer, report)
            training[0] += time.perf_counter() - began - reporting
            return metrics

        with patch.object(PackTrainer, "run_epoch", timed):
            context.dataset(campaign.data, data.digest)
            began = time.perf_counter()
            session.run()
            whole = time.perf_counter() - began
        client.close()
    finally:
        server.leave()
    return whole, training[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=600)
    chosen = parser.parse_args(arguments)
    one_thread()
    logging.basicConfig(level=logging.INFO, filename=os.devnull)
    precisions: tuple[Precision, ...] = ("fp32", "bf16")
    for precision in precisions:
        with tempfile.TemporaryDirectory() as folder:
            measure(precision, 1, 2, Path(folder) / "warm")  # compiled code is loaded
            whole, training = measure(precision, chosen.members, chosen.epochs, Path(folder) / "timed")
        what = f"{precision}, {chosen.members} members of [256, 128, 64], {chosen.epochs:,} epochs: {whole:.1f} s"
        print(f"{what}, {1 - training / whole:.1%} of it queue, progress, checkpoints and logging (goal: at most 3%)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
