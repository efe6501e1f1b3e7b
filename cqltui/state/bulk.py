"""When very many tasks that wait will be through, most of which nobody holds: by how many there are of what. Pure.

`waiting` hands each task out, which takes long for a million of them, and needs to know each. Here the work that waits
is a liquid: a phase after the other, by priority and then as in the file, is poured into the workers, each from when it
is free, so that all of them are filled to the same level. What that leaves out:

- A worker ends its own claim, not a share of all: the last of a phase ends later by up to a claim, for which half of
  one is taken where each worker has several. No phase ends sooner than its longest claim that begins with its first.
- Each claim takes its overhead, and as many mates as make up a fair share of the work of their priority that is left
  when the phase begins, at most `PACK_LIMIT`; that the shares get smaller until it ends is left out.
- Which task of a phase comes first is not known, nor that mates of another phase may be taken with it.
- Delayed tasks count with the queued ones: by their turn most delays are over.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import NamedTuple

from msgspec import Struct, field

from cqltui.state.model import RunState, Status, TaskInfo
from cqltui.state.rates import Rates, steps_left, steps_total
from cqltui.state.spread import Left
from trainer.packing import PACK_LIMIT

WAITING = frozenset({Status.QUEUED, Status.DELAYED})

KindKey = tuple[str, str, int]
"""(pack key, shape, FLOPs of a step): what a step of the task costs, and whom it may train with."""


class Kind(Struct):
    """Tasks whose steps cost the same."""

    info: TaskInfo
    """Of one of them."""
    number: int = 0
    steps: int = 0
    """That are left, of all of them."""
    longest: int = 0
    """Those of the task that has most."""

    @property
    def flops(self) -> float:
        """FLOPs that are left."""
        return float(self.info.step_flops) * self.steps


class Lot(Struct):
    """Tasks of a phase that wait with the same priority."""

    phase: str
    priority: float
    number: int = 0
    kinds: dict[KindKey, Kind] = field(default_factory=dict)
    known: bool = True
    """Whether each of them tells how many steps it has."""
    finish_ts: float | None = None
    """When the last of them will be through; None: cannot be told."""

    def add(self, info: TaskInfo, number: int, steps: int) -> None:
        """Count so many tasks like this one, each with so many steps left."""
        kind = self.kinds.setdefault((info.pack, info.shape, info.step_flops), Kind(info))
        kind.number += number
        kind.steps += number * steps
        kind.longest = max(kind.longest, steps)
        self.number += number
        self.known = self.known and steps_total(info) > 0

    @property
    def flops(self) -> float:
        """FLOPs that are left."""
        return sum(kind.flops for kind in self.kinds.values())

    def cost(self, measured: Rates, share: float) -> "_Cost | None":
        """Return what all of them take; None if that cannot be told.

        `share`: FLOPs that a worker claims at once, if it can.
        """
        if not self.known:
            return None
        total_s = task_s = claim_s = 0.0
        claims = 0
        for pack, kinds in self._mates().items():
            training_s = 0.0
            for kind in kinds:
                step_s = measured.step_s(kind.info)
                if step_s is None:
                    return None
                training_s += kind.steps * step_s
                task_s = max(task_s, measured.overhead_s + kind.longest * step_s)
            number = sum(kind.number for kind in kinds)
            each = sum(kind.flops for kind in kinds) / number
            fair = round(min(PACK_LIMIT, share / each)) if each > 0 else PACK_LIMIT
            taken = ceil(number / max(1, fair)) if pack else number
            total_s += taken * measured.overhead_s + training_s
            claim_s = max(claim_s, measured.overhead_s + training_s / taken)
            claims += taken
        return _Cost(claims, total_s, max(claim_s, task_s), task_s)

    def _mates(self) -> Mapping[str, list[Kind]]:
        """Return those that may train together, by their pack key."""
        found: defaultdict[str, list[Kind]] = defaultdict(list)
        for kind in self.kinds.values():
            found[kind.info.pack].append(kind)
        return found


class _Cost(NamedTuple):
    """What a lot takes, in seconds of a worker."""

    claims: int
    """How many of them."""
    total_s: float
    claim_s: float
    """The longest claim."""
    task_s: float
    """The longest task, alone."""


class _Workers:
    """Workers that are filled with work to the same level."""

    def __init__(self, free_ts: Iterable[float]) -> None:
        """`free_ts`: from when each of them is free, at least one."""
        self._later = sorted(free_ts, reverse=True)
        self.number = len(self._later)
        self._filled = 1
        self.level_ts = self._later.pop()
        """Until when the filled ones are busy, and from when on there is room."""

    def fill(self, seconds: float) -> float:
        """Give them so much work; return when it is through."""
        while self._later and (room_s := (self._later[-1] - self.level_ts) * self._filled) <= seconds:
            seconds -= room_s
            self.level_ts = self._later.pop()
            self._filled += 1
        self.level_ts += seconds / self._filled
        return self.level_ts


def lots(state: RunState) -> Sequence[Lot]:
    """Return what waits, held or not, as workers will take it."""
    found: dict[tuple[str, float], Lot] = {}

    def add(info: TaskInfo, priority: float, number: int, steps: int) -> None:
        key = info.phase, priority
        if key not in found:
            found[key] = Lot(info.phase, priority)
        found[key].add(info, number, steps)

    for task in state.tasks.values():
        if task.life.status in WAITING:
            add(task.info, task.life.priority, 1, steps_left(task))
    for some in state.alike.values():
        if some.status in WAITING and some.number > 0:
            add(some.info, some.priority, some.number, steps_total(some.info))
    rank = {phase.name: place for place, phase in enumerate(state.campaign.phases)}
    return sorted(found.values(), key=lambda lot: (-lot.priority, rank.get(lot.phase, len(rank))))


def plan(waiting: Sequence[Lot], free_ts: Iterable[float], wanted: int, measured: Rates, left: Left) -> None:
    """Tell when each lot is through, up to the first whose duration is unknown: what comes after it is unknown too.

    `free_ts`: from when each worker is free, at least one; `wanted`: workers among whom the work is shared.
    """
    workers = _Workers(free_ts)
    last = {lot.priority: lot for lot in waiting}
    flops: defaultdict[float, float] = defaultdict(float)
    for lot in waiting:
        flops[lot.priority] += lot.flops
    for lot in waiting:
        cost = lot.cost(measured, flops[lot.priority] / max(1, wanted))
        flops[lot.priority] -= lot.flops
        if cost is None:
            return
        for kind in lot.kinds.values():
            left.add(kind.info, kind.steps)
        begun_ts = workers.level_ts
        through_ts = workers.fill(cost.total_s)
        if cost.claims > workers.number:
            # Where a priority ends, the shares have become small, and workers end together.
            claim_s = cost.task_s if last[lot.priority] is lot else cost.claim_s
            through_ts += claim_s / 2 * (1 - 1 / workers.number)
        lot.finish_ts = max(through_ts, begun_ts + cost.claim_s)
