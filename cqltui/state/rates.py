"""How long a training step takes a worker, per shape, from what the run itself has measured. Pure.

Tasks of one claim train as a pack, as one batched network, so each of them reports the step time of all. What is
measured is therefore the worker's time per member's step: the pack's time over the steps of all its members. That the
time grows with the members is the model's simplification; a member's share of a large pack is a little cheaper.
"""

from collections.abc import Iterable, Mapping
from statistics import fmean

from msgspec import Struct, field

from cqltui.state.model import Progress, Status, TaskInfo, TaskState

ClaimKey = tuple[str, float]
"""(worker, claimed_ts): the tasks of one claim, also those that have ended or paused since."""

HALF_LIFE_S = 600.0
"""A measurement this much older than the newest counts half, so that a machine that has become busy is noticed."""
FIXED_SHARE = 0.5
"""Assumed share of a step that does not grow with its FLOPs, while only one size of step was measured: about what
layer norm, the optimizer and the framework take of a small network's step on a CPU."""

LONGEST_OVERHEAD_S = 600.0

WARM_S = 60.0
"""Before its first whole epoch, and in so short a time, a pack tells more of its start than of its speed: the first
step compiles, or loads what was compiled."""

FASTEST_S, SLOWEST_S = 1e-8, 1e6
"""Seconds a step beyond which a report is nonsense."""


class Trained(Struct):
    """What a pack was seen to train since it was claimed."""

    info: TaskInfo
    """Of one of its members."""
    steps: int = 0
    """Of all members together."""
    seconds: float = 0.0
    """The worker's: those of the member that has trained longest."""
    ts: float = 0.0
    """When it last reported."""
    weight: float = 1.0
    """How much it counts beside the newest, which is 1; see `HALF_LIFE_S`."""


class Rates(Struct, frozen=True):
    """What is known of the speed of this run."""

    measured: Mapping[str, float]
    """By shape (`TaskInfo.shape`): seconds of a worker for a step of one member."""
    fixed_s: float
    """Model for shapes that were not measured: seconds/step = fixed_s + s_per_flop * step_flops."""
    s_per_flop: float
    overhead_s: float
    """Mean seconds of a claim beside its steps: loading data, first step, the handover of the result."""
    packs: Mapping[ClaimKey, Trained] = field(default_factory=dict)

    def step_s(self, info: TaskInfo) -> float | None:
        """Return the seconds of a worker for a step of such a task, or None while nothing tells."""
        return self.shape_s(info.shape, info.step_flops)

    def shape_s(self, shape: str, step_flops: int) -> float | None:
        """Return the same for a shape whose step has so many FLOPs."""
        known = self.measured.get(shape)
        if known is not None or not self.measured or step_flops <= 0:
            return known
        return self.fixed_s + self.s_per_flop * step_flops


def measure(tasks: Iterable[TaskState]) -> Rates:
    """Return the rates that the attempts of running, paused and ended tasks have shown."""
    told = [(task, task.measured) for task in tasks if task.live is not None or task.life.report is not None]
    reports = [(task, progress) for task, progress in told if progress is not None]
    packs = _trained(reports)
    newest = max((pack.ts for pack in packs.values()), default=0.0)
    for pack in packs.values():
        # Bounded, so that the weight of an old but only measurement does not vanish in rounding.
        pack.weight = 2.0 ** -min((newest - pack.ts) / HALF_LIFE_S, 100.0)
    return told_by([(pack, 1.0) for pack in packs.values()], _overhead_s(reports), packs)


def told_by(
    seen: Iterable[tuple[Trained, float]], overhead_s: float = 0.0, packs: Mapping[ClaimKey, Trained] | None = None
) -> Rates:
    """Return the rates that packs tell, each with the share of it that was seen."""
    sums: dict[str, tuple[float, float]] = {}
    flops: dict[str, int] = {}
    for pack, share in seen:
        shape, weight = pack.info.shape, pack.weight * share
        known_steps, known_s = sums.get(shape, (0.0, 0.0))
        sums[shape] = known_steps + weight * pack.steps, known_s + weight * pack.seconds
        flops[shape] = pack.info.step_flops
    measured = {shape: seconds / steps for shape, (steps, seconds) in sums.items()}
    fixed_s, s_per_flop = _fit([(flops[shape], measured[shape]) for shape in measured if flops[shape] > 0])
    return Rates(measured, fixed_s, s_per_flop, overhead_s, packs or {})


