"""What the JSON objects of many tasks have in common, kept once: a form, and for each task the values that fill it in.

A form is the objects' text with a newline in place of each value, which no compact JSON has otherwise. The server's
scripts put both together (`whole` in forms.lua). Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from itertools import chain
from typing import Any

import orjson
from msgspec import Struct

REF_LENGTH = 16
"""Hex digits of a form's name."""
MOST_VALUES = 31
"""As many as the server's scripts take apart at once (`whole` in forms.lua)."""
_HOLE, _MARK = b"\n", "\0"

Path = tuple[str, ...]
"""The keys that lead to a value."""


class Form(Struct, frozen=True, dict=True):
    """The text that objects share."""

    text: bytes
    head: bytes = b""
    """What a task's values are stored behind: fields for readers that know no forms."""

    @classmethod
    def of(cls, example: Mapping[str, Any], paths: Sequence[Path], head: Mapping[str, Any] | None = None) -> "Form":
        """Return the form of objects that are like this one but for the values at these paths.

        `paths`: in the order of the text. `head`: fields that stored values begin with. Raises KeyError if the example
        lacks a path, ValueError if the order is another or there are too many.
        """
        bare = dict(example)
        for path in paths:
            table = bare
            for key in path[:-1]:
                table[key] = table = dict(table[key])
            if path[-1] not in table:
                raise KeyError(path)
            table[path[-1]] = _MARK
        fields = orjson.dumps(head)[1:-1] + b"," if head else b""
        form = cls(orjson.dumps(bare).replace(orjson.dumps(_MARK), _HOLE), fields)
        if len(paths) > MOST_VALUES:
            raise ValueError(f"a form has at most {MOST_VALUES} values, not {len(paths)}")
        if form.paths != tuple(paths):
            raise ValueError(f"a form has its values at {form.paths}, not at {tuple(paths)}")
        return form

    @cached_property
    def ref(self) -> str:
        """Its name: a digest of the text."""
        return sha256(self.text).hexdigest()[:REF_LENGTH]

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Where the values go, in the order of the text; empty if it is no object's."""
        count = self.text.count(_HOLE)
        found = dict(_marked(self.object([f"{_MARK}{n}" for n in range(count)]) or {}))
        return tuple(found[f"{_MARK}{n}"] for n in range(count)) if len(found) == count else ()

    def whole(self, values: Sequence[Any]) -> bytes:
        """Return the text with these values in it."""
        return self.around(list(map(orjson.dumps, values)))

    def around(self, values: Sequence[bytes]) -> bytes:
        """Return the text with values that are JSON already."""
        first, *pieces = self._pieces
        return first + b"".join(chain.from_iterable(zip(values, pieces, strict=True)))

    def kept(self, values: bytes) -> bytes:
        """Return what is kept of an object: one itself, with a value a line."""
        return b'{%b"form":"%b","put":[%b]}' % (self.head, self._ref, values)

    @cached_property
    def _pieces(self) -> list[bytes]:
        return self.text.split(_HOLE)

    @cached_property
    def _ref(self) -> bytes:
        return self.ref.encode()

    def object(self, values: Sequence[Any]) -> dict[str, Any] | None:
        """Return the object with these values, None if it is none."""
        try:
            made = orjson.loads(self.whole(values))
        except (ValueError, RecursionError):
            return None
        return made if isinstance(made, dict) else None


class Filled(Mapping[str, Any]):
    """An object by its form and its own values, in the order of `Form.paths`."""

    __slots__ = ("form", "own")

    def __init__(self, form: Form, own: tuple[Any, ...]) -> None:
        self.form, self.own = form, own

    def lines(self) -> bytes:
        """Return its own values, a line each, as they are kept."""
        return b",\n".join(map(orjson.dumps, self.own))

    def stored(self) -> bytes:
        """Return what is kept of it."""
        return self.form.kept(self.lines())

    def written(self) -> tuple[bytes, bytes]:
        """Return the same, and the whole."""
        values = list(map(orjson.dumps, self.own))
        return self.form.kept(b",\n".join(values)), self.form.around(values)

    def whole(self) -> dict[str, Any]:
        """Return the object; empty if it is none."""
        return self.form.object(self.own) or {}

    def __getitem__(self, key: str) -> Any:
        return self.whole()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole())

    def __len__(self) -> int:
        return len(self.whole())


def filled(stored: Mapping[str, Any], forms: Mapping[str, Form]) -> Filled | None:
    """Return the object of which this is kept, None if it is not kept by a form that is known."""
    form, put = forms.get(str(stored.get("form"))), stored.get("put")
    if form is None or not isinstance(put, list) or len(put) != len(form.paths):
        return None
    return Filled(form, tuple(put))


def _marked(value: object, path: Path = ()) -> Iterator[tuple[str, Path]]:
    """Yield each mark below a value with the keys that lead to it; those in lists are passed over."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _marked(part, (*path, key))
    elif isinstance(value, str) and value.startswith(_MARK):
        yield value, path
