"""A campaign of 49 tasks as the events that tell of it: what a feed would give a screen at some moment of the night.

Deterministic: the time of the launch, the speed and each loss are computed from the task alone.
"""

import math
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from msgspec import Struct

from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState
from cqltui.state.reduce import reduce_all

LAUNCH_TS = 1_760_734_800.0
"""Friday 17 October 2025, 21:00 UTC."""
WORKERS = 2
EPOCH_STEPS = 13
BATCH = 128
SMALL, LARGE = [256, 128, 64], [2048, 1024, 512, 256]
ARCHITECTURES = (
    SMALL, [512, 256, 128], [256, 128, 64, 32], [512, 256, 128, 64],
    [1024, 512, 256], [1024, 512, 256, 128], [2048, 1024, 512], LARGE,
)  # fmt: skip

PHASES: tuple[dict[str, Any], ...] = (
    {
        "name": "quality", "title": "Quality - Extended Training", "priority": 8,
        "goal": "Achieve the absolute best loss by training 10x longer (200 -> 2000 epochs)",
        "questions": [
            "Does training 10x longer go on improving the loss?",
            "What is the best loss that this data allows?",
            "Do alphas 0.3, 0.5 and 0.7 converge to similar losses?",
        ],
        "expected": "0.05-0.08 from 0.095 at 200 epochs",
        "criteria": (
            "Every task completes without errors", "The loss goes on falling past epoch 200",
            "Final loss below 0.08 for the best configuration", "The training curve is smooth",
            "No overfitting: validation loss within 10 % of its minimum",
        ),
    },
    {
        "name": "exploration", "title": "Exploration - Architecture Search", "priority": 7,
        "goal": "Validate the architecture, find if larger networks improve performance",
        "questions": ["Can larger networks beat [256,128,64]?", "Is deeper better than wider?"],
        "expected": "[256,128,64] near-optimal",
        "criteria": ("Every task completes without errors", "The best configuration is better than the runner-up"),
    },
    {
        "name": "ensemble", "title": "Robustness - Ensemble", "priority": 6,
        "goal": "Production-ready ensemble for uncertainty quantification",
        "questions": ["How much do Q values vary over initialisations?"],
        "expected": "Q std 0.03-0.05, 53-54 %",
        "criteria": ("Every task completes without errors", "Standard deviation of Q over the members above 0"),
    },
)  # fmt: skip


class Task(Struct, frozen=True):
    """A task of the night."""

    id: str
    phase: str
    title: str
    index: int
    priority: int
    alpha: float
    dims: list[int]
    epochs: int
    seed: int = 42
    lr: float = 1e-4
    baseline: float | None = None

    @property
    def epoch_s(self) -> float:
        """Seconds an epoch takes."""
        return 0.22 if self.dims[0] < 1_000 else 0.9 if self.dims[0] < 2_000 else 4.0

    @property
    def weights(self) -> int:
        """Parameters, norms left out."""
        sizes = [6, *self.dims, 4]
        return sum(a * b + b for a, b in pairwise(sizes))

    def info(self) -> dict[str, Any]:
        """The fixed part, as on the wire."""
        return {
            "phase": self.phase, "title": self.title, "index": self.index, "alpha": self.alpha, "lr": self.lr,
            "hidden_dims": self.dims, "seed": self.seed, "epochs": self.epochs, "batch_size": BATCH,
            "epoch_steps": EPOCH_STEPS, "step_flops": 6 * BATCH * self.weights, "params": self.weights,
            "baseline_loss": self.baseline,
        }  # fmt: skip

    def loss(self, epoch: int) -> float:
        """A power law with a little noise that is the same each time."""
        noise = 0.03 * math.sin(epoch * 1.7 + self.index) * math.exp(-epoch / 900)
        return float((0.055 + 0.02 * self.alpha + 0.9 * (epoch + 2) ** -0.62) * (1 + noise))


