"""When tasks, phases and the campaign will end: list scheduling of what is left over the workers that are there.

Equal tasks finish in waves, so dividing what is done by the time it took swings from hours to days. Here every task
gets the duration its architecture has shown (see `rates`), running tasks end first, and queued ones go in claim order
to whichever worker is free first, in packs, as the queue itself will hand them out. A pack advances step by step, all
members together: a step takes as long as those of its members one after another, and gets shorter when one has ended.

What cannot go on has no estimate: paused tasks, every task of a paused or stopped campaign, the queued tasks of one
that drains. The end of a campaign with some paused tasks is told as that of the others, with how many it is without;
with nothing else left it has no estimate, and neither has a phase that one of them belongs to.

Of a run so large that only some of its tasks are held, those that wait are not planned one by one: `bulk` tells when
the work of each phase is through, from how many there are of what.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from msgspec import Struct

from cqltui.state import bulk, rates
from cqltui.state.bulk import WAITING
from cqltui.state.live import live_workers
from cqltui.state.model import ENDED, Alike, RunState, Status, TaskState, Wanted
from cqltui.state.rates import Rates
from cqltui.state.spread import Left, Spread, spread
from cqltui.state.waiting import Busy, Claimed, Waiting

PRIOR_SHARE = 0.2
"""A running pack's own speed and its architecture's weigh the same once it has done this share of its steps."""
AHEAD_S = 60.0
"""A report so much later than now is of a time before the clock was set back."""
UNNAMED = "next "
"""Begins the name of a worker that is expected and not there yet; no worker's id has a space."""
TASKS, CLAIMS = 250, 10
"""So many of them are looked at in about a millisecond at most."""
T = TypeVar("T")


class TaskEstimate(NamedTuple):
    """When a running or queued task starts (or did) and ends, in seconds since 1970, and who trains it."""

    start_ts: float
    finish_ts: float
    worker: str = ""
    """Its id; of one that is expected and not there yet, `UNNAMED` and a number."""


class Estimate(Struct, frozen=True):
    """When everything ends, in seconds since 1970; None: cannot be told yet. For what has ended: when it did."""

    finish_ts: float | None
    tasks: Mapping[str, TaskEstimate]
    """The plan: of every task whose end can be told; where not all tasks are held, of those that run."""
    phases: Mapping[str, float | None]
    """A phase with a paused task has none: it does not end before somebody resumes that."""
    paused: int = 0
    """Tasks that `finish_ts` is without."""
    ts: float = 0.0
    """The moment that it is of."""
    spread: Spread | None = None
    """How far off it may be; None where there is nothing to expect."""

    @property
    def between(self) -> tuple[float, float] | None:
        """Between when and when the run ends, in about four of five cases; None while that cannot be told, or would say
        nothing."""
        return self.around(self.finish_ts)

    def around(self, ts: float | None) -> tuple[float, float] | None:
        """Return the same of what is expected at `ts`, of a phase or a task; None of what has passed."""
        if ts is None or self.spread is None or ts <= self.ts:
            return None
        return self.spread.around(ts, self.ts)

    def told(self, ts: float | None) -> float | None:
        """Return an expected time if it means something yet, and one that has passed; else None."""
        if ts is None or ts <= self.ts or self.spread is None or self.around(ts) is not None:
            return ts
        return None


NOTHING = Estimate(None, {}, {})
"""Before anything is known."""


