"""How long a training step takes, per architecture, from what the run itself has measured. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from cqltui.state.model import Status, TaskInfo, TaskState

Architecture = tuple[tuple[int, ...], int]
"""(hidden_dims, batch_size): what decides the cost of a step."""

HALF_LIFE_S = 600.0
"""A measurement this much older than the newest counts half, so that a machine that has become busy is noticed."""
FIXED_SHARE = 0.5
"""Assumed share of a step that does not grow with its FLOPs, while only one size of step was measured: about what
layer norm, the optimizer and the framework take of a small network's step on a CPU."""

FASTEST_S, SLOWEST_S = 1e-8, 1e6
"""Seconds a step beyond which a report is nonsense."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What is known of the speed of this run."""

    measured: dict[Architecture, float]
    """Seconds a step."""
    fixed_s: float
    """Model for architectures that were not measured: seconds/step = fixed_s + s_per_flop * step_flops."""
    s_per_flop: float
    task_overhead_s: float
    """Mean seconds of a task beside its steps: loading data, first step, the handover of the result."""

    def step_s(self, info: TaskInfo) -> float | None:
        """Seconds a step of such a task, or None while nothing tells."""
        known = self.measured.get((info.hidden_dims, info.batch_size))
        if known is not None or not self.measured or info.step_flops <= 0:
            return known
        return self.fixed_s + self.s_per_flop * info.step_flops


def measure(tasks: Iterable[TaskState]) -> Rates:
    """The rates that the attempts of running and ended tasks have shown."""
    attempts = [(task, *done) for task in tasks if (done := attempt_steps(task)) is not None]
    newest = max((task.progress.ts for task, _, _ in attempts if task.progress), default=0.0)
    sums: dict[Architecture, tuple[float, float]] = {}
    flops: dict[Architecture, int] = {}
    for task, steps, seconds in attempts:
        architecture = task.info.hidden_dims, task.info.batch_size
        age_s = newest - task.progress.ts if task.progress else 0.0
        # Bounded, so that the weight of an old but only measurement does not vanish in rounding.
        weight = 2.0 ** -min(age_s / HALF_LIFE_S, 100.0)
        known_steps, known_s = sums.get(architecture, (0.0, 0.0))
        sums[architecture] = known_steps + weight * steps, known_s + weight * seconds
        flops[architecture] = task.info.step_flops
    measured = {architecture: seconds / steps for architecture, (steps, seconds) in sums.items()}
    fixed_s, s_per_flop = _fit([(flops[a], measured[a]) for a in measured if flops[a] > 0])
    return Rates(measured, fixed_s, s_per_flop, _overhead_s(task for task, _, _ in attempts))


def attempt_steps(task: TaskState) -> tuple[int, float] | None:
    """(steps, seconds) that the task's latest attempt was seen to train for; None if it has not finished a step."""
    progress = task.progress
    if progress is None:
        return None
    steps = steps_done(task) - progress.resumed_epoch * task.info.epoch_steps
    if steps <= 0 or not FASTEST_S < progress.elapsed_s / steps < SLOWEST_S:
        return None
    return steps, progress.elapsed_s


def steps_total(info: TaskInfo) -> int:
    """Training steps of the whole task."""
    return info.epochs * info.epoch_steps


def steps_done(task: TaskState) -> int:
    """Training steps done, those of earlier attempts included."""
    if task.progress is None:
        return 0
    return min(max(task.progress.step, task.progress.epoch * task.info.epoch_steps), steps_total(task.info))


def _overhead_s(tasks: Iterable[TaskState]) -> float:
    """The mean over done tasks; while there are none, over what the running ones took to begin."""
    whole, begun = [], []
    for task in tasks:
        progress, life = task.progress, task.life
        if progress is None or progress.token != life.token:
            continue
        if life.status is Status.RUNNING:
            begun.append(max(0.0, progress.ts - progress.elapsed_s - life.claimed_ts))
        # A report that misses the end would make training look like overhead.
        elif life.status is Status.DONE and progress.epoch >= task.info.epochs:
            whole.append(max(0.0, life.finished_ts - progress.elapsed_s - life.claimed_ts))
    return fmean(whole or begun or [0.0])


def _fit(points: list[tuple[int, float]]) -> tuple[float, float]:
    """(fixed_s, s_per_flop), both >= 0: least squares of the relative error over (step_flops, seconds/step)."""
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
