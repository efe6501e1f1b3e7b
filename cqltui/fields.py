"""Readers for the values of a TOML file. Each takes (value, key, problems) and returns the checked value, or `INVALID`
after it has recorded what was expected and what was found. A schema is a table from key to reader."""

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from cqltui.errors import InputError, without_passwords
from trainer.names import suggestion

INVALID: Final = object()
"""Stands for a value that was given and is wrong, so that it is not reported as missing as well."""
MAX_PROBLEMS = 40
LONGEST_NAME = 100
"""Of one in a message as it is, and of an unknown one as far as it is compared with the known ones."""
BARE_KEY = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}")


class Problems:
    """Collects what is wrong in one campaign, so that its author can fix all of it at once."""

    def __init__(
        self, file: str, set_keys: Collection[str] = (), line_of: Callable[[str], int | None] = lambda _: None
    ) -> None:
        """`set_keys`: key paths that `--set` gave. `line_of`: the file's line of a key path, if it is known."""
        self._file = file
        self._line_of = line_of
        self._set_keys = frozenset(set_keys)
        self._found: list[str] = []
        self._more = 0

    @property
    def is_full(self) -> bool:
        """Whether further problems are counted only: what to say of them need not be found out."""
        return len(self._found) >= MAX_PROBLEMS

    def add(self, key: str, message: str) -> None:
        """Record a problem with the value at `key`; an empty key means the whole file."""
        self.add_line("" if self.is_full else f"{self._place(key)}: {message}")

    def expected(self, key: str, expected: str, found: object) -> object:
        """Record that the value at `key` is not what it must be. Returns INVALID, for the reader to return."""
        self.add(key, "" if self.is_full else f"expected {expected}, found {describe(found)}")
        return INVALID

    def add_line(self, line: str) -> None:
        """Record a problem that has no place in the file, e.g. with a setting of the command line."""
        if self.is_full:
            self._more += 1
        else:
            self._found.append(line)

    @property
    def first(self) -> str:
        """What was recorded first; empty if nothing was."""
        return self._found[0] if self._found else ""

    def raise_any(self) -> None:
        """Raise one InputError with everything recorded, if there is anything."""
        if self._found:
            rest = [f"{self._file}: and {self._more:,} more problems"] if self._more else []
            raise InputError(*self._found, *rest)

    def _place(self, key: str) -> str:
        for set_key in self._set_keys:
            if key == set_key or key.startswith((f"{set_key}.", f"{set_key}[")):
                return f"--set {key}"
        line = self._line_of(key)
        file = self._file if line is None else f"{self._file}:{line}"
        return f"{file}: {key}" if file and key else file or key


class Reader(Struct, frozen=True):
    """Reads one kind of value, and says what it expects."""

    read: Callable[[object, str, Problems], Any]
    expected: str
    """In words, as messages and the reference say it."""
    schema: Mapping[str, Any]
    """JSON Schema of the values that it accepts, as far as JSON Schema can say it."""

    limits: tuple[int, int] | None = None
    """Of whole numbers, both included, where any between them is taken as it is."""

    def __call__(self, value: object, key: str, problems: Problems) -> Any:
        """Return the checked value, or INVALID after recording the problem."""
        return self.read(value, key, problems)


def describe(value: object) -> str:
    """Return a value of a TOML file, short and free of control characters, for a message."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            value = without_passwords(value)  # before it is cut
            return json.dumps(value if len(value) <= 40 else f"{value[:40]}...", ensure_ascii=True)
        case int() if value.bit_length() > 64:
            return f"an integer of {value.bit_length()} bits"
        case int() | float():
            return repr(value)
        case list():
            return f"a list of {len(value)}" if value else "an empty list"
        case dict():
            return "a table" if value else "an empty table"
        case _:
            return f"a {type(value).__name__}"


def item_path(parent: str, index: int, item: object) -> str:
    """Return `phase.quality` for an item that has a name, `task[2]` for one that has none; counted from 0."""
    name = item.get("name") if isinstance(item, dict) else None
    return f"{parent}.{name}" if isinstance(name, str) and BARE_KEY.fullmatch(name) else f"{parent}[{index}]"


def key_path(parent: str, name: str) -> str:
    """Return `parent.name`, with quotes around a name that TOML would want quoted, or that is cut."""
    name = name if BARE_KEY.fullmatch(name) else describe(name)
    return f"{parent}.{name}" if parent else name


def read_table(
    table: object, key: str, schema: Mapping[str, Reader], problems: Problems, hints: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the keys that `table` has, read by `schema`; wrong values are INVALID, unknown keys are problems.

    `hints` replaces the suggestion for an unknown key that is known to belong elsewhere.
    """
    if not isinstance(table, dict):
        problems.expected(key, "a table", table)
        return {}
    for name in table:
        if name not in schema and problems.is_full:
            problems.add(key, "")
        elif name not in schema:
            hint = (hints or {}).get(name) or suggestion(name, sorted(schema))
            problems.add(key_path(key, name), f"unknown key{hint}")
    return {name: schema[name](value, key_path(key, name), problems) for name, value in table.items() if name in schema}


