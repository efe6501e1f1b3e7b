"""The user's own keys: what they are called, and what is wrong with them. Pure, but for the bindings that it knows."""

import string
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from msgspec import Struct
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys, key_to_character
from textual.screen import Screen

from cqltui.ui.bindings import declared, keys_of, level_of, merged, our_nodes, own_bindings, shown_key
from cqltui.ui.panels.panel import Panel
from trainer.names import suggestion

MODIFIERS = ("ctrl", "shift", "alt", "super", "hyper", "meta")
ALIASES = {
    "esc": "escape", "return": "enter", "pgdn": "pagedown", "page_down": "pagedown", "pgup": "pageup",
    "page_up": "pageup", "del": "delete", "ins": "insert", "spacebar": "space", "↑": "up", "↓": "down",
    "←": "left", "→": "right", ",": "comma",
}  # fmt: skip
SAME = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace", "ctrl+left_square_bracket": "escape"}
"""What terminals send for these keys."""
SPELLED = {name for char in string.punctuation if char != "," for name in keys_of(Binding(char, ""))} | {"comma"}
"""Characters by name, as Textual has them in events."""
NAMED = frozenset({str(key.value) for key in Keys if key.value.isalnum()} | SPELLED)
"""Keys of more than one letter."""
QUIT = "app.quit"
WAYS = ("app.help", "app.leave", "app.palette")
"""What acts wherever one is, so that nobody is stuck: no panel and no screen takes their keys."""
NONE = Binding("", "")
KeysById = Mapping[str, Sequence[str]]


class Problem(Struct, frozen=True):
    """What is wrong with the keys of a binding."""

    id: str
    text: str


def key_name(written: str) -> tuple[str, str]:
    """Return Textual's name of a key as a person writes it ("?", "Ctrl+D", "esc"), and what is wrong with it."""
    text = "space" if written == " " else written.strip()
    if len(text) > 1:
        *modifiers, last = text[:-1].split("+") if text.endswith("++") else text.split("+")
        modifiers = [modifier.strip().lower() for modifier in modifiers]
        last = "+" if text.endswith("++") else last.strip()
        if unknown := [modifier for modifier in modifiers if modifier not in MODIFIERS]:
            return "", f"{unknown[0]!r} is no modifier{suggestion(unknown[0], MODIFIERS)}"
    else:
        modifiers, last = [], text
    last = last if len(last) == 1 else last.lower()
    last = ALIASES.get(last, last)
    if len(last) == 1:
        if not last.isprintable():
            return "", f"{written!r} is no key"
        if modifiers == ["shift"] and last.isalpha():
            return "", f"terminals send shift with a letter as the capital letter: write {last.upper()!r}"
        last = keys_of(Binding(last.lower() if modifiers else last, ""))[0]
    elif last not in NAMED:
        return "", f"{written!r} is no key{suggestion(last, sorted(NAMED))}"
    name = "+".join([*modifiers, last])
    if name in SAME:
        return "", f"terminals send {shown_key(name)} as {shown_key(SAME[name])}: choose another"
    return name, ""


def _known() -> dict[str, Binding]:
    return {binding.id or "": binding for one in declared() for binding in one.bindings}


def checked(keys: KeysById) -> tuple[dict[str, str], list[Problem]]:
    """Return the keymap that these keys make, and what is wrong with them, in their order."""
    known = _known()
    problems: list[Problem] = []
    keymap: dict[str, str] = {}
    for name, written in keys.items():
        if name not in known:
            problems.append(Problem(name, f"there is no such action{suggestion(name, known)}"))
            continue
        named = [key_name(one) for one in written]
        wrong = [text for _, text in named if text]
        if not named:
            wrong = ["expected a key, or a list of at least one"]
        problems += [Problem(name, text) for text in wrong]
        if not wrong:
            found = dict.fromkeys(key for key, _ in named)
            keymap[name] = ",".join(found)
            problems += [Problem(name, text) for key in found if (text := _misplaced(known[name], key))]
    if not problems:
        problems = [*_clashes(keymap), *_taken(keymap), *_unreachable(keymap), *_unheard(keymap)]
    return keymap, problems


def _misplaced(binding: Binding, key: str) -> str:
    """Return why a binding cannot have a key, whatever the others have."""
    char = key_to_character(key)
    types = char is not None and char.isprintable()
    if binding.id == QUIT and types:
        return f"{shown_key(key)} would be typed nowhere any more: choose a key with ctrl, or F1 to F12"
    if (binding.id or "").startswith("dialog.") and types and key not in keys_of(binding):
        return f"{shown_key(key)} may be the key of an answer: choose an arrow, a key with ctrl, or F1 to F12"
    return ""


