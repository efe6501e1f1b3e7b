"""The checks of success criteria. Each has two halves, both pure: what it keeps of a task that is done, made once when
the task's result is accepted, and the judgement of its parameters and what is kept of all tasks.

Losses of different alphas are not on one scale: loss = td_loss + alpha * cql_loss, so a smaller alpha lowers the loss
without a better network, and it lowers td_loss too, since it asks for less conservatism. Where configurations are
ranked, they are ranked within one alpha; where one figure over all alphas is asked for, the judgement names the alpha.
"""

import math
import operator
import statistics
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from cqltui.campaign.model import TaskSpec
from cqltui.judging.conclusive import conclusive, last_and_curve
from cqltui.judging.evaluated import deployment_ready, no_leak, uncertainty_correlates
from cqltui.judging.outcomes import (
    Judgement,
    Left,
    Params,
    Scope,
    TaskOutcome,
    average,
    mean_spread,
    rank,
    running_mean,
)
from cqltui.judging.spread import q_deviation
from cqltui.state.model import FAILED

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
REDUCTIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": average,
    "median": statistics.median,
    "min": min,
    "max": max,
}
"""Besides "best" and "worst", which know which way is better for the metric."""
LEAST_POINTS = 3
"""Measurements of a curve from which its end can be judged against its minimum."""


class Judging(Struct, frozen=True):
    """How a check of `cqltui.campaign.criteria` is judged."""

    judge: Callable[[Scope, Params], Judgement]
    figure: Callable[[TaskSpec, Left, Params], Any] | None = None
    """What it keeps of a task that is done; None where the task has nothing to look at."""


def all_done(scope: Scope, params: Params) -> Judgement:
    """Every task of the phase has a result."""
    done, wanted = len(scope.done), len(scope.phase.tasks)
    failed = [outcome for outcome in scope.own if outcome.status in FAILED]
    detail = f"{done} of {wanted} tasks done"
    if failed:
        first = failed[0]
        reason = f": {first.error.splitlines()[0]}" if first.error.strip() else ""
        return False, f"{detail}; {len(failed)} failed, first {first.task.title} ({first.status}{reason})"
    return (True, detail) if done >= wanted else (None, detail)


def last_value(task: TaskSpec, left: Left, params: Params) -> float | None:
    """Of `metric`: the task's last value."""
    return left.final(params["metric"])


def metric(scope: Scope, params: Params) -> Judgement:
    """A metric, each task's last value, reduced over the phase's tasks and compared with a number."""
    name, how, compared = params["metric"], params["reduce"], params["op"]
    values: list[tuple[float, TaskOutcome]] = scope.figures()
    if not values:
        return None, f"{name} was not measured"
    at = ""
    if how in {"best", "worst"}:
        values.sort(key=lambda pair: rank(pair[0], name))
        value, outcome = values[0 if how == "best" else -1]
        at = f" ({_name(outcome)})"
    elif all(math.isfinite(value) for value, _ in values):
        value = REDUCTIONS[how]([value for value, _ in values])
    else:
        return False, f"{name} is not finite in some task"
    limit = float(params["value"])
    return OPERATORS[compared](value, limit), f"{how} {name} {value:.4f}{at}, wanted {compared} {limit:g}"


