"""The checks of success criteria, each from the outcomes and its parameters to a judgement. Pure.

Losses of different alphas are not on one scale: loss = td_loss + alpha * cql_loss, so a smaller alpha lowers the loss
without a better network, and it lowers td_loss too, since it asks for less conservatism. Where configurations are
ranked, they are ranked within one alpha; where one figure over all alphas is asked for, the judgement names the alpha.
"""

import math
import statistics
from collections.abc import Callable, Iterable

from cqltui.campaign.outcomes import (
    ENDED,
    HIGHER_IS_BETTER,
    Judgement,
    Params,
    Scope,
    TaskOutcome,
    at_epoch,
    by_configuration,
    curve,
    final,
    mean_spread,
    rank,
    running_mean,
)

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
REDUCTIONS: dict[str, Callable[[Iterable[float]], float]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
}
"""Besides "best" and "worst", which know which way is better for the metric."""
LEAST_POINTS = 3
"""Measurements of a curve from which its end can be judged against its minimum."""


def all_done(scope: Scope, params: Params) -> Judgement:
    """Every task of the phase has a result."""
    done, wanted = len(scope.done), len(scope.phase.tasks)
    failed = [outcome for outcome in scope.own if outcome.status in {"dead", "cancelled"}]
    detail = f"{done} of {wanted} tasks done"
    if failed:
        first = failed[0]
        reason = f": {first.error.splitlines()[0]}" if first.error.strip() else ""
        return False, f"{detail}; {len(failed)} failed, first {first.task.title} ({first.status}{reason})"
    return (True, detail) if done >= wanted else (None, detail)


def metric(scope: Scope, params: Params) -> Judgement:
    """A metric, each task's last value, reduced over the phase's tasks and compared with a number."""
    name, how, operator = str(params["metric"]), str(params["reduce"]), str(params["op"])
    values = [(value, o) for o in scope.done if (value := final(o, name)) is not None]
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
    return OPERATORS[operator](value, limit), f"{how} {name} {value:.4f}{at}, wanted {operator} {limit:g}"


