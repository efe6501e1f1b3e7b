"""The check `conclusive`: is the best configuration better than the runner-up by more than chance would make it?"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from cqltui.algorithms.base import settings_title
from cqltui.campaign.model import TaskSpec
from cqltui.judging.outcomes import Judgement, Left, Params, Scope, average, by_configuration, rank
from cqltui.judging.spread import Kept, kept_of, spread_at
from cqltui.state.model import ENDED
from trainer.config import TrainerConfig

Group = tuple[Any, ...]
"""The values of the settings within which configurations are ranked."""


def last_and_curve(task: TaskSpec, left: Left, params: Params) -> Kept:
    """Return what `conclusive` keeps of the task."""
    return kept_of(task, left, params["metric"], params["seeds_from"])


def conclusive(scope: Scope, params: Params) -> Judgement:
    """Within each value of the settings `within`, the best configuration beats the runner-up by more than the spread
    over seeds.

    The spread is the sample standard deviation of the metric over the seeds of one configuration in the phase
    `seeds_from`, read where it was measured nearest to the epoch at which the compared tasks end; the largest, if
    several configurations were repeated. Judged are the values of `within` at which a spread was measured, or all where
    none of those was. The gap of two single seeds has itself a standard deviation of sqrt(2) times the spread: a narrow
    yes is no more than a hint.
    """
    name, seeds_phase, within = params["metric"], params["seeds_from"], tuple(params["within"])
    repetitions = scope.outcomes.get(seeds_phase, ())
    if (ended := sum(outcome.status in ENDED for outcome in repetitions)) < len(repetitions):
        return None, f"the spread over seeds is not known yet: {ended} of {len(repetitions)} seeds have ended"
    epochs = max(outcome.task.trainer.epochs for outcome in scope.done)
    spreads: dict[Group, float] = {}
    read_at: set[int] = set()
    for config, repeated in by_configuration(scope.figures(seeds_phase)).items():
        if (found := spread_at(repeated, epochs)) is not None:
            group = _group(config, within)
            spreads[group] = max(found.value, spreads.get(group, 0.0))
            read_at.add(found.epoch)
    if not spreads:
        missing = f"no two seeds of phase {seeds_phase} have a {name} at epoch {epochs:,}"
        return None, f"the spread over seeds is not known: {missing}"
    ranked = _ranked(scope, name, within)
    judged = [group for group in ranked if group in spreads] or list(ranked)
    spread, results, details = max(spreads.values()), [], []
    for group in judged:
        if len(ranked[group]) < 2:
            continue
        (best, title), (second, other) = ranked[group][:2]
        gap = abs(second - best)  # NaN or inf where training diverged: not conclusive
        results.append(math.isfinite(gap) and gap > spread)
        where = f"{_label(within, [group])}: " if within else ""
        details.append(f"{where}{title} {name} {best:.4f}, then {other} {second:.4f}, gap {gap:.4f}")
    if not results:
        of_one = f" of one {' and '.join(within)}" if within else ""
        return None, f"there are no two configurations{of_one} to compare"
    unjudged = [group for group in ranked if group not in judged]
    without = f"; {_label(within, unjudged)} not judged: no seeds" if unjudged else ""
    where = "" if read_at == {epochs} else f" (at {_epochs(read_at)}, compared with values of epoch {epochs:,})"
    return all(results), f"{'; '.join(details)}; spread over seeds {spread:.4f}{where}{without}"


def _ranked(scope: Scope, name: str, within: Sequence[str]) -> dict[Group, list[tuple[float, str]]]:
    """Group -> (the metric's mean over seeds, title) of its configurations, the best first."""
    configurations = by_configuration(scope.figures())
    varying = [
        name
        for name in TrainerConfig.__struct_fields__
        if name not in within and len({getattr(config, name) for config in configurations}) > 1
    ]
    ranked: dict[Group, list[tuple[float, str]]] = {}
    for config, repeated in configurations.items():
        values = [kept.last for kept in repeated if kept.last is not None]
        if values:
            title = settings_title({setting: getattr(config, setting) for setting in varying})
            ranked.setdefault(_group(config, within), []).append((average(values), title))
    return {group: sorted(entries, key=lambda e: rank(e[0], name)) for group, entries in sorted(ranked.items())}


def _group(config: TrainerConfig, within: Sequence[str]) -> Group:
    return tuple(getattr(config, setting) for setting in within)


def _label(within: Sequence[str], groups: Sequence[Group]) -> str:
    """Return `alpha 0.2, 0.3`, or of several settings `alpha 0.2, gamma 0.9; alpha 0.3, gamma 0.9`."""
    labels = [settings_title(dict(zip(within, group, strict=True))) for group in groups]
    if len(within) == 1:
        prefix = f"{within[0]} "
        return ", ".join([labels[0], *(label.removeprefix(prefix) for label in labels[1:])])
    return "; ".join(labels)


def _epochs(numbers: Iterable[int]) -> str:
    listed = [f"{number:,}" for number in sorted(numbers)]
    return f"{'epoch' if len(listed) == 1 else 'epochs'} {' and '.join(listed)}"