class _Ends:
    """What the ends of some tasks come to."""

    __slots__ = ("ended_ts", "latest", "open", "paused", "unknown")

    def __init__(self) -> None:
        self.latest = self.ended_ts = 0.0
        self.open = self.paused = self.unknown = 0

    def add(self, task: TaskState, planned: Mapping[str, TaskEstimate]) -> None:
        """Count a task in."""
        life = task.life
        status = life.status
        if status is Status.PAUSED or life.want == "pause":
            self.paused += 1
        if status is Status.WITHDRAWN:
            return
        if status in ENDED:
            self.ended_ts = max(self.ended_ts, life.finished_ts)
            return
        self.open += 1
        if status is Status.PAUSED or life.want:
            return
        plan = planned.get(task.info.id)
        if plan is None:
            self.unknown += 1
        elif plan.finish_ts > self.latest:
            self.latest = plan.finish_ts

    def add_alike(self, some: Alike) -> None:
        """Count in tasks that are not held. When they ended is not known; those that wait are in a lot."""
        if some.status is Status.PAUSED:
            self.paused += some.number
            self.open += some.number
        elif some.status is Status.RUNNING:  # what runs is held: something is still to be read
            self.open += some.number
            self.unknown += some.number

    def add_lot(self, lot: bulk.Lot) -> None:
        """Count in tasks that wait."""
        self.open += lot.number
        if lot.finish_ts is None:
            self.unknown += lot.number
        else:
            self.latest = max(self.latest, lot.finish_ts)

    def __iadd__(self, other: "_Ends") -> "_Ends":
        self.latest, self.ended_ts = max(self.latest, other.latest), max(self.ended_ts, other.ended_ts)
        self.open, self.paused, self.unknown = (
            self.open + other.open, self.paused + other.paused, self.unknown + other.unknown,
        )  # fmt: skip
        return self

    @property
    def finish_ts(self) -> float | None:
        """When the last of them ends or ended; None if one of them cannot be told, or only paused ones are left."""
        if self.unknown or (not self.latest and (self.open or not self.ended_ts)):
            return None
        return max(self.latest, self.ended_ts)


def estimate(state: RunState, now: float, between: Callable[[], object] = lambda: None) -> Estimate:
    """Return the estimate as of `now`. `between` is called about once a millisecond, for a thread that lets another one
    go first."""
    tasks = partial(_paced, state.tasks.values(), between, TASKS)
    measured = rates.measure(tasks())
    planned: dict[str, TaskEstimate] = {}
    left = Left()
    # Not all tasks are held: the list shows no end of one that waits, so they get no plan each.
    lots = bulk.lots(state) if state.page is not None else ()
    if state.wanted in (Wanted.RUNNING, Wanted.DRAINING):
        running = [task for task in tasks() if task.life.status is Status.RUNNING]
        busy = _running(running, measured, now, planned, left)
        if busy is not None and state.wanted is Wanted.RUNNING:
            live = [worker.id for worker in live_workers(state, now)]
            workers = len(live) or max(1, state.campaign.workers)
            busy += [Busy(worker, now, now) for worker in _free(live, workers, [worker.worker for worker in busy])]
            wanted = max(state.campaign.workers, workers)
            if state.page is None:
                waiting = Waiting(tasks(), busy, wanted, now)
                claims = _paced(iter(waiting.claim, None), between, CLAIMS)
                _queued(waiting, claims, measured, planned, left)
            else:
                bulk.plan(lots, [worker.until_ts for worker in busy], wanted, measured, left)
    by_phase = _by_phase(state, tasks(), planned, lots)
    whole = _Ends()
    for ends in by_phase.values():
        whole += ends
    phases = {name: None if ends.paused else ends.finish_ts for name, ends in by_phase.items()}
    finish_ts = whole.finish_ts
    if state.finished_ts and not whole.open:
        finish_ts = state.finished_ts
    return Estimate(finish_ts, planned, phases, whole.paused, now, spread(measured, left, now) if left.steps else None)


def _paced(items: Iterable[T], between: Callable[[], object], every: int) -> Iterator[T]:
    for number, item in enumerate(items):
        if number % every == 0:
            between()
        yield item


def _by_phase(
    state: RunState, tasks: Iterable[TaskState], planned: Mapping[str, TaskEstimate], lots: Iterable[bulk.Lot]
) -> Mapping[str, _Ends]:
    """Return what the ends of each phase's tasks come to. `lots`: what waits, where not all tasks are held."""
    found: defaultdict[str, _Ends] = defaultdict(_Ends, {phase.name: _Ends() for phase in state.campaign.phases})
    for task in tasks:
        if state.page is None or task.life.status not in WAITING:
            found[task.info.phase].add(task, planned)
    if state.page is not None:
        for some in state.alike.values():
            found[some.info.phase].add_alike(some)
    for lot in lots:
        found[lot.phase].add_lot(lot)
    return found


