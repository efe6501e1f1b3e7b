"""From how the tasks ended to the verdicts. A criterion that fails is a result."""

from collections.abc import Mapping, Sequence
from typing import Any

from cqltui.campaign.criteria import CHECKS, params_of, phase_names
from cqltui.campaign.model import Campaign, Criterion, Phase, TaskSpec
from cqltui.judging.checks import JUDGINGS
from cqltui.judging.outcomes import Left, Scope, TaskOutcome
from cqltui.state.model import ENDED, Verdict


def watching(campaign: Campaign) -> dict[str, tuple[Criterion, ...]]:
    """Phase name -> the criteria that look at its tasks: its own, and those of other phases that name it."""
    return {
        phase.name: tuple(
            criterion
            for other in campaign.phases
            for criterion in other.criteria
            if other is phase or phase.name in (name for _, name in phase_names(criterion))
        )
        for phase in campaign.phases
    }


def figures(criteria: Sequence[Criterion], task: TaskSpec, left: Left) -> dict[Criterion, Any]:
    """Return what the criteria need of a task that is done. It takes the place of the task's curves: they are looked at
    here only, once for each accepted result."""
    made = {}
    for criterion in criteria:
        if (figure := JUDGINGS[criterion.check].figure) is not None:
            made[criterion] = figure(task, left, params_of(criterion))
    return made


def evaluate(
    criterion: Criterion,
    phase: Phase,
    outcomes: Mapping[str, Sequence[TaskOutcome]],
    evaluation: Mapping[str, Any] | None = None,
) -> Verdict:
    """Judge one criterion of `phase`. `outcomes` by phase, of all of them: some checks look beyond their own;
    `evaluation` as of `Scope`."""
    check, scope = CHECKS[criterion.check], Scope(criterion, phase, outcomes, evaluation)

    def verdict(passed: bool | None, detail: str) -> Verdict:
        return Verdict(criterion.text, passed, detail, criterion.check)

    ended, done = sum(outcome.status in ENDED for outcome in scope.own), len(scope.done)
    if not check.early and ended < len(phase.tasks):
        return verdict(None, f"not yet evaluated: {ended} of {len(phase.tasks)} tasks have ended")
    if not check.early and not done:
        return verdict(None, "not yet evaluated: no task is done")
    passed, detail = JUDGINGS[criterion.check].judge(scope, params_of(criterion))
    if not check.early and done < len(phase.tasks):
        detail += f"; judged from {done} of {len(phase.tasks)} tasks"
    return verdict(passed, detail)


def evaluate_all(
    campaign: Campaign, outcomes: Sequence[TaskOutcome], evaluation: Mapping[str, Any] | None = None
) -> dict[str, tuple[Verdict, ...]]:
    """Phase name -> the verdicts on its criteria, in the order of the file. `evaluation` as of `Scope`."""
    by_phase: dict[str, list[TaskOutcome]] = {}
    for outcome in outcomes:
        by_phase.setdefault(outcome.task.phase, []).append(outcome)
    return {
        phase.name: tuple(evaluate(criterion, phase, by_phase, evaluation) for criterion in phase.criteria)
        for phase in campaign.phases
    }
