"""The changes that were chosen by hand (named.toml), and those that change nothing (equivalent.toml)."""

import ast
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.mutants import lua
from tests.mutants.mutant import Mutant
from tests.mutants.rooms import ROOT

HERE = Path(__file__).parent


class NotApplicable(Struct, frozen=True):
    """A named change whose fragment is no longer there: the list has to follow the code."""

    file: str
    symbol: str
    old: str
    why: str

    def __str__(self) -> str:
        return f"{self.file} {self.symbol or '(module)'}: {self.old!r} {self.why}"


def named(room: str) -> Iterator[Mutant | NotApplicable]:
    """The room's changes, in the order of the file."""
    for file, changes in _read("named").get(room, {}).items():
        for symbol, old, new in changes:
            yield _made(file, symbol, old, new)


def equivalent() -> dict[tuple[str, str, str, str], str]:
    """Changes that no test could notice, by their keys, and why."""
    return {
        (file, symbol, before, after): why
        for file, changes in _read("equivalent").items()
        for symbol, before, after, why in changes
    }


def outdated(files: Iterable[str]) -> Iterator[NotApplicable]:
    """Entries of equivalent.toml whose line is no longer in its file."""
    for file, symbol, before, _ in equivalent():
        if file in files:
            text = (ROOT / file).read_text(encoding="utf-8")
            whole = text if file.endswith(".lua") else ast.unparse(ast.parse(text))
            if not all(part.strip("…") in whole for part in before.split(" / ")):
                yield NotApplicable(file, symbol, before, "of equivalent.toml is no longer there")


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))


def _made(file: str, symbol: str, old: str, new: str) -> Mutant | NotApplicable:
    path = ROOT / file
    if not path.exists():
        return NotApplicable(file, symbol, old, "is in a file that is no longer there")
    text = path.read_text(encoding="utf-8")
    place = _place(file, symbol, text)
    if place is None:
        return NotApplicable(file, symbol, old, "is in a function that is no longer there")
    start, end = place
    times = text.count(old, start, end)
    if times != 1:
        return NotApplicable(file, symbol, old, f"is there {times} times, not once")
    at = text.index(old, start)
    before, after = (" / ".join(part.strip() for part in side.splitlines()) for side in (old, new))
    return Mutant(file, symbol, before, after, text[:at] + new + text[at + len(old) :], named=True)


def _place(file: str, symbol: str, text: str) -> tuple[int, int] | None:
    """Where the function or class begins and ends in the text."""
    if not symbol:
        return 0, len(text)
    if file.endswith(".lua"):
        return next((match.span() for match in lua.FUNCTION.finditer(text) if match[1] == symbol), None)
    node: Any = ast.parse(text)
    for part in symbol.split("."):
        node = next((child for child in node.body if getattr(child, "name", "") == part), None)
        if node is None:
            return None
    lines = text.splitlines(keepends=True)
    return sum(map(len, lines[: node.lineno - 1])), sum(map(len, lines[: node.end_lineno]))