def _free(live: Iterable[str], workers: int, busy: Collection[str]) -> Iterable[str]:
    """Return the workers of so many that tasks can go to now: live ones, else such as are wanted."""
    free = (worker for worker in live if worker not in busy)
    unnamed = (f"{UNNAMED}{number}" for number in itertools.count(1))
    return itertools.islice(itertools.chain(free, unnamed), max(0, workers - len(busy)))


def _running(
    running: Iterable[TaskState], measured: Rates, now: float, planned: dict[str, TaskEstimate], left: Left
) -> list[Busy] | None:
    """Plan the running tasks; until when each of their workers is busy, or None if one of them cannot be told."""
    packs: dict[str, list[TaskState]] = {}
    for task in running:
        packs.setdefault(task.life.worker or task.id, []).append(task)
    busy: list[Busy] = []
    unknown = False
    for worker, pack in packs.items():
        members = [task for task in pack if not task.life.want]  # the others are about to be paused or cancelled
        finishes = _pack_finishes(members, measured, now)
        if finishes is None:
            unknown = True
            continue
        for task, finish_ts in zip(members, finishes, strict=True):
            planned[task.id] = TaskEstimate(task.life.claimed_ts or now, finish_ts, task.life.worker)
        if members:
            own = rates.claim_key(members[0]) in measured.packs
            left.add(members[0].info, sum(map(rates.steps_left, members)), own=own)
        busy.append(Busy(worker, max(finishes, default=now), now, sum(map(rates.flops_left, members))))
    return None if unknown else busy


def _pack_finishes(members: Sequence[TaskState], measured: Rates, now: float) -> list[float] | None:
    """Return when each of these tasks, which train together, ends: not before `now`. None if that cannot be told."""
    if not members:
        return []
    step_s = measured.step_s(members[0].info)
    total = sum(rates.steps_total(task.info) for task in members)
    if step_s is None or any(rates.steps_total(task.info) <= 0 for task in members):
        return None
    since = max((told.ts for task in members if (told := task.measured) is not None), default=None)
    if since is None:
        since = (members[0].life.claimed_ts or now) + measured.overhead_s
    elif (own := measured.packs.get(rates.claim_key(members[0]))) is not None:
        prior = PRIOR_SHARE * total
        step_s = (own.seconds + prior * step_s) / (own.steps + prior)
    if since > now + AHEAD_S:
        since = now
    return [max(now, since + seconds) for seconds in pack_seconds(list(map(rates.steps_left, members)), step_s)]


def pack_seconds(steps: Sequence[int], step_s: float) -> list[float]:
    """Return the seconds after which each member of a pack has made its steps, where a step of one member takes
    `step_s`.

    While k members train, a step of the pack takes k * step_s.
    """
    seconds = [0.0] * len(steps)
    if len(steps) == 1:
        return [steps[0] * step_s]
    elapsed_s, made = 0.0, 0
    for ended, member in enumerate(sorted(range(len(steps)), key=steps.__getitem__)):
        elapsed_s += (steps[member] - made) * (len(steps) - ended) * step_s
        seconds[member], made = elapsed_s, steps[member]
    return seconds


def _queued(
    waiting: Waiting, claims: Iterable[Claimed], measured: Rates, planned: dict[str, TaskEstimate], left: Left
) -> None:
    """Plan queued and delayed tasks, as they are claimed, up to the first whose duration is unknown: what comes after
    it is unknown too."""
    for claimed in claims:
        pack = claimed.members
        info = pack[0].task.info
        step_s = measured.step_s(info)
        if step_s is None:
            return
        for waits in pack:
            if rates.steps_total(waits.task.info) <= 0:
                return
        begun_ts = claimed.ts + measured.overhead_s
        steps = [waits.steps for waits in pack]
        left.add(info, sum(steps))
        until_ts = begun_ts
        for waits, needed_s in zip(pack, pack_seconds(steps, step_s), strict=True):
            finish_ts = begun_ts + needed_s
            planned[waits.task.info.id] = TaskEstimate(claimed.ts, finish_ts, claimed.worker)
            until_ts = max(until_ts, finish_ts)
        waiting.train(claimed, until_ts)