def drop_after(task: TaskSpec, left: Left, params: Params) -> float | None:
    """Of `still_falling`: the share by which the loss fell after `after_epoch`; None if the task did not get there.

    Compared are medians over a tenth of `after_epoch` epochs: those that end at it, and the last ones.
    """
    after, losses = int(params["after_epoch"]), left.curve("loss")
    width = min(max(1, after // 10), len(losses) - after)
    if width <= 0:
        return None
    before, end = statistics.median(losses[after - width : after]), statistics.median(losses[-width:])
    return (before - end) / before if 0 < before < math.inf and math.isfinite(end) else -math.inf


def still_falling(scope: Scope, params: Params) -> Judgement:
    """Training longer than `after_epoch` still lowered every task's loss, by at least the share `min_drop`."""
    after = int(params["after_epoch"])
    drops: list[tuple[float, TaskOutcome]] = scope.figures()
    if not drops:
        return None, f"no task went past epoch {after:,}"
    least, slowest = min(drops, key=lambda pair: pair[0])
    most = max(drop for drop, _ in drops)
    detail = f"after epoch {after:,} the loss fell by {least:.1%} ({_name(slowest)}) to {most:.1%}"
    return least >= float(params["min_drop"]), f"{detail}, wanted at least {float(params['min_drop']):.1%}"


def roughness_of(task: TaskSpec, left: Left, params: Params) -> float | None:
    """Of `smooth`: the roughness of the task's loss."""
    return roughness(left.curve("loss"), float(params["window"]))


def smooth(scope: Scope, params: Params) -> Judgement:
    """Every task's roughness is at most `max_roughness`; see there."""
    measured: list[tuple[float, TaskOutcome]] = scope.figures()
    if not measured:
        return None, "the curves are too short"
    worst, roughest = max(measured, key=lambda pair: pair[0])
    limit = float(params["max_roughness"])
    least = min(value for value, _ in measured)
    return worst <= limit, f"roughness {least:.1%} to {worst:.1%} ({_name(roughest)}), wanted at most {limit:.1%}"


def roughness(losses: list[float], window: float) -> float | None:
    """RMS distance of the losses from their centred running mean, as a share of the curve's whole drop.

    The mean runs over the share `window` of the epochs (3 at least): slower movement is trend, faster is roughness.
    The drop goes from the first loss to the last mean. A share of it, since losses of different alphas have different
    scales and noise matters against what the curve has to show; the square, since one spike is worse than even noise,
    but not the maximum, which one unlucky epoch would decide. The first and last half windows have no mean and are
    left out. None for less than 5 epochs; infinite where the loss did not fall, or is not finite.
    """
    if len(losses) < 5:
        return None
    half = max(1, round(len(losses) * window / 2))
    half = min(half, (len(losses) - 1) // 2)
    trend = running_mean(losses, half)
    drop = losses[0] - trend[-1]
    if not all(map(math.isfinite, losses)) or not 0 < drop < math.inf:  # NaN: sums beyond a float
        return math.inf
    inner = losses[half : half + len(trend)]
    return math.dist(inner, trend) / math.sqrt(len(trend)) / drop  # as the root of the mean square, for any floats


TOLD_BY_ALPHA = ("loss", "td_loss", "val_loss")


def last_losses(task: TaskSpec, left: Left, params: Params) -> tuple[float | None, ...]:
    """Of `alpha_sensitivity`: the last values of `TOLD_BY_ALPHA`."""
    return tuple(map(left.final, TOLD_BY_ALPHA))


def alpha_sensitivity(scope: Scope, params: Params) -> Judgement:
    """The losses per alpha with their spread over the other settings. Informative: met when every alpha has figures."""
    alphas = sorted({task.trainer.alpha for task in scope.phase.tasks})
    if len(alphas) < 2:
        return None, "the phase has one alpha only"
    figures: list[tuple[tuple[float | None, ...], TaskOutcome]] = scope.figures()
    details, complete = [], True
    for alpha in alphas:
        group = [last for last, outcome in figures if outcome.task.trainer.alpha == alpha]
        complete &= bool(group)
        told = [
            f"{name} {mean_spread(values)}"
            for index, name in enumerate(TOLD_BY_ALPHA)
            if (values := [value for last in group if (value := last[index]) is not None])
        ]
        details.append(f"alpha {alpha:g}: {', '.join(told) or 'nothing done'}")
    return complete, "; ".join(details)


def rise_since(task: TaskSpec, left: Left, params: Params) -> tuple[float, int] | None:
    """Of `no_overfitting`: the share by which the validation loss ends above its minimum, and the minimum's epoch."""
    points = left.points("val_loss")
    if len(points) < LEAST_POINTS:  # the end of fewer can hardly lie above their minimum
        return None
    losses = [loss for _, loss in points]
    lowest, end = min(losses), losses[-1]
    rise = (end - lowest) / lowest if lowest > 0 and math.isfinite(end) else math.inf if end != lowest else 0.0
    return rise, min((loss, epoch) for epoch, loss in points)[1]


def no_overfitting(scope: Scope, params: Params) -> Judgement:
    """Every task's validation loss ends at most the share `max_rise` above its minimum."""
    limit = float(params["max_rise"])
    rises: list[tuple[tuple[float, int], TaskOutcome]] = scope.figures()
    if not rises:
        return None, f"val_loss was not measured {LEAST_POINTS} times in any task"
    within = sum(rise <= limit for (rise, _), _ in rises)
    (worst, epoch), outcome = max(rises, key=lambda pair: pair[0][0])
    detail = f"{within} of {len(rises)} tasks end within {limit:.0%} of their lowest validation loss"
    return within == len(rises), f"{detail}; largest rise {worst:.1%} since epoch {epoch:,} ({_name(outcome)})"


def q_values(task: TaskSpec, left: Left, params: Params) -> "npt.NDArray[np.floating] | None":
    """Of `ensemble_diversity`: Q of every action in every validation state, [N, A]."""
    return left.q_heldout


def ensemble_diversity(scope: Scope, params: Params) -> Judgement:
    """The members disagree: their standard deviation of Q, mean over validation rows and actions, is above `above`."""
    members: list[npt.NDArray[np.floating]] = [q for q, _ in scope.figures()]
    if len(members) < 2 or any(q.shape != members[0].shape for q in members):
        return None, f"Q of the same validation rows is known of {len(members)} members; it needs two or more"
    spread = float(q_deviation(members).mean())
    limit = float(params["above"])
    rows = members[0].shape[0]
    detail = f"std of Q {spread:.4f} over {len(members)} members (mean of {rows:,} validation rows)"
    return spread > limit, f"{detail}, wanted > {limit:g}"


def _name(outcome: TaskOutcome) -> str:
    return f"{outcome.task.id or outcome.task.title}: {outcome.task.algorithm.title(outcome.task.trainer)}"


JUDGINGS: dict[str, Judging] = {
    "all_done": Judging(all_done),
    "metric": Judging(metric, last_value),
    "still_falling": Judging(still_falling, drop_after),
    "smooth": Judging(smooth, roughness_of),
    "conclusive": Judging(conclusive, last_and_curve),
    "alpha_sensitivity": Judging(alpha_sensitivity, last_losses),
    "no_overfitting": Judging(no_overfitting, rise_since),
    "ensemble_diversity": Judging(ensemble_diversity, q_values),
    "no_leak": Judging(no_leak),
    "uncertainty_correlates": Judging(uncertainty_correlates),
    "deployment_ready": Judging(deployment_ready),
}
"""Name of a check in `cqltui.campaign.criteria.CHECKS` -> how it is judged."""
