"""The figures that answer a phase's questions. As a check, an answer has two halves, both pure: what it keeps of a task
that is done, and the figures by what is kept of all. It states numbers and draws no conclusion from them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from cqltui.campaign.asked import declared, params_of
from cqltui.campaign.model import Campaign, Phase, Question, TaskSpec
from cqltui.judging.architectures import architectures
from cqltui.judging.certainty import confident, member_of, q_spread, uncertainty
from cqltui.judging.comparing import ended_at, setting
from cqltui.judging.outcomes import Answer, Left, Params, Scope, TaskOutcome
from cqltui.judging.trajectories import best_loss, convergence, reached_of, trajectory_of


class Answering(Struct, frozen=True):
    """How an answer of `cqltui.campaign.answers` is computed."""

    answer: Callable[[Scope, Params], Answer]
    figure: Callable[[TaskSpec, Left, Params], Any] | None = None
    """What it keeps of a task that is done; None where the task has nothing to look at."""


class Answered(Struct, frozen=True):
    """A question with its answer."""

    phase: str
    question: Question
    answer: Answer


ANSWERINGS: dict[str, Answering] = {
    "convergence": Answering(convergence, trajectory_of),
    "best_loss": Answering(best_loss, reached_of),
    "setting": Answering(setting, ended_at),
    "architectures": Answering(architectures, ended_at),
    "q_spread": Answering(q_spread, member_of),
    "uncertainty": Answering(uncertainty),
    "confident": Answering(confident),
}
"""Name of an answer in `cqltui.campaign.answers.ANSWERS` -> how it is computed."""


def answer(question: Question, phase: Phase, scope: Scope) -> Answer:
    """Answer one question of the phase. What is still to come, and what is missing, is told."""
    done, wanted = len(scope.done), len(phase.tasks)
    if not declared(question).early and not done:
        return Answer(("not yet answered: no task is done",))
    found = ANSWERINGS[question.answer].answer(scope, params_of(question))
    if declared(question).early or done >= wanted:
        return found
    return Answer((*found.lines, f"by {done} of {wanted} tasks"), found.figures)


def answer_all(
    campaign: Campaign, outcomes: Sequence[TaskOutcome], evaluation: Mapping[str, Any] | None = None
) -> tuple[Answered, ...]:
    """Return the answers to the questions that figures answer, in the order of the file. `evaluation` as of `Scope`."""
    by_phase: dict[str, list[TaskOutcome]] = {}
    for outcome in outcomes:
        by_phase.setdefault(outcome.task.phase, []).append(outcome)
    return tuple(
        Answered(
            phase.name,
            question,
            answer(question, phase, Scope(question, phase, by_phase, evaluation, campaign.state_dim)),
        )
        for phase in campaign.phases
        for question in phase.questions
        if question.answer
    )
