"""What criteria and answers look at: how each task ended, and what is kept of it. Free of NumPy at run time."""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from cqltui.campaign.criteria import HIGHER_IS_BETTER
from cqltui.campaign.model import Asked, Phase, TaskSpec
from cqltui.state.model import Status
from trainer.config import TrainerConfig
from trainer.progress import EpochMetrics

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Params = Mapping[str, Any]
"""Name -> `ParamValue`, of the type that the check declares."""
Judgement = tuple[bool | None, str]
"""Whether the criterion is met (None: not yet evaluated), and the measured figures in one line."""


class Answer(Struct, frozen=True):
    """The figures that answer a question."""

    lines: tuple[str, ...]
    """For people; where nothing can be computed, why not."""
    figures: Mapping[str, Any] | None = None
    """As JSON has them: what is no number is None. None: nothing can be computed."""


class Left:
    """What a finished task has left, read when a check asks for it."""

    def __init__(
        self,
        metrics: Callable[[], tuple[EpochMetrics, ...]],
        q_heldout: "Callable[[], npt.NDArray[np.floating] | None]" = lambda: None,
        seconds: float | None = None,
    ) -> None:
        """`metrics`: one per epoch, in order. `q_heldout`: [N, A], Q of every action in every validation state.
        `seconds`: of training, over all epochs."""
        self._read_metrics = metrics
        self._read_q_heldout = q_heldout
        self.seconds = seconds

    @cached_property
    def metrics(self) -> tuple[EpochMetrics, ...]:
        """One per epoch, in order."""
        return self._read_metrics()

    @cached_property
    def q_heldout(self) -> "npt.NDArray[np.floating] | None":
        """[N, A]: Q of every action in every validation state, or None if it is not known."""
        return self._read_q_heldout()

    def curve(self, metric: str) -> list[float]:
        """Return the metric's values in order of epochs, without the epochs that have none."""
        return [value for _, value in self.points(metric)]

    def points(self, metric: str) -> list[tuple[int, float]]:
        """Return (epoch, value) of the epochs at which the metric was measured."""
        values = ((entry.epoch, getattr(entry, metric)) for entry in self.metrics)
        return [(epoch, value) for epoch, value in values if value is not None]

    def last(self, metric: str) -> tuple[int, float] | None:
        """Return (epoch, value) of the last epoch at which the metric was measured, or None if it never was."""
        values = ((entry.epoch, getattr(entry, metric)) for entry in reversed(self.metrics))
        return next(((epoch, value) for epoch, value in values if value is not None), None)

    def final(self, metric: str) -> float | None:
        """Return the metric's last value, or None if it was never measured."""
        found = self.last(metric)
        return None if found is None else found[1]


class TaskOutcome(Struct, frozen=True, eq=False):
    """How a task stands, for criteria and answers."""

    task: TaskSpec
    status: Status
    figures: Mapping[Asked, Any] | None = None
    """Of a task with a result: what each criterion and question that looks at it needs of it."""
    error: str = ""

    @property
    def done(self) -> bool:
        """Whether the task has ended with a result."""
        return self.status is Status.DONE and self.figures is not None


class Scope(Struct, frozen=True):
    """What a check or an answer may look at."""

    asked: Asked
    phase: Phase
    outcomes: Mapping[str, Sequence[TaskOutcome]]
    """Phase name -> its outcomes, in the order of the file."""
    evaluation: Mapping[str, Any] | None = None
    """evaluation.json of these very results, on the test rows (docs/evaluation.md); None where there is none."""
    state_dim: int = 0
    """Features of a state, on which the size of a network depends."""

    @property
    def own(self) -> Sequence[TaskOutcome]:
        """The outcomes of the phase that asks."""
        return self.outcomes.get(self.phase.name, ())

    @property
    def done(self) -> list[TaskOutcome]:
        """Those of the phase's outcomes that have a result."""
        return [outcome for outcome in self.own if outcome.done]

    def figures(self, phase: str = "") -> list[tuple[Any, TaskOutcome]]:
        """Return what is kept of each task that has a result, where something is; of the own phase or another."""
        found = self.outcomes.get(phase, ()) if phase else self.own
        asked = self.asked
        return [
            (figure, outcome)
            for outcome in found
            if outcome.status is Status.DONE
            and outcome.figures is not None
            and (figure := outcome.figures.get(asked)) is not None
        ]


def rank(value: float, metric: str) -> float:
    """Return a key that sorts the best value first, and what is not a number (training that diverged) last."""
    if not math.isfinite(value):
        return math.inf
    return -value if metric in HIGHER_IS_BETTER else value


_BUT_FOR_SEED = attrgetter(*(name for name in TrainerConfig.__struct_fields__ if name != "seed"))


def by_configuration(figures: Iterable[tuple[Any, TaskOutcome]]) -> dict[TrainerConfig, list[Any]]:
    """Return the figures of each configuration's repetitions, in the order of the first: tasks that differ in their
    seed alone repeat one configuration, whose seed is 0 here."""
    groups: dict[Any, tuple[TrainerConfig, list[Any]]] = {}
    for figure, outcome in figures:
        key = _BUT_FOR_SEED(outcome.task.trainer)
        if key not in groups:
            groups[key] = replace(outcome.task.trainer, seed=0), []
        groups[key][1].append(figure)
    return dict(groups.values())


def average(values: Sequence[float]) -> float:
    """Return the mean of any floats, at least one: infinite or NaN where it is beyond them, as `statistics.fmean` is
    not."""
    try:
        return statistics.fmean(values)
    except (OverflowError, ValueError):  # the latter: inf and -inf
        return sum(value / len(values) for value in values)


def deviation(values: Sequence[float]) -> float:
    """Return the sample standard deviation of finite floats, two at least: infinite where it is beyond them."""
    try:
        return statistics.stdev(values)
    except OverflowError:
        return math.inf


def mean_spread(values: Sequence[float]) -> str:
    """Return `0.0949 ± 0.0012` (mean and sample standard deviation), the latter only of two values or more."""
    if not all(map(math.isfinite, values)):
        return "not finite"
    mean = f"{average(values):.4f}"
    return f"{mean} ± {deviation(values):.4f}" if len(values) > 1 else mean


def running_mean(values: Sequence[float], half_width: int) -> list[float]:
    """Centred means over 2 * half_width + 1 values; the first and last half_width positions have none."""
    sums = [0.0, *accumulate(values)]
    width = 2 * half_width + 1
    return [(sums[end] - sums[end - width]) / width for end in range(width, len(sums))]
