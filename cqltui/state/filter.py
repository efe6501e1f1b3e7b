"""A filter of tasks as it is typed: `state:dead alpha>=0.3 !hidden:2048 val<0.6 seed:42..50 /regex/ word`.

Pure. It is compiled once, and asked of thousands of tasks.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from cqltui.state.filter_fields import STALLED, Field, FilterError, Moment, field_named
from cqltui.state.model import Status, TaskState
from cqltui.state.pattern import PatternError, searcher
from trainer.names import listed

LONGEST = 500
"""Characters of a filter."""
MOST = 40
"""Words of one."""
TEXT = 300
"""Characters of each foreign text that are looked at."""
_TOKEN = re.compile(
    r"""(?P<inverted>!?)
        (?P<field>[A-Za-z_][\w.-]*(?:!=|>=|<=|[:=<>])(?:(?<=:)[<>]=?)?)?
        (?: /(?P<pattern>(?:[^/\\]|\\.)*\\?)(?:/|$)   # up to its slash, or to the end while it is typed
          | "(?P<phrase>[^"]*)"?
          | (?P<plain>\S*) )""",
    re.VERBOSE,
)
_FIELD = re.compile(r"(?P<name>[\w.-]+?)(?P<op>!=|:?>=|:?<=|:?>|:?<|=|:)")
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", re.IGNORECASE)
_SECONDS = (86_400, 3_600, 60, 1)

Matcher = Callable[[TaskState, Moment], bool]
Test = Callable[[Any], bool]


class Filter(Struct, frozen=True):
    """What is asked of each task: all of its words."""

    text: str = ""
    words: tuple[Matcher, ...] = ()
    live: bool = False
    """Whether tasks that only train may come and go."""

    def matches(self, task: TaskState, moment: Moment) -> bool:
        """Return whether the task is one of those."""
        return bool(self.among((task,), moment))

    def among(self, tasks: Sequence[TaskState], moment: Moment) -> Sequence[TaskState]:
        """Return those of them in their order, word by word: of thousands each word leaves fewer to the next."""
        for word in self.words:
            tasks = [task for task in tasks if word(task, moment)]
        return tasks


EVERYTHING = Filter()


def compiled(text: str) -> Filter:
    """Return the filter that the text says. Raises FilterError, with what is wrong and what would do."""
    text = text.strip()
    if len(text) > LONGEST:
        raise FilterError(f"a filter has at most {LONGEST} characters")
    found = list(_words(text))
    if len(found) > MOST:
        raise FilterError(f"a filter has at most {MOST} words")
    return Filter(text, tuple(word for word, _ in found), any(live for _, live in found))


def _words(text: str) -> Iterator[tuple[Matcher, bool]]:
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        token = _TOKEN.match(text, at)
        if token is None or token.end() == at:  # which cannot be: what is no space is a word
            raise FilterError(f"cannot read {text[at:]}")
        at = token.end()
        word, live = _word(token)
        yield (_inverted(word) if token["inverted"] else word), live


def _inverted(word: Matcher) -> Matcher:
    return lambda task, moment: not word(task, moment)


def _word(token: re.Match[str]) -> tuple[Matcher, bool]:
    pattern = None if token["pattern"] is None else _pattern(token["pattern"])
    said = token["plain"] if token["phrase"] is None else token["phrase"]
    if token["field"] is None:
        if pattern is not None:
            return (lambda task, _: pattern(_text(task))), False
        if not said:
            raise FilterError("! inverts the word behind it: !state:done")
        return _by_word(said.lower()), False
    named = _FIELD.fullmatch(token["field"])
    if named is None:
        raise FilterError(f"cannot read {token['field']}")
    field, op = field_named(named["name"]), named["op"]
    op = op.lstrip(":") or ":"
    if pattern is not None:
        return _by_pattern(field, op, pattern), field.live
    return _by_value(field, op, said), field.live


def _by_word(folded: str) -> Matcher:
    """Return what looks for a plain word where `_text` has it, and makes no text of each task."""
    states = [status for status in Status if folded in status]

    def matches(task: TaskState, _: Moment) -> bool:
        info = task.info
        return (
            folded in info.title[:TEXT].lower()
            or folded in info.id.lower()
            or folded in info.phase[:TEXT].lower()
            or task.life.status in states
        )

    return matches


def _text(task: TaskState) -> str:
    """Return what expressions are looked for in."""
    info = task.info
    return f"{task.id}\n{info.title[:TEXT]}\n{info.phase[:TEXT]}\n{task.status}"


def _pattern(pattern: str) -> Callable[[str], bool]:
    if not pattern:
        raise FilterError("a regular expression stands between slashes: /seed 4[2-5]/")
    try:
        return searcher(pattern)
    except PatternError as error:
        raise FilterError(f"the regular expression: {error}") from None


def _by_pattern(field: Field, op: str, pattern: Callable[[str], bool]) -> Matcher:
    if field.kind != "text" or op not in (":", "=", "!="):
        raise FilterError(f"a regular expression is for text, as in title:/seed 4[2-5]/, not for {field.name}{op}")
    value = field.value

    def matches(task: TaskState, moment: Moment) -> bool:
        found = value(task, moment)
        return found is not None and pattern(found[:TEXT])

    return _inverted(matches) if op == "!=" else matches


def _by_value(field: Field, op: str, said: str) -> Matcher:
    if not said:
        raise FilterError(f"{field.name}{op} what? {_EXPECTED[field.kind]}")
    if op == "!=":
        return _inverted(_by_value(field, "=", said))
    test = _TESTS[field.kind](field, op, said)
    value = field.value

    def matches(task: TaskState, moment: Moment) -> bool:
        found = value(task, moment)
        return found is not None and test(found)

    return matches


# What is asked of a value


def _number_test(field: Field, op: str, said: str) -> Test:
    read = _seconds if field.kind == "duration" else _number
    if op not in (":", "="):
        return _compared(op, read(field, said))
    return _any([_range(field, part, read) for part in said.split(",") if part])


def _range(field: Field, said: str, read: Callable[[Field, str], float]) -> Test:
    low, dots, high = said.partition("..")
    if not dots:
        wanted = read(field, said)
        return lambda value: math.isclose(value, wanted, rel_tol=1e-9)
    least = read(field, low) if low else -math.inf
    most = read(field, high) if high else math.inf
    if least > most:
        raise FilterError(f"{field.name}: {low} is more than {high}")
    return lambda value: bool(least <= value <= most)


def _compared(op: str, wanted: float) -> Test:
    match op:
        case ">":
            return lambda value: bool(value > wanted)
        case ">=":
            return lambda value: bool(value >= wanted)
        case "<":
            return lambda value: bool(value < wanted)
    return lambda value: bool(value <= wanted)


def _number(field: Field, said: str) -> float:
    try:
        found = float(said)
    except ValueError:
        found = math.nan
    if math.isnan(found) or "_" in said:
        raise FilterError(f"{field.name}: expected {_EXPECTED['number']}, found {said}")
    return found


def _seconds(field: Field, said: str) -> float:
    parts = _DURATION.fullmatch(said)
    if parts is None or not any(parts.groups()):
        raise FilterError(f"{field.name}: expected {_EXPECTED['duration']}, found {said}")
    return sum(float(part) * seconds for part, seconds in zip(parts.groups(), _SECONDS, strict=True) if part)


def _text_test(field: Field, op: str, said: str) -> Test:
    if op not in (":", "="):
        raise FilterError(f"{field.name} is text, which has no {op}: {field.name}:{said}")
    wanted = tuple(part for part in said.lower().split(",") if part) or (said,)
    if op == "=":
        return lambda value: value[:TEXT].lower() in wanted
    return lambda value: any(part in value[:TEXT].lower() for part in wanted)


def _state_test(field: Field, op: str, said: str) -> Test:
    if op not in (":", "="):
        raise FilterError(f"state is a word, which has no {op}: state:{said}")
    known = (*Status, STALLED)
    wanted: set[str] = set()
    for part in filter(None, said.lower().split(",")):
        found = [str(state) for state in known if state.startswith(part)]
        if not found:
            raise FilterError(f"no state {part}; known: {listed(map(str, known))}")
        wanted.update(found)
    return lambda states: not wanted.isdisjoint(states)


def _list_test(field: Field, op: str, said: str) -> Test:
    """Of a list any part may be meant, or with = or several parts (2048-1024, [2048,1024]) the whole."""
    if op not in (":", "="):
        compared = _compared(op, _number(field, said))
        return lambda value: any(isinstance(part, int | float) and compared(part) for part in value)
    if said.startswith("["):
        return _whole(tuple(filter(None, said.strip("[]").split(","))))
    return _any([_part(field, op, part) for part in said.lower().split(",") if part])


def _part(field: Field, op: str, said: str) -> Test:
    parts = tuple(said.split("-"))
    if op == "=" or len(parts) > 1:
        return _whole(parts)
    if ".." in said:
        within = _range(field, said, _number)
        return lambda value: any(isinstance(part, int | float) and within(part) for part in value)
    return lambda value: any(str(part) == said for part in value)


def _whole(wanted: tuple[str, ...]) -> Test:
    return lambda value: tuple(map(str, value)) == wanted


def _any(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda value: any(test(value) for test in tests)


_TESTS: dict[str, Callable[[Field, str, str], Test]] = {
    "number": _number_test,
    "duration": _number_test,
    "text": _text_test,
    "state": _state_test,
    "list": _list_test,
}
_EXPECTED = {
    "number": "a number, or a range like 42..50",
    "duration": "a duration like 90s or 1h30m, or a range of them",
    "text": "a part of it",
    "state": f"known: {listed((*Status, STALLED))}",
    "list": "one of its parts, or all: 256-128-64",
}
