"""A line on its way to the terminal, in fewer bytes."""

from functools import lru_cache

from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console
from rich.style import Style
from textual.strip import Strip

PLAIN = Style()
RESET = "\x1b[0m"
PAIRS = 4096
"""Of styles, one behind the other, whose sequences are remembered."""


class LeanStrip(Strip):
    """Says of each part how it differs from the one before. Textual says all of each part's style, and takes it back
    behind it: two thirds of what a drawing of the task list sends."""

    _sequences: str | None = None
    _parts: dict[tuple[int, int | None], Strip] | None = None

    def crop(self, start: int, end: int | None = None) -> Strip:
        """Return the cells from `start` to `end`."""
        if start <= 0 and (end is None or end >= self.cell_length):
            return self
        if self._parts is None:
            self._parts = {}
        if (part := self._parts.get((start, end))) is None:
            found = super().crop(start, end)
            self._parts[start, end] = part = LeanStrip(found, found.cell_length)
        return part

    def render(self, console: Console) -> str:
        """Return the line with its control sequences; none of its styles is left on at the end."""
        if self._sequences is None:
            self._sequences = self._rendered(console)
        return self._sequences

    def _rendered(self, console: Console) -> str:
        system = COLOR_SYSTEMS.get(console.color_system or "", ColorSystem.TRUECOLOR)
        before, found = PLAIN, []
        for text, style, control in self:
            own = style or PLAIN
            if control or own.link:
                return super().render(console)
            if own is not before:
                found.append(change(before, own, system))
                before = own
            found.append(text)
        if before != PLAIN:
            found.append(RESET)
        return "".join(found)


@lru_cache(PAIRS)
def change(before: Style, after: Style, system: ColorSystem) -> str:
    """Return the control sequence (SGR, ECMA-48 8.3.117) that turns one style into another."""
    if after == PLAIN:
        return RESET
    if before.without_color != after.without_color:
        return ("" if before == PLAIN else RESET) + _begun(after, system)
    color = Style(color=after.color or "default") if before.color != after.color else PLAIN
    below = Style(bgcolor=after.bgcolor or "default") if before.bgcolor != after.bgcolor else PLAIN
    return _begun(color + below, system)


def _begun(style: Style, system: ColorSystem) -> str:
    return Strip.render_style(style, "|", color_system=system).partition("|")[0]
