"""The keys that act where the keyboard is: of the focused panel, of its screen, of the app."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from textual.binding import ActiveBinding
from textual.dom import DOMNode
from textual.screen import Screen

from cqltui.ui.bindings import keys_of, level_of, lineage, merged, shown_key
from cqltui.ui.preferences import Level


class ActiveKey(Struct, frozen=True):
    """One action that can be asked for now, with all of its keys."""

    id: str
    level: Level
    keys: tuple[str, ...]
    """As Textual names them in events."""
    display: str
    """For the last line, where it is another than the first key's name."""
    description: str
    tooltip: str
    show: bool
    enabled: bool
    node: DOMNode
    action: str

    @property
    def label(self) -> str:
        """The key for people."""
        return self.display or shown_key(self.keys[0])


def active_keys(screen: Screen[object], keymap: Mapping[str, str]) -> tuple[ActiveKey, ...]:
    """Return what acts on the screen as it is: the focused panel's own keys, those that all panels have, the screen's,
    the app's. What a panel takes over from its screen or the app is shown, so that nobody is surprised.

    `keymap`: as the app has it; keys by id.
    """
    by_id: dict[str, list[tuple[str, ActiveBinding]]] = {}
    for key, active in screen.active_bindings.items():
        if active.binding.id:
            by_id.setdefault(active.binding.id, []).append((key, active))
    found: list[ActiveKey] = []
    for node in (screen.focused or screen).ancestors_with_self:
        others = _taken_from(node, keymap)
        for binding in lineage(type(node)):
            keys = [(key, active) for key, active in by_id.get(binding.id or "", ()) if active.node is node]
            wanted = keymap[binding.id or ""].split(",") if binding.id in keymap else keys_of(binding)
            if keys:
                found.append(_active_key(sorted(keys, key=lambda one: wanted.index(one[0])), others))
    return tuple(found)


def key_of(screen: Screen[Any], action: str) -> str:
    """Return the key of one of the screen's actions as it is written; empty if it has none now."""
    found = (active.binding for active in screen.active_bindings.values() if active.binding.action == action)
    return next((screen.app.get_key_display(binding) for binding in found), "")


def _active_key(found: list[tuple[str, ActiveBinding]], others: frozenset[str]) -> ActiveKey:
    keys = tuple(key for key, _ in found)
    active = found[0][1]
    binding = active.binding
    level = level_of(type(active.node))
    return ActiveKey(
        id=binding.id or "",
        level=level,
        keys=keys,
        display=binding.key_display or "",
        description=binding.description,
        tooltip=active.tooltip,
        show=binding.show or (level == "panel" and not others.isdisjoint(keys)),
        enabled=active.enabled,
        node=active.node,
        action=binding.action,
    )


def _taken_from(node: DOMNode, keymap: Mapping[str, str]) -> frozenset[str]:
    """Return the keys of ours that a panel would have taken over."""
    if level_of(type(node)) != "panel":
        return frozenset()
    return frozenset(
        key for other in node.ancestors for key, binding in merged(type(other), keymap).items() if binding.id
    )
