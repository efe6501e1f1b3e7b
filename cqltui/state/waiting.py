"""What waits in the queue, handed out to workers in simulated time by the rule of the queue itself. Pure.

A free worker takes the first task of the highest priority and as many of its mates, tasks with the same
pack key, as make up its fair share of the work.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable
from itertools import count
from typing import NamedTuple

from cqltui.state.model import Status, TaskState
from cqltui.state.rates import steps_left
from trainer.packing import PACK_LIMIT  # that a device's memory may allow fewer is not known here

MateKey = tuple[float, str]
"""(priority, pack key)."""


class Busy(NamedTuple):
    """A worker that trains from `since_ts` to `until_ts`; one that is free now has both the same."""

    worker: str
    until_ts: float
    since_ts: float
    flops: float = 0.0
    """Of its pack, as of `since_ts`."""

    def flops_left(self, ts: float) -> float:
        """FLOPs that are left at that time."""
        span_s = self.until_ts - self.since_ts
        return self.flops * (self.until_ts - ts) / span_s if span_s > 0 and ts < self.until_ts else 0.0


class Waits(NamedTuple):
    """A task that waits; in claim order within a priority."""

    order: int
    tie: int
    task: TaskState
    steps: int
    """That are left."""
    flops: float


class Claimed(NamedTuple):
    """Tasks that one worker takes at `ts` to train together."""

    ts: float
    worker: str
    members: tuple[Waits, ...]
    flops: float


class Waiting:
    """Queued and delayed tasks, and the workers that will take them."""

    def __init__(self, tasks: Iterable[TaskState], busy: Iterable[Busy], wanted: int, now: float) -> None:
        """`wanted`: workers among whom the work is shared."""
        self._tie = count()
        self._wanted = max(1, wanted)
        self._taken: set[int] = set()
        """By their ties."""
        self._heads: list[tuple[float, Waits]] = []
        self._mates: defaultdict[MateKey, list[Waits]] = defaultdict(list)
        self._flops: defaultdict[float, float] = defaultdict(float)
        """Waiting, by priority."""
        self._delayed: list[tuple[float, int, TaskState]] = []
        self._busy = [(worker.until_ts, next(self._tie), worker) for worker in busy]
        heapq.heapify(self._busy)
        for task in tasks:
            if task.life.status is Status.QUEUED:
                head, mates = self._added(task)
                self._heads.append(head)
                mates.append(head[1])
            elif task.life.status is Status.DELAYED:
                heapq.heappush(self._delayed, (max(now, task.life.ready_ts), next(self._tie), task))
        heapq.heapify(self._heads)
        for mates in self._mates.values():
            heapq.heapify(mates)

    def _added(self, task: TaskState) -> tuple[tuple[float, Waits], list[Waits]]:
        """Count the task in; what goes into the heads, and the heap of its mates."""
        steps = steps_left(task)
        waits = Waits(task.life.order, next(self._tie), task, steps, float(task.info.step_flops) * steps)
        self._flops[task.life.priority] += waits.flops
        return (-task.life.priority, waits), self._mates[_mate_key(task)]

    def claim(self) -> Claimed | None:
        """Return what the worker that is free first takes, and when; None when nothing waits any more.

        The worker is then away, until `train` says for how long.
        """
        while self._heads and self._heads[0][1].tie in self._taken:
            heapq.heappop(self._heads)
        if not self._heads and not self._delayed:
            return None
        free_ts, _, free = heapq.heappop(self._busy)
        if not self._heads:
            free_ts = max(free_ts, self._delayed[0][0])
        while self._delayed and self._delayed[0][0] <= free_ts:
            head, mates = self._added(heapq.heappop(self._delayed)[2])
            heapq.heappush(self._heads, head)
            heapq.heappush(mates, head[1])
        pack, flops = self._pack(free_ts)
        self._taken.update(waits.tie for waits in pack)
        self._flops[pack[0].task.life.priority] -= flops
        return Claimed(free_ts, free.worker, tuple(pack), flops)

    def train(self, claimed: Claimed, until_ts: float) -> None:
        """Note that the worker of that claim is free again at `until_ts`."""
        busy = Busy(claimed.worker, until_ts, claimed.ts, claimed.flops)
        heapq.heappush(self._busy, (until_ts, next(self._tie), busy))

    def _pack(self, ts: float) -> tuple[list[Waits], float]:
        """Return the first task and its mates up to a fair share, and their FLOPs: 20 equal tasks are 10 + 10 for two
        workers, 3 are 2 + 1."""
        head = heapq.heappop(self._heads)[1]
        pack, flops = [head], head.flops
        mates = self._mates[_mate_key(head.task)]
        if len(mates) == 1:  # itself
            mates.clear()
            return pack, flops
        elsewhere = sum(worker.flops_left(ts) for _, _, worker in self._busy)
        share = (self._flops[head.task.life.priority] + elsewhere) / self._wanted
        while mates and len(pack) < PACK_LIMIT:
            waits = mates[0]
            if waits is not head and waits.tie not in self._taken:
                if flops + waits.flops / 2 > share:  # nearer to the share without it
                    break
                pack.append(waits)
                flops += waits.flops
            heapq.heappop(mates)
        return pack, flops


def _mate_key(task: TaskState) -> MateKey:
    return task.life.priority, task.info.pack or task.id  # without a key it trains alone
