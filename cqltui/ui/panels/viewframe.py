"""What a view keeps of what it has drawn of its frame, and of the lines within."""

from msgspec import Struct
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter
from textual.strip import Strip

from cqltui.ui.leanstrip import LeanStrip
from cqltui.ui.lru import Lru

WIDTHS = 3
"""Of so many widths the frame is kept: a view is zoomed, and goes back."""
KEPT, TIMES = 16, 2
"""Drawn lines that a view keeps: at least so many, and so many times what it has ever shown at once, for the same
reason. Each takes kilobytes, and losses make new ones all night."""
LOOKS = 2
"""So many frames are kept: that of a view that has the keys, and that of the same one without them."""


class Sides(Struct, frozen=True):
    """What stands beside each line within a frame."""

    width: int
    """Of the whole."""
    before: tuple[Segment, ...]
    behind: tuple[Segment, ...]
    filters: tuple[LineFilter, ...]
    """What the line itself goes through on its way to the terminal; its styles have been through the rest."""
    background: Color


class ViewFrame:
    """What is kept as long as the rules of the view are the same."""

    def __init__(self, lines: int) -> None:
        self.edges: Lru[tuple[int, int, str | None], Strip] = Lru(2 * WIDTHS)
        """Top and bottom, by the width, the place from the nearer end, and the title there."""
        self.sides: Lru[int, Sides] = Lru(WIDTHS)
        """By the width of the whole."""
        self.lines: Lru[int, tuple[Strip, Strip]] = Lru(lines)
        """Lines with their sides, by the identity of the strip between these."""

    def around(self, strip: Strip, sides: Sides) -> Strip:
        """Return a line with its sides."""
        if (known := self.lines.used(id(strip))) is not None and known[0] is strip:
            return known[1]
        inner = list(strip)
        for one in sides.filters:
            inner = one.apply(inner, sides.background)
        framed = LeanStrip([*sides.before, *inner, *sides.behind], sides.width)
        self.lines[id(strip)] = strip, framed
        return framed
