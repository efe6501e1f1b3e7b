"""What waits in the queue, handed out to workers in simulated time by the rule of the queue itself. Pure.

A free worker takes the first task of the highest priority and as many of its mates, tasks with the same
pack key, as make up its fair share of the work.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from cqltui.campaign.payload import PACK_LIMIT  # that a device's memory may allow fewer is not known here
from cqltui.state.model import Status, TaskState
from cqltui.state.rates import flops_left

MateKey = tuple[float, str]
"""(priority, pack key)."""


@dataclass(frozen=True, slots=True)
class Busy:
    """A worker that trains from `since_ts` to `until_ts`; one that is free now has both the same."""

    until_ts: float
    since_ts: float
    flops: float = 0.0
    """Of its pack, as of `since_ts`."""

    def flops_left(self, ts: float) -> float:
        """FLOPs that are left at that time."""
        span_s = self.until_ts - self.since_ts
        return self.flops * (self.until_ts - ts) / span_s if span_s > 0 and ts < self.until_ts else 0.0


@dataclass(frozen=True, slots=True)
class Claimed:
    """Tasks that one worker takes at `ts` to train together."""

    ts: float
    tasks: tuple[TaskState, ...]
    flops: float


class Waiting:
    """Queued and delayed tasks, and the workers that will take them."""

    def __init__(self, tasks: Iterable[TaskState], busy: Iterable[Busy], wanted: int, now: float) -> None:
        """`wanted`: workers among whom the work is shared."""
        self._tie = count()
        self._wanted = max(1, wanted)
        self._taken: set[str] = set()
        self._heads: list[tuple[float, int, int, TaskState]] = []
        self._mates: defaultdict[MateKey, list[tuple[int, int, TaskState]]] = defaultdict(list)
        self._flops: defaultdict[float, float] = defaultdict(float)
        """Waiting, by priority."""
        self._delayed: list[tuple[float, int, TaskState]] = []
        self._busy = [(worker.until_ts, next(self._tie), worker) for worker in busy]
        heapq.heapify(self._busy)
        for task in tasks:
            if task.status is Status.QUEUED:
                self._add(task)
            elif task.status is Status.DELAYED:
                heapq.heappush(self._delayed, (max(now, task.life.ready_ts), next(self._tie), task))

    def _add(self, task: TaskState) -> None:
        life, tie = task.life, next(self._tie)
        heapq.heappush(self._heads, (-life.priority, life.order, tie, task))
        heapq.heappush(self._mates[_mate_key(task)], (life.order, tie, task))
        self._flops[life.priority] += flops_left(task)

    def claim(self) -> Claimed | None:
        """Return what the worker that is free first takes, and when; None when nothing waits any more.

        The worker is then away, until `train` says for how long.
        """
        while self._heads and self._heads[0][3].id in self._taken:
            heapq.heappop(self._heads)
        if not self._heads and not self._delayed:
            return None
        free_ts = heapq.heappop(self._busy)[0]
        if not self._heads:
            free_ts = max(free_ts, self._delayed[0][0])
        while self._delayed and self._delayed[0][0] <= free_ts:
            self._add(heapq.heappop(self._delayed)[2])
        pack = self._pack(free_ts)
        self._taken.update(task.id for task in pack)
        flops = sum(map(flops_left, pack))
        self._flops[pack[0].life.priority] -= flops
        return Claimed(free_ts, tuple(pack), flops)

    def train(self, claimed: Claimed, until_ts: float) -> None:
        """Note that the worker of that claim is free again at `until_ts`."""
        heapq.heappush(self._busy, (until_ts, next(self._tie), Busy(until_ts, claimed.ts, claimed.flops)))

    def _pack(self, ts: float) -> list[TaskState]:
        """Return the first task and its mates up to a fair share: 20 equal tasks are 10 + 10 for two workers, 3 are 2 +
        1."""
        head = heapq.heappop(self._heads)[3]
        elsewhere = sum(worker.flops_left(ts) for _, _, worker in self._busy)
        share = (self._flops[head.life.priority] + elsewhere) / self._wanted
        pack, flops = [head], flops_left(head)
        mates = self._mates[_mate_key(head)]
        while mates and len(pack) < PACK_LIMIT:
            task = mates[0][2]
            if task is not head and task.id not in self._taken:
                if flops + flops_left(task) / 2 > share:  # nearer to the share without it
                    break
                pack.append(task)
                flops += flops_left(task)
            heapq.heappop(mates)
        return pack


def _mate_key(task: TaskState) -> MateKey:
    return task.life.priority, task.info.pack or task.id  # without a key it trains alone
