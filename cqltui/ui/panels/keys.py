"""The line of keys at the bottom."""

from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from cqltui.ui.layout import fitting

WAY_OUT = frozenset({"leave", "back"})
LATE = frozenset({"undo", "workers", "resubmit_dead", "drain", "copy"})
"""Shown where all others have room."""


class KeyLine(Footer):
    """As many keys as fit, the way out among them."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._composed: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """Yield those that fit."""
        keys: list[Widget] = list(super().compose())
        withheld: frozenset[str] = getattr(self.screen, "withheld", frozenset())
        known = [k for k in keys if isinstance(k, FooterKey) and k.action.partition("(")[0] not in withheld]
        widths = [len(key.key_display) + 1 + len(key.description) + 1 for key in known]
        rank = [0 if key.action in WAY_OUT else 2 if key.action in LATE else 1 for key in known]
        first = sorted((i for i, place in enumerate(rank) if place < 2), key=lambda i: (rank[i], i))
        yield from (known[i] for i in fitting(widths, first, self.app.size.width))

    async def recompose(self) -> None:
        """Only when there are others to show: it takes a third of the screen's start, and half of many a key's time."""
        if not self.is_attached:
            return
        bindings = [active for active in self.screen.active_bindings.values() if active.binding.show]
        found = (self._bindings_ready, self.app.size.width, *((b.binding, b.enabled, b.tooltip) for b in bindings))
        if found != self._composed:
            self._composed = found
            await super().recompose()

    def on_resize(self) -> None:
        """Others may fit."""
        self.call_after_refresh(self.recompose)
