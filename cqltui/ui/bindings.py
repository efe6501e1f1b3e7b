"""The keys of the screen as the classes declare them: what help, palette, settings and `cqltui keys` are made from."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache

from msgspec import Struct
from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import format_key
from textual.widget import Widget

import cqltui.ui
from cqltui.ui.preferences import KeyRow, Level


class Declared(Struct, frozen=True):
    """A class with bindings of its own or inherited ones."""

    owner: type[DOMNode]
    level: Level
    bindings: tuple[Binding, ...]
    """Its own alone, each as it is written: with all of its keys."""


def level_of(node: type[DOMNode]) -> Level:
    """Return where the class's keys stand. What holds the panels, and has keys for all of them, is the screen's."""
    if issubclass(node, App):
        return "app"
    return "panel" if issubclass(node, Widget) and node.can_focus else "screen"


def own_bindings(node: type[DOMNode]) -> tuple[Binding, ...]:
    """Return what the class itself declares, not what it inherits."""
    return tuple(binding for binding in vars(node).get("BINDINGS", ()) if isinstance(binding, Binding))


@lru_cache(maxsize=256)
def lineage(node: type[DOMNode]) -> tuple[Binding, ...]:
    """Return what the class and those that it inherits from declare, its own first."""
    return tuple(binding for base in node.__mro__ for binding in own_bindings(base))


@lru_cache(maxsize=256)
def _stock(node: type[DOMNode]) -> Mapping[str, Binding]:
    keys: dict[str, Binding] = {}
    for base in reversed(node.__mro__):
        keys |= {one.key: one for one in Binding.make_bindings(vars(base).get("BINDINGS", ()))}
    return keys


def merged(node: type[DOMNode], keymap: Mapping[str, str]) -> dict[str, Binding]:
    """Return the class's keys with what each does, as Textual merges them: a class before those that it inherits from.

    `keymap`: keys by id ("j,down"), in place of those that are declared.
    """
    stock = _stock(node)
    keys = {key: binding for key, binding in stock.items() if (binding.id or "") not in keymap}
    for binding in {binding.id: binding for binding in stock.values() if binding.id in keymap}.values():
        keys |= dict.fromkeys(keymap[binding.id or ""].split(","), binding)
    return keys


def declared() -> tuple[Declared, ...]:
    """Return every class of the screen that declares bindings, in the order of modules. Loads all of them."""
    found: dict[type[DOMNode], Declared] = {}
    for node in our_nodes():
        if bindings := own_bindings(node):
            found.setdefault(node, Declared(node, level_of(node), bindings))
    return tuple(found.values())


@cache
def our_nodes() -> tuple[type[DOMNode], ...]:
    """Return every class of the screen that may have bindings, in the order of modules. Loads all of them."""
    return tuple(_nodes())


def _nodes() -> Iterator[type[DOMNode]]:
    for module in pkgutil.walk_packages(cqltui.ui.__path__, f"{cqltui.ui.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, DOMNode) and value.__module__ == module.name:
                yield value


@lru_cache(maxsize=1024)
def keys_of(binding: Binding) -> tuple[str, ...]:
    """Return the names of the binding's keys as Textual has them in events: "question_mark", "ctrl+d"."""
    return tuple(one.key for one in Binding.make_bindings([binding]))


def shown(keys: Iterable[str]) -> str:
    """Return keys for people: "? Ctrl+D ↓"."""
    return " ".join(map(shown_key, keys))


_NAMES = {
    "enter": "Enter", "escape": "Esc", "pageup": "PgUp", "pagedown": "PgDn", "delete": "Del", "insert": "Ins",
    "up": "↑", "down": "↓", "left": "←", "right": "→",
}  # fmt: skip


def shown_key(key: str) -> str:
    """Return one key for people: "?", "Ctrl+D", "Esc"."""
    *modifiers, last = key.split("+")
    name = _NAMES.get(last)
    if name is None:
        name = format_key(last)
        if len(name) > 1 or modifiers:
            name = name.replace("_", " ").title()
    return "+".join([*map(str.title, modifiers), name])


def key_rows(keymap: Mapping[str, str]) -> tuple[KeyRow, ...]:
    """Return all actions by id, with their keys as the user has them."""
    rows = []
    for one in declared():
        for binding in one.bindings:
            name = binding.id or ""
            keys = tuple(keymap[name].split(",")) if name in keymap else keys_of(binding)
            rows.append(KeyRow(name, keys, tuple(map(shown_key, keys)), binding.tooltip, one.level))
    return tuple(sorted(rows, key=lambda row: row.id))
