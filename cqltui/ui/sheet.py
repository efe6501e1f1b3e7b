"""The stylesheet: Textual's, which does not do again what it has done."""

from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from msgspec import Struct
from textual.css.model import RuleSet
from textual.css.styles import RulesMap
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.widget import Widget

State = tuple[tuple[frozenset[str], frozenset[str]], ...]
"""Classes and pseudo-classes of all that a widget is in, and of itself."""


class Matched(Struct, frozen=True):
    """Which of the rules apply to a widget."""

    sheet: list[RuleSet]
    """All that there were."""
    classes: frozenset[str]
    """Of the widget."""
    found: dict[State, RulesMap]
    """What applies, by the state of the widget."""


class Sheet(Stylesheet):
    """A stylesheet that is parsed again only for other variables: an app asks for that as it starts too, with those
    that it has, which took some 10 ms of the start. A widget whose style changes gets what differs alone. Which rules
    apply to a widget that has the keys, or the mouse over it, is looked for once: that takes half a millisecond."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._given, self._stale = dict(variables), False
        self._matched: WeakKeyDictionary[Widget, Matched] = WeakKeyDictionary()
        """Of widgets that have had rules applied before."""

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take the variables; what was parsed with the same ones stays."""
        if variables != self._given:
            self._given, self._stale = dict(variables), True
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse again, if the variables have changed."""
        if self._stale:
            super().reparse()
            self._stale = False

    def apply(
        self, node: DOMNode, *, animate: bool = False, cache: dict[tuple[Any, ...], RulesMap] | None = None
    ) -> None:
        """Apply the rules to a node."""
        if not isinstance(node, Widget) or _has_parts(type(node)):
            super().apply(node, animate=animate, cache=cache)
            return
        known, rules = self._matched.get(node), self.rules
        if known is None or known.sheet is not rules or known.classes != node.classes:
            super().apply(node, animate=animate, cache=cache)
            self._matched[node] = Matched(rules, node.classes, {})
            return
        state = tuple((one.classes, one.pseudo_classes) for one in node.css_path_nodes)
        if (found := known.found.get(state)) is not None:
            self.replace_rules(node, found, animate=animate)
            return
        own: dict[tuple[Any, ...], RulesMap] = {}
        super().apply(node, animate=animate, cache=own)
        for found in own.values():  # none, where a rule asks for a place among siblings
            known.found[state] = found

    @classmethod
    def replace_rules(cls, node: DOMNode, rules: RulesMap, animate: bool = False) -> None:
        """Set the rules that differ. Textual sets all of them, some forty, where one does: at each change of focus."""
        base = node.styles.base
        old, new = dict(base.get_rules()), dict(rules)
        if animate and ("transitions" in old or "transitions" in new):
            super().replace_rules(node, rules, animate)
            return
        differing = [name for name in old.keys() | new.keys() if old.get(name) != new.get(name)]
        for name in differing:
            setattr(base, name, new.get(name))
        if differing or not animate:
            node.notify_style_update()


@cache
def _has_parts(kind: type[DOMNode]) -> bool:
    """Return whether nodes of a kind have component classes, whose styles are made by `apply`, too."""
    return any(vars(base).get("COMPONENT_CLASSES") for base in kind.__mro__)
