"""Success criteria: the table of checks with their parameters, and the verdicts. A criterion that fails is a result."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cqltui.campaign import checks
from cqltui.campaign.model import Campaign, Criterion, Phase
from cqltui.campaign.outcomes import ENDED, Judgement, Params, ParamValue, Scope, TaskOutcome, Verdict
from cqltui.fields import Reader, choice, integer, number, text

__all__ = ["CHECKS", "REQUIRED", "Check", "Param", "TaskOutcome", "Verdict", "evaluate", "evaluate_all", "phase_names"]

REQUIRED: Final = object()
"""In place of a default: the file has to give the parameter."""


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a check."""

    read: Reader
    default: Any = REQUIRED
    counts_epochs: bool = False
    """Scaled together with the trainings by epochs_scale."""
    names_phase: bool = False
    """The value has to be the name of a phase."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a check does, and its parameters by name."""

    judge: Callable[[Scope, Params], Judgement]
    params: Mapping[str, Param] = field(default_factory=dict)
    early: bool = False
    """Whether it has something to say before all tasks have ended."""


SHARE = number("a share from 0 to 1", lambda value: 0 <= value <= 1)
FINITE = number("a finite number", lambda value: True)

CHECKS: dict[str, Check] = {
    "all_done": Check(checks.all_done, early=True),
    "metric": Check(
        checks.metric,
        {
            "metric": Param(choice(*checks.METRICS)),
            "reduce": Param(choice("best", "worst", *checks.REDUCTIONS), "best"),
            "op": Param(choice(*checks.OPERATORS)),
            "value": Param(FINITE),
        },
    ),
    "still_falling": Check(
        checks.still_falling,
        {"after_epoch": Param(integer(1, 10**9), counts_epochs=True), "min_drop": Param(SHARE, 0.01)},
    ),
    "smooth": Check(checks.smooth, {"max_roughness": Param(SHARE, 0.05), "window": Param(SHARE, 0.05)}),
    "conclusive": Check(
        checks.conclusive,
        {"metric": Param(choice(*checks.LOSSES), "val_loss"), "seeds_from": Param(text(), names_phase=True)},
    ),
    "alpha_sensitivity": Check(checks.alpha_sensitivity),
    "no_overfitting": Check(checks.no_overfitting, {"max_rise": Param(SHARE, 0.1)}),
    "ensemble_diversity": Check(checks.ensemble_diversity, {"above": Param(FINITE, 0.0)}),
    "uncertainty_correlates": Check(checks.needs_evaluation, {"min_correlation": Param(SHARE, 0.1)}, early=True),
    "deployment_ready": Check(
        checks.needs_evaluation, {"keep_share": Param(SHARE, 0.2), "min_win_rate": Param(SHARE, 0.53)}, early=True
    ),
}


def evaluate(criterion: Criterion, phase: Phase, outcomes: Sequence[TaskOutcome]) -> Verdict:
    """Judge one criterion of `phase`. `outcomes` are those of all phases: some checks look beyond their own."""
    check = CHECKS[criterion.check]
    scope = Scope(phase, tuple(outcomes))
    ended = sum(outcome.status in ENDED for outcome in scope.own)
    if not check.early and ended < len(phase.tasks):
        return Verdict(criterion, None, f"not yet evaluated: {ended} of {len(phase.tasks)} tasks have ended")
    if not check.early and not scope.done:
        return Verdict(criterion, None, "not yet evaluated: no task is done")
    params: dict[str, ParamValue] = dict(criterion.params)
    passed, detail = check.judge(scope, params)
    if not check.early and len(scope.done) < len(phase.tasks):
        detail += f"; judged from {len(scope.done)} of {len(phase.tasks)} tasks"
    return Verdict(criterion, passed, detail)


def evaluate_all(campaign: Campaign, outcomes: Sequence[TaskOutcome]) -> dict[str, tuple[Verdict, ...]]:
    """Phase name -> the verdicts on its criteria, in the order of the file."""
    return {
        phase.name: tuple(evaluate(criterion, phase, outcomes) for criterion in phase.criteria)
        for phase in campaign.phases
    }


def phase_names(criterion: Criterion) -> list[tuple[str, str]]:
    """(parameter, value) of the criterion's parameters that name a phase."""
    known = CHECKS[criterion.check].params
    return [(name, str(value)) for name, value in criterion.params if known[name].names_phase]
