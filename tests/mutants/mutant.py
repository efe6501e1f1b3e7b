"""One harmful change: where it is, how it reads, the text that it makes; and how it gets into a running program."""

import ast
import importlib
import random
from collections.abc import Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any

from msgspec import Struct

from tests.mutants import lua, python
from tests.mutants.rooms import ROOT, Room

AROUND = 45
"""Characters shown on each side of a difference."""


class Mutant(Struct, frozen=True):
    """A change of a file. `symbol`: the function or class that it is in, "" outside of all."""

    file: str
    symbol: str
    before: str
    after: str
    text: str
    """The file as it would be."""
    named: bool = False
    """Chosen by hand, not drawn."""

    def __str__(self) -> str:
        return f"{self.file} {self.symbol or '(module)'}: {self.before or '(nothing)'}  ->  {self.after or '(nothing)'}"

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is known by, wherever in the file it stands."""
        return self.file, self.symbol, self.before, self.after

    @property
    def module(self) -> str:
        """The module's name."""
        return self.file.removesuffix(".py").replace("/", ".")


def drawn(room: Room, sample: int, seed: int) -> list[Mutant]:
    """So many of the room's changes by chance, all if there are no more. The same seed and code give the same."""
    found = [(file, place) for file in room.files() for place in range(_count(file))]
    chosen = random.Random(f"{room.name} {seed}").sample(found, min(sample, len(found)))
    return [_made(file, place) for file, place in sorted(chosen)]


def _read(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


def _count(file: str) -> int:
    text = _read(file)
    return len(lua.edits(text)) if file.endswith(".lua") else len(python.edits(ast.parse(text)))


def _made(file: str, place: int) -> Mutant:
    text = _read(file)
    if file.endswith(".lua"):
        edit = lua.edits(text)[place]
        old, new = text, text[: edit.start] + edit.after + text[edit.end :]
        symbol = edit.symbol
    else:
        tree = ast.parse(text)
        change = python.edits(tree)[place]
        old = ast.unparse(tree)
        change.apply()
        new, symbol = ast.unparse(ast.fix_missing_locations(tree)), change.symbol
    before, after = difference(old, new)
    return Mutant(file, symbol, before, after, new)


def difference(old: str, new: str) -> tuple[str, str]:
    """The lines that differ, each side in one line, cut to what is around the difference."""
    one, other = old.splitlines(), new.splitlines()
    start, end = _common(one, other)
    before, after = (
        " / ".join(line.strip() for line in side)
        for side in (one[start : len(one) - end], other[start : len(other) - end])
    )
    start, end = _common(before, after)
    begin, rest = max(0, start - AROUND), max(0, end - AROUND)
    return tuple(  # type: ignore[return-value]
        f"{'…' if begin else ''}{side[begin : len(side) - rest]}{'…' if rest else ''}" for side in (before, after)
    )


def _common(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    """How many items both have in common at the start, and after that at the end."""
    shorter = min(len(one), len(other))
    start = next((place for place in range(shorter) if one[place] != other[place]), shorter)
    left = shorter - start
    end = next((place for place in range(left) if one[-1 - place] != other[-1 - place]), left)
    return start, end


def install(mutant: Mutant) -> bool:
    """Put the change into this process, whose modules are loaded. False if it takes a new one: see `foresee`."""
    if mutant.file.endswith(".lua"):
        _install_lua(mutant)
        return True
    module = importlib.import_module(mutant.module)
    outermost = mutant.symbol.split(".<locals>")[0]
    code = _codes(compile(mutant.text, str(ROOT / mutant.file), "exec")).get(outermost)
    function = _function(module, outermost)
    if code is None or function is None or len(code.co_freevars) != len(function.__code__.co_freevars):
        return False
    function.__code__ = code
    return True


def _install_lua(mutant: Mutant) -> None:
    scripts: Any = importlib.import_module("cqltui.broker.protocol.scripts")
    name, plain = mutant.file.rpartition("/")[2].removesuffix(".lua"), scripts._text
    scripts._text = lambda wanted: mutant.text if wanted == name else plain(wanted)
    scripts.source.cache_clear()
    scripts.digest.cache_clear()


def _codes(code: CodeType) -> dict[str, CodeType]:
    """Qualified name -> code of each function; those of one name (a property and its setter) are left out."""
    found: dict[str, list[CodeType]] = {}
    queue = [code]
    while queue:
        for constant in queue.pop().co_consts:
            if isinstance(constant, CodeType):
                found.setdefault(constant.co_qualname, []).append(constant)
                queue.append(constant)
    return {name: codes[0] for name, codes in found.items() if len(codes) == 1}


def _function(module: ModuleType, symbol: str) -> FunctionType | None:
    """The live function of that name, out of whatever wraps it."""
    place: Any = module
    for part in symbol.split("."):
        place = vars(place).get(part) if part else None
        for name in ("fget", "__func__", "func", "__wrapped__"):
            inner = getattr(place, name, None)
            place = inner if isinstance(inner, FunctionType) else place
        if place is None:
            return None
    return place if isinstance(place, FunctionType) else None
