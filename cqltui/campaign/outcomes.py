"""What the criteria look at: how each task ended, and the figures of its curve. Pure, and free of NumPy at run time."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from cqltui.campaign.model import Criterion, Phase, TaskSpec
from trainer.config import TrainerConfig
from trainer.progress import EpochMetrics

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DONE = "done"
ENDED = frozenset({DONE, "dead", "cancelled"})
HIGHER_IS_BETTER = frozenset({"q_mean", "samples_per_s"})
"""Of every other metric the lowest value is the best."""

ParamValue = str | float | int | bool
Params = Mapping[str, ParamValue]
Judgement = tuple[bool | None, str]
"""Whether the criterion is met (None: not yet evaluated), and the measured figures in one line."""


@dataclass(frozen=True, slots=True, eq=False)
class TaskOutcome:
    """How a task stands, for the criteria."""

    task: TaskSpec
    status: str
    """A value of `cqltui.state.model.Status`."""
    metrics: tuple[EpochMetrics, ...] = ()
    """One per epoch, in order."""
    q_heldout: "npt.NDArray[np.floating] | None" = None
    """[N, A]: Q of every action in every held-out state."""
    error: str = ""

    @property
    def done(self) -> bool:
        """Whether the task has ended with a result."""
        return self.status == DONE and bool(self.metrics)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A criterion, judged."""

    criterion: Criterion
    passed: bool | None
    """None: not yet evaluated."""
    detail: str
    """The measured figures in one line."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a check may look at."""

    phase: Phase
    outcomes: tuple[TaskOutcome, ...]
    """Of all phases."""

    def of_phase(self, name: str) -> tuple[TaskOutcome, ...]:
        """The outcomes of one phase."""
        return tuple(outcome for outcome in self.outcomes if outcome.task.phase == name)

    @property
    def own(self) -> tuple[TaskOutcome, ...]:
        """The outcomes of the criterion's phase."""
        return self.of_phase(self.phase.name)

    @property
    def done(self) -> tuple[TaskOutcome, ...]:
        """Those of the phase's outcomes that have a result."""
        return tuple(outcome for outcome in self.own if outcome.done)


def curve(outcome: TaskOutcome, metric: str, up_to_epoch: int | None = None) -> list[float]:
    """The metric's values in order of epochs, without the epochs that have none."""
    values = (getattr(entry, metric) for entry in outcome.metrics if up_to_epoch is None or entry.epoch <= up_to_epoch)
    return [value for value in values if value is not None]


def final(outcome: TaskOutcome, metric: str, up_to_epoch: int | None = None) -> float | None:
    """The metric's last value, or None if it was never measured."""
    values = curve(outcome, metric, up_to_epoch)
    return values[-1] if values else None


def at_epoch(outcome: TaskOutcome, metric: str, epoch: int) -> float | None:
    """The metric's value at exactly that epoch, or None if it was not measured there."""
    values = [getattr(entry, metric) for entry in outcome.metrics if entry.epoch == epoch]
    return values[0] if values else None


def rank(value: float, metric: str) -> float:
    """A key that sorts the best value first and what is not a number (a training that diverged) last."""
    if not math.isfinite(value):
        return math.inf
    return -value if metric in HIGHER_IS_BETTER else value


def configuration(task: TaskSpec) -> TrainerConfig:
    """The task's settings but for the seed: tasks that differ in their seed alone repeat one configuration."""
    return replace(task.trainer, seed=0)


def by_configuration(outcomes: Iterable[TaskOutcome]) -> dict[TrainerConfig, list[TaskOutcome]]:
    """Repetitions of each configuration, in the order of the first."""
    groups: dict[TrainerConfig, list[TaskOutcome]] = {}
    for outcome in outcomes:
        groups.setdefault(configuration(outcome.task), []).append(outcome)
    return groups


def mean_spread(values: Sequence[float]) -> str:
    """`0.0949 ± 0.0012` (mean and sample standard deviation), the latter only of two values or more."""
    if not all(map(math.isfinite, values)):
        return "not finite"
    mean = f"{statistics.fmean(values):.4f}"
    return f"{mean} ± {statistics.stdev(values):.4f}" if len(values) > 1 else mean


def running_mean(values: Sequence[float], half_width: int) -> list[float]:
    """Centred means over 2 * half_width + 1 values; the first and last half_width positions have none."""
    sums = [0.0, *accumulate(values)]
    width = 2 * half_width + 1
    return [(sums[end] - sums[end - width]) / width for end in range(width, len(sums))]