def tasks() -> list[Task]:
    """The campaign's 49 tasks in the order of its file."""
    quality = [
        ("Best overall (938fc1bd)", 0.3, 1e-4, SMALL, 0.0949),
        ("Best small network (ad38a4ca)", 0.3, 1e-4, [128, 64, 32], 0.1052),
        ("Best lower LR (8c4a39b3)", 0.3, 5e-5, SMALL, 0.1237), ("Best alpha=0.5 (8fc9e305)", 0.5, 1e-4, SMALL, 0.1406),
        ("Best alpha=0.7 (49fa87bc)", 0.7, 1e-4, SMALL, 0.1416),
    ]  # fmt: skip
    found: list[Task] = []

    def add(phase: str, title: str, priority: int, alpha: float, dims: list[int], epochs: int, **other: Any) -> None:
        index = len(found)
        task_id = f"{(index + 1) * 2_654_435_761 % 2**32:08x}"
        found.append(Task(task_id, phase, title, index, priority, alpha, dims, epochs, **other))

    for title, alpha, lr, dims, baseline in quality:
        add("quality", title, 8, alpha, dims, 2_000, lr=lr, baseline=baseline)
    for alpha in (0.2, 0.25, 0.3):
        for dims in ARCHITECTURES:
            add("exploration", f"alpha {alpha:g}, [{','.join(map(str, dims))}]", 7, alpha, dims, 500)
    for seed in range(42, 62):
        add("ensemble", f"seed {seed}", 6, 0.3, SMALL, 1_000, seed=seed)
    return found


def campaign(verdicts: dict[str, list[tuple[bool | None, str]]] | None = None) -> dict[str, Any]:
    """The campaign as on the wire."""
    phases = []
    for phase in PHASES:
        told = (verdicts or {}).get(phase["name"], [])
        texts = phase["criteria"]
        found = [*told, *[(None, "")] * (len(texts) - len(told))]
        rows = [{"text": t, "passed": p, "detail": d} for t, (p, d) in zip(texts, found, strict=True)]
        phases.append({**phase, "verdicts": rows})
    return {
        "name": "deep", "title": "Deep training of CQL on NFL spreads", "run_dir": "runs/deep",
        "started_ts": LAUNCH_TS, "workers": WORKERS, "workers_limit": 16, "phases": phases,
    }  # fmt: skip


class Night:
    """The campaign up to a moment, with two workers that take tasks in order; played once a process."""

    def __init__(self, until_s: float, dead: frozenset[int] = frozenset()) -> None:
        self._events, self.now = played(until_s, dead)

    def state(self) -> RunState:
        """The state after all events."""
        return reduce_once(RunState(), self._events)

    def events(self) -> list[Event]:
        """All that a screen would have been told by `now`."""
        return list(self._events)


_reduced: dict[tuple[int, ...], tuple[list[Event], RunState]] = {}


def reduce_once(state: RunState, events: Iterable[Event]) -> RunState:
    """As `reduce_all`; what one test has reduced from the start, of the very same events, the next ones need not."""
    events = list(events)
    if state != RunState():
        return reduce_all(state, events)
    key = tuple(map(id, events))  # which stay theirs: the events are kept
    if key not in _reduced:
        _reduced[key] = events, reduce_all(state, events)
    return _reduced[key][1]


@cache
def played(until_s: float, dead: frozenset[int]) -> tuple[list[Event], float]:
    """Return what happened, and the time by then."""
    play = _Play(until_s, dead)
    return list(play.events()), play.now