def still_falling(scope: Scope, params: Params) -> Judgement:
    """Training longer than `after_epoch` still lowered every task's loss, by at least the share `min_drop`.

    Compared are medians over a tenth of `after_epoch` epochs: those that end at it, and the last ones.
    """
    after, drops = int(params["after_epoch"]), []
    for outcome in scope.done:
        losses = curve(outcome, "loss")
        width = min(max(1, after // 10), len(losses) - after)
        if width > 0:
            before, end = statistics.median(losses[after - width : after]), statistics.median(losses[-width:])
            drop = (before - end) / before if before > 0 and math.isfinite(end) else -math.inf
            drops.append((drop, outcome))
    if not drops:
        return None, f"no task went past epoch {after:,}"
    least, slowest = min(drops, key=lambda pair: pair[0])
    most = max(drop for drop, _ in drops)
    detail = f"after epoch {after:,} the loss fell by {least:.1%} ({_name(slowest)}) to {most:.1%}"
    return least >= float(params["min_drop"]), f"{detail}, wanted at least {float(params['min_drop']):.1%}"


def smooth(scope: Scope, params: Params) -> Judgement:
    """Every task's roughness is at most `max_roughness`; see there."""
    values = [(roughness(curve(o, "loss"), float(params["window"])), o) for o in scope.done]
    measured = [(value, outcome) for value, outcome in values if value is not None]
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
    if not all(map(math.isfinite, losses)) or drop <= 0:
        return math.inf
    inner = losses[half : half + len(trend)]
    return math.sqrt(statistics.fmean((loss - mean) ** 2 for loss, mean in zip(inner, trend, strict=True))) / drop


def conclusive(scope: Scope, params: Params) -> Judgement:
    """Within an alpha, the best configuration beats the runner-up by more than the spread over seeds.

    The spread is the sample standard deviation of the metric over the seeds of one configuration in the phase
    `seeds_from`, read at the epoch at which the compared trainings end; the largest, if several configurations were
    repeated. Judged are the alphas at which a spread was measured, or all where none of those was. The gap of two
    single seeds has itself a standard deviation of sqrt(2) times the spread: a narrow yes is no more than a hint.
    """
    name, seeds_phase = str(params["metric"]), str(params["seeds_from"])
    repetitions = scope.of_phase(seeds_phase)
    if (ended := sum(outcome.status in ENDED for outcome in repetitions)) < len(repetitions):
        return None, f"the spread over seeds is not known yet: {ended} of {len(repetitions)} seeds have ended"
    epochs = max(outcome.task.trainer.epochs for outcome in scope.done)
    spreads: dict[float, float] = {}
    for config, repeated in by_configuration(o for o in repetitions if o.done).items():
        values = [value for o in repeated if (value := at_epoch(o, name, epochs)) is not None]
        if len(values) > 1 and all(map(math.isfinite, values)):
            spreads[config.alpha] = max(statistics.stdev(values), spreads.get(config.alpha, 0.0))
    if not spreads:
        return None, f"the spread over seeds is not known: phase {seeds_phase} has no two {name} of epoch {epochs:,}"
    ranked = _ranked_by_alpha(scope, name)
    judged = [alpha for alpha in ranked if alpha in spreads] or list(ranked)
    spread, results, details = max(spreads.values()), [], []
    for alpha in judged:
        if len(ranked[alpha]) < 2:
            continue
        (best, title), (second, other) = ranked[alpha][:2]
        gap = abs(second - best)  # NaN or inf where a training diverged: not conclusive
        results.append(math.isfinite(gap) and gap > spread)
        details.append(f"alpha {alpha:g}: {title} {name} {best:.4f}, then {other} {second:.4f}, gap {gap:.4f}")
    if not results:
        return None, "there are no two configurations of one alpha to compare"
    unjudged = ", ".join(f"{alpha:g}" for alpha in ranked if alpha not in judged)
    without = f"; alpha {unjudged} not judged: no seeds" if unjudged else ""
    return all(results), f"{'; '.join(details)}; spread over seeds {spread:.4f}{without}"


def _ranked_by_alpha(scope: Scope, name: str) -> dict[float, list[tuple[float, str]]]:
    """alpha -> (the metric's mean over seeds, architecture) of its configurations, the best first."""
    ranked: dict[float, list[tuple[float, str]]] = {}
    for config, repeated in by_configuration(scope.done).items():
        values = [value for o in repeated if (value := final(o, name)) is not None]
        if values:
            title = f"[{', '.join(map(str, config.hidden_dims))}]"
            ranked.setdefault(config.alpha, []).append((statistics.fmean(values), title))
    return {alpha: sorted(entries, key=lambda e: rank(e[0], name)) for alpha, entries in sorted(ranked.items())}


def alpha_sensitivity(scope: Scope, params: Params) -> Judgement:
    """The losses per alpha with their spread over the other settings. Informative: met when every alpha has figures."""
    alphas = sorted({task.trainer.alpha for task in scope.phase.tasks})
    if len(alphas) < 2:
        return None, "the phase has one alpha only"
    details, complete = [], True
    for alpha in alphas:
        group = [outcome for outcome in scope.done if outcome.task.trainer.alpha == alpha]
        complete &= bool(group)
        figures = [
            f"{name} {mean_spread(values)}"
            for name in ("loss", "td_loss", "val_loss")
            if (values := [value for o in group if (value := final(o, name)) is not None])
        ]
        details.append(f"alpha {alpha:g}: {', '.join(figures) or 'nothing done'}")
    return complete, "; ".join(details)


def no_overfitting(scope: Scope, params: Params) -> Judgement:
    """Every task's validation loss ends at most the share `max_rise` above its minimum."""
    limit, rises = float(params["max_rise"]), []
    for outcome in scope.done:
        losses = curve(outcome, "val_loss")
        if len(losses) >= LEAST_POINTS:  # the end of fewer can hardly lie above their minimum
            lowest, end = min(losses), losses[-1]
            rise = (end - lowest) / lowest if lowest > 0 and math.isfinite(end) else math.inf if end != lowest else 0.0
            rises.append((rise, outcome))
    if not rises:
        return None, f"val_loss was not measured {LEAST_POINTS} times in any task"
    within = sum(rise <= limit for rise, _ in rises)
    worst, outcome = max(rises, key=lambda pair: pair[0])
    epoch = min((m.val_loss, m.epoch) for m in outcome.metrics if m.val_loss is not None)[1]
    detail = f"{within} of {len(rises)} tasks end within {limit:.0%} of their lowest validation loss"
    return within == len(rises), f"{detail}; largest rise {worst:.1%} since epoch {epoch:,} ({_name(outcome)})"


def ensemble_diversity(scope: Scope, params: Params) -> Judgement:
    """The members disagree: their standard deviation of Q, mean over held-out rows and actions, is above `above`."""
    members = [outcome.q_heldout for outcome in scope.done if outcome.q_heldout is not None]
    if len(members) < 2 or any(q.shape != members[0].shape for q in members):
        return None, f"Q of the same held-out rows is known of {len(members)} members; it needs two or more"
    # Counted from the first member, so that members that are equal give exactly 0, without rounding.
    shifts = [q.astype(float) - members[0] for q in members]  # [N, A] each, as all below
    mean = sum(shifts, start=0 * shifts[0]) / len(members)
    variance = sum(((shift - mean) ** 2 for shift in shifts), start=0 * mean) / (len(members) - 1)
    spread = float((variance**0.5).mean())
    limit = float(params["above"])
    rows = members[0].shape[0]
    detail = f"std of Q {spread:.4f} over {len(members)} members (mean of {rows:,} held-out rows)"
    return spread > limit, f"{detail}, wanted > {limit:g}"


def needs_evaluation(scope: Scope, params: Params) -> Judgement:
    """A criterion on the held-out games' bets, which no training can answer."""
    return None, "not yet evaluated: needs the evaluation on held-out games"


def _name(outcome: TaskOutcome) -> str:
    trainer = outcome.task.trainer
    dims = ", ".join(map(str, trainer.hidden_dims))
    return f"{outcome.task.id or outcome.task.title}: alpha {trainer.alpha:g}, [{dims}], seed {trainer.seed}"


LOSSES = ("loss", "td_loss", "cql_loss", "val_loss", "val_td_loss", "val_cql_loss")
METRICS = (*LOSSES, "grad_norm", *sorted(HIGHER_IS_BETTER))
