"""A run that the benchmark of the screen looks at: a real queue, with workers that tell and do not train.

A process of its own. It says "ready" once the run can be attached to; then a line on standard input is an order:
"run SECONDS EVENTS_PER_S" tells so many members' reports a second, now and then ends a task and claims another;
"burst EVENTS" tells so many as fast as it can, and then ends one task with the loss `TRUE`; "end" ends. Each order is
answered by a line: how many events it was.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cqltui.app.ending import read
from cqltui.broker.feed.stream import events_after
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Claim, Registration
from cqltui.broker.server.epoch import open_epoch
from cqltui.broker.server.server import EmbeddedServer
from cqltui.campaign.load import load_campaign
from cqltui.campaign.payload import DataSummary
from cqltui.results.rundir import RunDir
from cqltui.supervisor import manifest
from cqltui.supervisor.lock import RunLock
from cqltui.supervisor.records import Records
from tests.benchmarks.queue_work import tasks

TITLE = "Robustness - Ensemble"
WORKERS, EPOCHS, STEPS, POINTS = 4, 10_000, 13, 60
TRUE = 0.0101
"""Less than any other loss, so that the phase shows it."""
TICK_S = 0.1
AGO_S = 3_600.0
"""So long ago the run was started: what is drawn by the clock is as fine as it is for most of a night."""
TURNOVER_S = 0.5
"""So often a task ends and another one begins."""


class Load:
    """The run."""

    def __init__(self, run_dir: Path, count: int, running: int) -> None:
        self._server = EmbeddedServer(run_dir).start()
        client = self._server.connect()
        open_epoch(client, run_dir / "server" / "epoch")
        self._queue = Queue(client)
        place = RunDir(run_dir)
        phases = [{"name": "ensemble", "title": TITLE, "priority": 6, "verdicts": []}]
        info = {
            "name": "load",
            "title": "A load",
            "run_dir": str(run_dir),
            "started_ts": time.time() - AGO_S,
            "workers": WORKERS,
        }
        _write_campaign(place, count)
        self._queue.set_campaign(info | {"phases": phases})
        self._queue.set_workers(WORKERS)
        self._queue.enqueue_many([replace(task, info={**task.info, "epochs": EPOCHS}) for task in tasks(0, count)])
        self._workers = [self._queue.register_worker(f"w{i}", {"pid": 1, "device": "cpu"}) for i in range(WORKERS)]
        self._held: dict[str, list[Claim]] = {worker.id: [] for worker in self._workers}
        self._epoch = dict.fromkeys((f"t{i}" for i in range(count)), 0)
        self._told = 0
        while sum(map(len, self._held.values())) < running:
            for worker in self._workers:
                self._claim(worker)
        self._queue.set_filled()
        _write_tasks(place, self._queue)
        self._lock = RunLock(place)
        self._lock.say(ready=True)

    def run(self, seconds: float, events_per_s: float) -> int:
        """Tell reports at this pace; how many."""
        told, began = 0, time.monotonic()
        turned = began
        while (passed := time.monotonic() - began) < seconds:
            while told < events_per_s * passed:
                told += self._tell(self._workers[self._told % WORKERS])
            if time.monotonic() - turned >= TURNOVER_S:
                turned = time.monotonic()
                self._turn_over()
            time.sleep(TICK_S / 4)
        return told

    def burst(self, events: int) -> int:
        """Tell so many as fast as it goes; the last word is a task that is done."""
        told = 0
        while told < events:
            told += self._tell(self._workers[self._told % WORKERS])
        self._end(self._workers[0], TRUE)
        return told

    def close(self) -> None:
        """End the run."""
        self._lock.free()
        self._server.leave()

    def _claim(self, worker: Registration) -> None:
        self._held[worker.id] += self._queue.claim(worker, nonce=f"{time.monotonic()}", limit=1)

    def _tell(self, worker: Registration) -> int:
        self._told += 1
        members = [self._member(claim) for claim in self._held[worker.id]]
        self._queue.progress(worker, members, {"pid": 1, "device": "cpu", "samples_per_s": 40_000.0})
        return len(members)

    def _member(self, claim: Claim, loss: float | None = None) -> Mapping[str, Any]:
        epoch = self._epoch[claim.id] = self._epoch[claim.id] + 1
        value = 0.5 / (1 + epoch) ** 0.3 if loss is None else loss
        curve = [[1 + i * max(1, epoch // POINTS), 0.5 / (2 + i) ** 0.3] for i in range(min(POINTS, epoch))]
        return {
            "task": claim.id, "token": claim.token, "step": STEPS * epoch, "epoch": epoch, "epochs": EPOCHS,
            "elapsed_s": epoch * 0.1, "loss": value, "td_loss": value / 2, "cql_loss": value / 2, "q_mean": 0.1,
            "grad_norm": 0.3, "val_loss": 1.1 * value, "best_val_loss": value, "samples_per_s": 4_000.0, "curve": curve,
        }  # fmt: skip

    def _turn_over(self) -> None:
        worker = self._workers[self._told % WORKERS]
        if len(self._held[worker.id]) > 1:
            self._end(worker, 0.1)
            self._claim(worker)

    def _end(self, worker: Registration, loss: float) -> None:
        claim = self._held[worker.id].pop(0)
        report = self._member(claim, loss)
        metrics = {name: report[name] for name in ("epoch", "loss", "td_loss", "cql_loss", "val_loss")}
        result = {"steps": report["step"], "best_val_loss": report["best_val_loss"], "metrics": metrics}
        assert self._queue.complete(claim.id, claim.token, {**report, **result})


def _write_campaign(place: RunDir, count: int) -> None:
    """Write campaign.json as a campaign of so many tasks has it."""
    phase = f'[[phase]]\nname = "ensemble"\ntitle = "{TITLE}"\npriority = 6\nepochs = {EPOCHS}\n'
    trainer = '[trainer]\nalgorithm = "cql"\nalpha = 0.3\nlr = 1e-4\nhidden_dims = [256, 128, 64]\ngamma = 0.99\n'
    head = '[campaign]\nname = "load"\n[data]\nsource = "simulated"\n'
    file = place.path / "load.toml"
    file.write_text(f"{head}{trainer}{phase}grid = {{ seed = {list(range(count))} }}\n", "utf-8")
    data = DataSummary("0" * 64, rows=1_675, validation_rows=500)
    manifest.write(place, load_campaign(file), data, ["cqltui", str(file)], time.time() - AGO_S, own_server=False)


def _write_tasks(place: RunDir, queue: Queue) -> None:
    """Write what a supervisor writes of the tasks: each task.json, and the journal."""
    records = Records(place)
    for task in read(queue).tasks.values():
        records.remember(task)
    records.journal.append(events_after(queue, records.version))
    records.close()


def main() -> None:
    """Follow orders."""
    load = Load(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    try:
        print("ready", flush=True)
        for order in sys.stdin:
            match order.split():
                case ["run", seconds, events_per_s]:
                    print(load.run(float(seconds), float(events_per_s)), flush=True)
                case ["burst", events]:
                    print(load.burst(int(events)), flush=True)
                case _:
                    break
    finally:
        load.close()


if __name__ == "__main__":
    main()