class _Play:
    def __init__(self, until_s: float, dead: frozenset[int]) -> None:
        self.now = LAUNCH_TS + until_s
        self._dead = dead
        self._seq = 0
        self._running: dict[str, tuple[Task, str, float]] = {}

    def _lifecycle(self, kind: Kind, ts: float, task: Task, status: str, **life: Any) -> Event:
        self._seq += 1
        data = {"info": task.info(), "status": status, "priority": task.priority, "order": task.index + 1, "run": 1,
                "queued_ts": LAUNCH_TS + 1, **life}  # fmt: skip
        return Event(kind, ts, 1, self._seq, task.id, data=data)

    def events(self) -> Iterator[Event]:
        yield Event(Kind.CONNECTION, LAUNCH_TS, data={"online": True})
        self._seq += 1
        yield Event(Kind.CAMPAIGN, LAUNCH_TS, 1, self._seq, data={"wanted": "running", "campaign": campaign()})
        for task in tasks():
            yield self._lifecycle(Kind.TASK_QUEUED, LAUNCH_TS + 1, task, "queued")
        free = {f"w{i + 1}": LAUNCH_TS + 3 for i in range(WORKERS)}
        for task in tasks():
            worker = min(free, key=lambda name: (free[name], name))
            start = free[worker] + 0.4
            if start > self.now:
                break
            yield from self._play(task, worker, start, free)
        finish_ts = max(free.values()) + 2
        if finish_ts > self.now:
            yield from self._workers()
        else:
            yield from self._finish(finish_ts)

    def _play(self, task: Task, worker: str, start: float, free: dict[str, float]) -> Iterator[Event]:
        token = f"1-{task.index + 1}"
        claim = {"worker": worker, "token": token, "attempt": 1, "started_ts": start, "claimed_ts": start}
        dies = task.index in self._dead
        end = start + task.epoch_s * task.epochs * (0.3 if dies else 1)
        yield self._lifecycle(Kind.TASK_CLAIMED, start, task, "running", **claim)
        free[worker] = end
        epoch = min(int((min(end, self.now) - start) / task.epoch_s), task.epochs)
        if epoch:
            yield self._progress(task, worker, token, epoch, min(end, self.now) - 0.3)
        if end > self.now:
            self._running[worker] = (task, token, start)
        elif dies:
            error = (
                "ERROR Killed by signal 9 three times without a new checkpoint\n"
                '  File "train.py", line 88, in run\n    loss.backward()\n'
                "RuntimeError: [enforce fail] out of memory: you tried to allocate 12884901888 bytes"
            )
            yield self._lifecycle(
                Kind.TASK_DEAD, end, task, "dead", **{**claim, "attempt": 3, "deaths": 3}, finished_ts=end, error=error,
                report=self._member(task, token, epoch) | {"ts": end},
            )  # fmt: skip
        else:
            report = self._member(task, token, epoch) | {"ts": end}
            yield self._lifecycle(Kind.TASK_DONE, end, task, "done", **claim, finished_ts=end, report=report)

    @staticmethod
    def _member(task: Task, token: str, epoch: int) -> dict[str, Any]:
        step = max(1, epoch // 48)
        epochs = sorted({*range(1, epoch + 1, step), epoch})
        loss = task.loss(epoch)
        val = loss * 1.07 + 0.004
        return {
            "task": task.id, "token": token, "step": epoch * EPOCH_STEPS, "epoch": epoch, "epochs": task.epochs,
            "elapsed_s": epoch * task.epoch_s, "loss": loss, "td_loss": loss * 0.4, "cql_loss": loss * 0.6,
            "q_mean": 0.042, "grad_norm": 0.31, "val_loss": val, "best_val_loss": val * 0.99,
            "samples_per_s": EPOCH_STEPS * BATCH / task.epoch_s, "curve": [[e, task.loss(e)] for e in epochs],
        }  # fmt: skip

    def _progress(self, task: Task, worker: str, token: str, epoch: int, ts: float) -> Event:
        member = self._member(task, token, epoch)
        data = {**self._worker(worker), "samples_per_s": member["samples_per_s"], "members": [member]}
        place = {"since": self._seq, "report": round(ts)}
        return Event(Kind.PROGRESS, ts, 1, worker=worker, data=data | place)

    @staticmethod
    def _worker(worker: str) -> dict[str, Any]:
        return {"pid": 4_100 + int(worker[1:]), "host": "lab", "device": "cpu", "started_ts": LAUNCH_TS + 2,
                "memory_bytes": 412 * 1024**2, "memory_total_bytes": 16 * 1024**3}  # fmt: skip

    def _workers(self) -> Iterator[Event]:
        for worker in ("w1", "w2"):
            if worker not in self._running:
                self._seq += 1
                yield Event(Kind.WORKER_STARTED, self.now - 1, 1, self._seq, worker=worker, data=self._worker(worker))

    def _finish(self, ts: float) -> Iterator[Event]:
        verdicts: dict[str, list[tuple[bool | None, str]]] = {
            "quality": [(True, "5 of 5"), (True, "0.0949 -> 0.0698"), (True, "best 0.0698"), (True, "roughness 0.02"),
                        (False, "alpha 0.7 ends 14 % above its minimum")],
            "exploration": [(True, "24 of 24"), (False, "margin 0.0004, spread over seeds 0.0021")],
            "ensemble": [(True, "20 of 20"), (True, "0.037")],
        }  # fmt: skip
        for worker in ("w1", "w2"):
            self._seq += 1
            yield Event(Kind.WORKER_STOPPED, ts, 1, self._seq, worker=worker)
        self._seq += 1
        data = {"wanted": "running", "campaign": campaign(verdicts), "finished_ts": ts}
        self.now = ts + 240
        yield Event(Kind.FINISHED, ts, 1, self._seq, data=data)
