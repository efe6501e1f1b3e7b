"""What a campaign file asks of a phase, its criteria and its questions: read by the same rules."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from cqltui.algorithms.base import REQUIRED, scaled_epochs
from cqltui.campaign.answers import ANSWERS
from cqltui.campaign.criteria import CHECKS, Check
from cqltui.campaign.model import Asked, Criterion, ParamValue, Question
from cqltui.campaign.schema import LINE
from cqltui.fields import INVALID, Problems, Reader, read_table, text
from trainer.names import suggestion

MAX_CRITERIA = 1000
LOOKS = {"check": "judges", "answer": "looks at"}
Kind = Literal["check", "answer"]


def declared(asked: Asked) -> Check:
    """Return what is asked for, as it was declared."""
    return CHECKS[asked.check] if isinstance(asked, Criterion) else ANSWERS[asked.answer]


def title(asked: Asked) -> str:
    """Return what messages call it: `criterion (conclusive)`."""
    return f"criterion ({asked.check})" if isinstance(asked, Criterion) else f"questions ({asked.answer})"


def params_of(asked: Asked) -> dict[str, ParamValue]:
    """Return the parameters, with the defaults of those that are left unsaid."""
    defaults = {name: param.default for name, param in declared(asked).params.items() if param.unsaid}
    return {**defaults, **dict(asked.params)}


def phase_names(asked: Asked) -> list[tuple[str, str]]:
    """Return (parameter, value) of the parameters that name a phase."""
    known = declared(asked).params
    return [(name, str(value)) for name, value in asked.params if known[name].names_phase]


class Reading(Struct, frozen=True):
    """What the criteria and questions of a phase are read with."""

    problems: Problems
    algorithms: frozenset[str]
    """Of the phase's tasks."""
    epochs_scale: float = 1.0


def read_criteria(tables: object, key: str, reading: Reading) -> Iterator[Criterion]:
    """Yield the [[phase.criterion]] tables; a criterion with a `metric` and no `check` is a comparison."""
    problems = reading.problems
    if not isinstance(tables, list):
        problems.expected(key, "[[phase.criterion]] (a list of tables)", tables)
        return
    if len(tables) > MAX_CRITERIA:
        problems.add(key, f"there are {len(tables):,} criteria; a phase has at most {MAX_CRITERIA:,}")
        return
    for index, table in enumerate(tables):
        place = f"{key}[{index}]"
        if not isinstance(table, dict):
            problems.expected(place, "a table", table)
        elif (read := _read(table, place, "check", text(), reading)) is not None:
            yield Criterion(*read)


def read_questions(items: Sequence[object], key: str, reading: Reading) -> Iterator[Question]:
    """Yield the questions: a text, or a table that names what answers it."""
    for index, item in enumerate(items):
        place = f"{key}[{index}]"
        if isinstance(item, dict):
            if (read := _read(item, place, "answer", LINE, reading)) is not None:
                yield Question(*read)
        elif (said := LINE(item, place, reading.problems)) is not INVALID:
            yield Question(said)


def as_written(question: Question) -> str | dict[str, Any]:
    """Return the question as a file has it, and campaign.json: one that is left to people is its text."""
    if not question.answer:
        return question.text
    return {"text": question.text, "answer": question.answer, **dict(question.params)}


def _read(
    table: dict[str, Any], place: str, kind: Kind, line: Reader, reading: Reading
) -> tuple[str, str, tuple[tuple[str, ParamValue], ...]] | None:
    """Return the text, the name of what is asked for, and its parameters; None where something is wrong."""
    problems = reading.problems
    known: Mapping[str, Check] = {"check": CHECKS, "answer": ANSWERS}[kind]
    name = table.get(kind, "metric" if kind == "check" and "metric" in table else None)
    if not isinstance(name, str) or name not in known:
        names = suggestion(name, known) if isinstance(name, str) else f"; known: {', '.join(known)}"
        problems.add(f"{place}.{kind}", f"unknown {kind}{names}" if name is not None else f"is missing{names}")
        return None
    params, algorithm = known[name].params, known[name].algorithm
    if others := reading.algorithms - {algorithm} if algorithm else frozenset():
        of = f"the phase's tasks are of {' and '.join(map(repr, sorted(others)))}"
        problems.add(f"{place}.{kind}", f"{name!r} {LOOKS[kind]} tasks of algorithm {algorithm!r}, and {of}")
    readers = {"text": line, kind: text(), **{param: spec.read for param, spec in params.items()}}
    read = read_table(table, place, readers, problems)
    required = {"text", *(param for param, spec in params.items() if spec.default is REQUIRED)}
    for lacking in sorted(required - read.keys()):
        problems.add(f"{place}.{lacking}", "is missing")
    if not required <= read.keys() or INVALID in read.values():
        return None
    given = {param: spec for param, spec in params.items() if param in read or not spec.unsaid}
    values = {param: read.get(param, spec.default) for param, spec in given.items()}
    for param, spec in given.items():
        if spec.counts_epochs:
            values[param] = _scaled(values[param], reading.epochs_scale)
    return read["text"], name, tuple(values.items())


def _scaled(epochs: Any, scale: float) -> Any:
    if isinstance(epochs, tuple):
        return tuple(dict.fromkeys(scaled_epochs(epoch, scale) for epoch in epochs))
    return scaled_epochs(epochs, scale)
