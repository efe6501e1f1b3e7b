"""The line of keys at the bottom."""

import re
from collections.abc import Sequence

from msgspec import Struct
from rich.cells import cell_len
from textual.events import Click

from cqltui.ui.active import ActiveKey, active_keys
from cqltui.ui.base import BaseApp
from cqltui.ui.layout import fitting
from cqltui.ui.line import Line, Span
from cqltui.ui.panels.view import LineView

WAY_OUT = frozenset({"leave", "back"})
FIRST = frozenset({"help"})
"""Shown before all others: it tells of those that have no room."""
GAP = 1
"""Cells between two keys."""
LATE = frozenset({"undo", "workers", "resubmit_dead", "drain", "copy"})
"""Shown where all others have room."""
KEPT = 8
"""Lines that are kept: each takes half a millisecond, and the same ones come back as the focus moves."""


class Place(Struct, frozen=True):
    """Where a key stands in the line, so that it can be clicked."""

    start: int
    end: int
    key: str


KeysLine = tuple[Line, tuple[Place, ...]]
"""The line, and where each key stands in it."""


def key_line(keys: Sequence[ActiveKey], cells: int) -> KeysLine:
    """Return as many of the keys that are to be shown as fit, the way out among them, and where each stands."""
    # "+/-" and "[ ]" name both.
    named = {name for key in keys if key.show and len(key.display) > 1 for name in re.split("[/ ]", key.display)}
    shown = [key for key in keys if key.show and (key.display or key.label not in named)]
    widths = [cell_len(key.label) + 1 + cell_len(key.description) + GAP for key in shown]
    rank = [_rank(key.action) for key in shown]
    first = sorted(range(len(shown)), key=lambda i: (rank[i], i))
    spans: list[Span] = []
    places: list[Place] = []
    at = 0
    for i in fitting(widths, first, cells):
        key = shown[i]
        spans += [(key.label, "key" if key.enabled else "faint"), (f" {key.description}", "text")]
        spans.append((" " * GAP, "text"))
        places.append(Place(at, at + widths[i] - GAP, key.keys[0]))
        at += widths[i]
    return tuple(spans), tuple(places)


def _rank(action: str) -> int:
    return next((i for i, some in enumerate((WAY_OUT, FIRST)) if action in some), 3 if action in LATE else 2)


class KeyLine(LineView, can_focus=False):
    """As many keys as fit, the way out among them; a click is as the key."""

    def __init__(self) -> None:
        super().__init__(id="key-line")
        self._places: tuple[Place, ...] = ()
        self._known: tuple[tuple[object, KeysLine], ...] = ()
        """Lines that were made last, each with what it was made of, the newest first."""

    def on_mount(self) -> None:
        """Follow what can be done."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.show_keys())

    def show_keys(self) -> None:
        """Draw the keys of now, if they differ."""
        app = self.app
        if self.is_attached and self.size.width and isinstance(app, BaseApp):
            withheld: frozenset[str] = getattr(self.screen, "withheld", frozenset())
            made_of = self.screen.focused, withheld, self.size.width, [*self.screen.active_bindings.items()]
            found = next((line for known, line in self._known if known == made_of), None)
            if found is None:
                known = active_keys(self.screen, app.preferences.keymap)
                keys = [key for key in known if key.action.partition("(")[0] not in withheld]
                found = key_line(keys, self.size.width)
                self._known = (made_of, found), *self._known[: KEPT - 1]
            line, self._places = found
            if self.lines != (line,):
                self.set_lines((line,))

    def on_resize(self) -> None:
        """Show others, as they fit."""
        super().on_resize()
        self.show_keys()

    def on_click(self, event: Click) -> None:
        """Press the key that is clicked."""
        for place in self._places:
            if place.start <= event.x < place.end:
                self.app.simulate_key(place.key)