def claim_key(task: TaskState) -> ClaimKey:
    """Return the claim that the task is, or was last, a member of."""
    return task.life.worker or task.id, task.life.claimed_ts


def _trained(reports: Iterable[tuple[TaskState, Progress]]) -> dict[ClaimKey, Trained]:
    """Return what each claim has trained. A report of an attempt before the latest is left out: whom it was packed with
    is not known any more."""
    packs: dict[ClaimKey, Trained] = {}
    for task, progress in reports:
        steps = _steps_done(task.info, progress) - progress.resumed_epoch * task.info.epoch_steps
        if steps > 0 and (steps >= task.info.epoch_steps or progress.elapsed_s >= WARM_S):
            pack = packs.setdefault(claim_key(task), Trained(task.info))
            pack.steps += steps
            pack.seconds = max(pack.seconds, progress.elapsed_s)
            pack.ts = max(pack.ts, progress.ts)
    return {key: pack for key, pack in packs.items() if FASTEST_S < pack.seconds / pack.steps < SLOWEST_S}


def steps_total(info: TaskInfo) -> int:
    """Training steps of the whole task."""
    return info.epochs * info.epoch_steps


def _steps_done(info: TaskInfo, progress: Progress | None) -> int:
    """Training steps done, those of earlier attempts included."""
    if progress is None:
        return 0
    return min(max(progress.step, progress.epoch * info.epoch_steps), steps_total(info))


def steps_left(task: TaskState) -> int:
    """Training steps that are still to make."""
    if task.live is None and task.life.report is None:
        return steps_total(task.info)
    return steps_total(task.info) - _steps_done(task.info, task.progress)


def flops_left(task: TaskState) -> float:
    """FLOPs that are still to compute."""
    return float(task.info.step_flops) * steps_left(task)


def _overhead_s(reports: Iterable[tuple[TaskState, Progress]]) -> float:
    """Return the mean over done tasks; while there are none, over what the running ones took to begin.

    What seems to have taken very long is left out: the clock was set, or the machine slept.
    """
    whole, begun = [], []
    for task, progress in reports:
        life = task.life
        if life.status is Status.RUNNING:
            begun.append(max(0.0, progress.ts - progress.elapsed_s - life.claimed_ts))
        # A report that misses the end would make training look like overhead.
        elif life.status is Status.DONE and progress.epoch >= task.epochs_total:
            whole.append(max(0.0, life.finished_ts - progress.elapsed_s - life.claimed_ts))
    return fmean(_likely(whole) or _likely(begun) or [0.0])


def _likely(overheads: list[float]) -> list[float]:
    return [seconds for seconds in overheads if seconds <= LONGEST_OVERHEAD_S]


def _fit(points: list[tuple[int, float]]) -> tuple[float, float]:
    """Return (fixed_s, s_per_flop), both >= 0: least squares of the relative error over (step_flops, seconds/step)."""
    if not points:
        return 0.0, 0.0
    # With weights 1/y^2, in u = 1/y and v = flops/y: minimise sum (1 - fixed_s u - s_per_flop v)^2.
    uv = [(1 / y, f / y) for f, y in points]
    uu, vv, cross = sum(u * u for u, _ in uv), sum(v * v for _, v in uv), sum(u * v for u, v in uv)
    su, sv = sum(u for u, _ in uv), sum(v for _, v in uv)
    determinant = uu * vv - cross * cross
    if determinant <= 1e-9 * uu * vv:  # one size only
        return FIXED_SHARE * su / uu, (1 - FIXED_SHARE) * sv / vv
    fixed_s = (su * vv - sv * cross) / determinant
    s_per_flop = (sv * uu - su * cross) / determinant
    if fixed_s < 0:
        return 0.0, sv / vv
    if s_per_flop < 0:
        return su / uu, 0.0
    return fixed_s, s_per_flop