def _clashes(keymap: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the keys that two actions of one panel, of one screen, or of the app would have."""
    told: set[frozenset[str]] = set()
    for nodes in _together():
        by_key: dict[str, set[str]] = {}
        stock = [one for node in nodes for one in merged(node, {}).items()]
        ids = {binding.id for _, binding in stock if binding.id}
        for key, binding in stock:
            if binding.id and binding.id not in keymap:
                by_key.setdefault(key, set()).add(binding.id)
        for name in ids & keymap.keys():
            for key in keymap[name].split(","):
                by_key.setdefault(key, set()).add(name)
        for key, names in by_key.items():
            if len(names) > 1 and names & keymap.keys() and frozenset(names) not in told:
                told.add(frozenset(names))
                mine = next(name for name in keymap if name in names)
                other = next(name for name in sorted(names) if name != mine)
                yield Problem(mine, f"{shown_key(key)} is the key of {other} too: give one of them another")


def _together() -> Iterator[tuple[type[DOMNode], ...]]:
    """Yield the classes whose keys stand on one level: each by itself, and what holds the panels with its screen."""
    for node in our_nodes():
        yield (node,)
        if level_of(node) == "screen" and not issubclass(node, Screen) and own_bindings(node):
            for screen in our_nodes():
                if issubclass(screen, Screen) and not _leads_out(screen):
                    yield node, screen


def _inner(keymap: Mapping[str, str]) -> dict[type[DOMNode], dict[str, Binding]]:
    """Return the keys of panels and of screens, but for questions and the help."""
    inner = [node for node in our_nodes() if level_of(node) != "app" and not _leads_out(node)]
    return {node: {key: one for key, one in merged(node, keymap).items() if one.id} for node in inner}


def _taken(keymap: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the keys by which one leaves, or finds help, that the user has given to something in a panel or screen."""
    stays = {key: way for way in WAYS if way not in keymap for key in keys_of(_known()[way])}
    told: set[tuple[str, str]] = set()
    for keys in _inner(keymap).values():
        for key, binding in keys.items():
            name = binding.id or ""
            if key in stays and name in keymap and (name, key) not in told:
                told.add((name, key))
                yield Problem(
                    name, f"{shown_key(key)} is the key of {stays[key]}, which acts everywhere: choose another"
                )


def _unreachable(keymap: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what the user has moved to where one could not leave, or find help, as all of its keys mean something else
    there."""
    inner = _inner(keymap)
    panels, screens = ([keys for node, keys in inner.items() if level_of(node) == of] for of in ("panel", "screen"))
    for way in (way for way in WAYS if way in keymap):
        wanted = {*keymap[way].split(",")}
        told: set[tuple[str, ...]] = set()
        for panel, screen in product(panels, screens):
            found = {key: binding.id or "" for key, binding in {**screen, **panel}.items() if key in wanted}
            takers = tuple(sorted({*found.values()}))
            if wanted == found.keys() and takers not in told:
                told.add(takers)
                yield Problem(way, f"it would not act everywhere: its keys are those of {', '.join(takers)} too")


def _unheard(keymap: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the keys of a panel that the app or the main screen would take before it hears them."""
    told: set[tuple[str, str]] = set()
    inner = _inner(keymap)
    for owner in our_nodes():
        first = {key: one for key, one in merged(owner, keymap).items() if one.priority and one.id}
        below = DOMNode if level_of(owner) == "app" else Panel
        for node, keys in inner.items() if first else ():
            for key in first.keys() & keys.keys() if issubclass(node, below) else ():
                pair = first[key].id or "", keys[key].id or ""
                stock = tuple((merged(one, {}).get(key) or NONE).id for one in (owner, node))
                if pair[0] != pair[1] and pair != stock and {*pair} & keymap.keys() and pair not in told:
                    told.add(pair)
                    mine, other = pair if pair[0] in keymap else pair[::-1]
                    yield Problem(mine, f"{shown_key(key)} is the key of {other} too, and {pair[0]} comes first")


def _leads_out(node: type[DOMNode]) -> bool:
    """Return whether it is a question or the help itself, above which no help opens."""
    return any((binding.id or "").startswith(("dialog.", "help.")) for binding in merged(node, {}).values())