def _pass(value: object, key: str, problems: Problems) -> object:
    return value


anything: Final = Reader(_pass, "anything", {})
"""Takes the value as it is: it is read later, with more knowledge."""


def accepting(expected: str, schema: Mapping[str, Any], accept: Callable[[object], Any]) -> Reader:
    """Return the values for which `accept` returns what they are read as; for others it returns INVALID."""

    def read(value: object, key: str, problems: Problems) -> Any:
        found = accept(value)
        return problems.expected(key, expected, value) if found is INVALID else found

    return Reader(read, expected, schema)


def number(expected: str, accepts: Callable[[float], bool], **schema: Any) -> Reader:
    """Return a finite number, given as integer or float, that `accepts` takes. A boolean is no number.

    `schema`: keywords of JSON Schema that say the same as `accepts`.
    """

    def accept(value: object) -> Any:
        # The limit keeps out infinity, NaN (every comparison is false), and integers too large for float().
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
            converted = float(value)
            if accepts(converted):
                return converted
        return INVALID

    return accepting(expected, {"type": "number", **schema}, accept)


def positive(at_most: float = math.inf) -> Reader:
    """Return a number above 0."""
    limit = "" if math.isinf(at_most) else f" and at most {at_most:,g}"
    bounds = {"exclusiveMinimum": 0} | ({} if math.isinf(at_most) else {"maximum": at_most})
    return number(f"a number > 0{limit}", lambda value: 0 < value <= at_most, **bounds)


def integer(low: int, high: int) -> Reader:
    """Return an integer within the limits, both included. A boolean is no integer, nor is 2.0."""

    def accept(value: object) -> Any:
        return value if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high else INVALID

    schema = {"type": "integer", "minimum": low, "maximum": high}
    return replace(accepting(f"an integer from {low:,} to {high:,}", schema, accept), limits=(low, high))


boolean = accepting("true or false", {"type": "boolean"}, lambda value: value if isinstance(value, bool) else INVALID)


def choice(*values: str) -> Reader:
    """Return one of a few words."""

    def accept(value: object) -> Any:
        return value if isinstance(value, str) and value in values else INVALID

    return accepting(f"one of {', '.join(values)}", {"enum": list(values)}, accept)


def text(multiline: bool = False, limit: int = 4000) -> Reader:
    """Return the text without control characters, which could steer the terminal; line breaks only where
    `multiline`."""
    expected = f"{'text' if multiline else 'one line of text'} without control characters, 1 to {limit:,} characters"

    def accept(value: object) -> Any:
        if isinstance(value, str):
            stripped = value.strip()
            visible = stripped.replace("\n", " ").replace("\t", " ") if multiline else stripped
            if 0 < len(stripped) <= limit and visible.isprintable():
                return stripped
        return INVALID

    return accepting(expected, {"type": "string", "minLength": 1}, accept)


def matching(pattern: str, expected: str) -> Reader:
    """Return the text that the whole pattern matches."""
    compiled = re.compile(pattern)

    def accept(value: object) -> Any:
        return value if isinstance(value, str) and compiled.fullmatch(value) else INVALID

    return accepting(expected, {"type": "string", "pattern": f"^(?:{pattern})$".replace(r"\Z", "$")}, accept)


def list_of(item: Reader, expected: str, low: int = 1, high: int = 1000, unique: bool = False) -> Reader:
    """Return a list of `low` to `high` items as a tuple; where `unique`, each value once (1 and 1.0 are the same)."""
    expected = f"a list of {low:,} to {high:,} {expected}"

    def read(value: object, key: str, problems: Problems) -> Any:
        if not isinstance(value, list) or not low <= len(value) <= high:
            return problems.expected(key, expected, value)
        items = [item(element, f"{key}[{index}]", problems) for index, element in enumerate(value)]
        if any(element is INVALID for element in items):
            return INVALID
        first: dict[Any, int] = {}
        for index, element in enumerate(items):
            if unique and first.setdefault(element, index) != index:
                problems.add(f"{key}[{index}]", f"{describe(value[index])} repeats [{first[element]}]")
                return INVALID
        return tuple(items)

    schema = {"type": "array", "items": item.schema, "minItems": low, "maxItems": high, "uniqueItems": unique}
    return Reader(read, expected, schema)
