"""From how the tasks ended to the verdicts. A criterion that fails is a result."""

from collections.abc import Mapping, Sequence
from typing import Any

from cqltui.campaign.asked import params_of, phase_names
from cqltui.campaign.criteria import CHECKS
from cqltui.campaign.model import Asked, Campaign, Criterion, Phase, TaskSpec
from cqltui.judging.answers import ANSWERINGS
from cqltui.judging.checks import JUDGINGS
from cqltui.judging.outcomes import Left, Scope, TaskOutcome
from cqltui.state.described import Verdict
from cqltui.state.model import ENDED


def watching(campaign: Campaign) -> dict[str, tuple[Asked, ...]]:
    """Phase name -> what is asked of its tasks: by its own criteria and questions, and by those of others that name
    it."""
    return {
        phase.name: tuple(
            asked
            for other in campaign.phases
            for asked in other.asked
            if other is phase or phase.name in (name for _, name in phase_names(asked))
        )
        for phase in campaign.phases
    }


def figures(wanted: Sequence[Asked], task: TaskSpec, left: Left) -> dict[Asked, Any]:
    """Return what criteria and questions need of a task that is done. It takes the place of the task's curves: they are
    looked at here only, once for each accepted result."""
    made: dict[Asked, Any] = {}
    for asked in wanted:
        how = JUDGINGS[asked.check] if isinstance(asked, Criterion) else ANSWERINGS[asked.answer]
        if how.figure is not None:
            made[asked] = how.figure(task, left, params_of(asked))
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
