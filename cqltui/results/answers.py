"""The answers to a campaign's questions as the results have them: lines of the summary, and answers.json."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cqltui.campaign.asked import params_of
from cqltui.judging.answers import Answered

FORMAT = "cqltui.answers/1"


def answers_json(answers: Sequence[Answered]) -> list[dict[str, Any]]:
    """Return each question with its answer; `figures` is null where there are none, and `lines` say why."""
    return [
        {
            "phase": each.phase,
            "question": each.question.text,
            "answer": each.question.answer,
            "parameters": {name: as_json(value) for name, value in params_of(each.question).items()},
            "lines": list(each.answer.lines),
            "figures": None if each.answer.figures is None else as_json(each.answer.figures),
        }
        for each in answers
    ]


def as_json(value: Any) -> Any:
    """Return what JSON has for a value: lists for tuples, text as the key of an object."""
    if isinstance(value, Mapping):
        return {str(name): as_json(item) for name, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, list | tuple) else value


def answer_lines(answers: Sequence[Answered]) -> Iterator[str]:
    """Yield the questions of a phase for the summary, each with its figures."""
    for each in answers:
        yield f"  [{'open' if each.answer.figures is None else 'answer':^6}] {each.question.text}"
        yield from (f"           {line}" for line in each.answer.lines)
