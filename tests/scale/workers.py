"""Simulated workers: each registers, claims packs, reports and gives back as a real one does, and trains nothing."""

import time
from typing import Any

from msgspec import Struct, field

import cqltui
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Claim, Registration
from cqltui.state.live import MANY_WORKERS

CURVE_POINTS = 64
METRICS = {
    "loss": 0.512345678, "td_loss": 0.212345678, "cql_loss": 0.312345678, "q_mean": 0.12345678, "grad_norm": 1.2345678,
    "samples_per_s": 12345.6, "val_loss": 0.5123456, "val_td_loss": 0.2123456, "val_cql_loss": 0.3123456,
}  # fmt: skip


class SimulatedWorker(Struct):
    """One process, as the server sees it."""

    registration: Registration
    data: dict[str, Any]
    claims: list[Claim] = field(default_factory=list)
    reports: int = 0
    few: bool = True
    looked: frozenset[str] = frozenset()

    def members(self) -> list[dict[str, Any]]:
        """What it tells of its tasks, as `Session` does."""
        self.reports += 1
        return [report(claim, self.reports, curve=self.few or claim.id in self.looked) for claim in self.claims]


def report(claim: Claim, epoch: int, *, curve: bool) -> dict[str, Any]:
    """A task's part of a progress message, a few hundred epochs on its way."""
    points = [[300 + n * 5, round(0.5 + 0.5 / (n + 1), 9)] for n in range(CURVE_POINTS)]
    return {
        "task": claim.id, "token": claim.token, "step": (600 + epoch) * 13, "epoch": 600 + epoch, "epochs": 1000,
        "resumed_epoch": 0, "elapsed_s": 123.456 + epoch, "trained_s": 123.456 + epoch, "metrics": METRICS,
        "best": 0.4987654, "best_epoch": 512, **({"curve": points} if curve else {}),
    }  # fmt: skip


def process_of(number: int) -> dict[str, Any]:
    """What the worker of that number says of its process, on one of many machines."""
    process = {"machine": f"m{number // 8:031x}", "boot": "b" * 32, "pid_namespace": 1, "uid": 1000, "pid": number + 1}
    return {
        "id": f"n{number}", "pid": number + 1, "process": process | {"started": 1.0}, "host": f"node{number // 8}",
        "device": "cpu", "program": cqltui.__version__, "started_ts": time.time(), "memory_total_bytes": 1 << 34,
    }  # fmt: skip


def register(queue: Queue, number: int) -> SimulatedWorker:
    """A worker of that number."""
    data = process_of(number)
    return SimulatedWorker(queue.register_worker(f"n{number}", data), data)


def crew(queue: Queue, count: int) -> list[SimulatedWorker]:
    """So many registered workers."""
    return [register(queue, number) for number in range(count)]


def claim(queue: Queue, worker: SimulatedWorker, limit: int) -> float:
    """Seconds that a claim takes."""
    began = time.perf_counter()
    worker.claims = queue.claim(worker.registration, f"{worker.registration.id}-{began}", limit, None, 1 << 34)
    return time.perf_counter() - began


def tell(queue: Queue, worker: SimulatedWorker) -> None:
    """A report of all that it trains."""
    own = worker.data | {"samples_per_s": 12345.6, "memory_bytes": 1 << 28}
    answer = queue.progress(worker.registration, worker.members(), own)
    worker.few, worker.looked = answer.workers <= MANY_WORKERS, answer.looked
