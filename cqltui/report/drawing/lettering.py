"""Text in a drawing, which has to fit: wrapped, cut, or left out where it would cover other text."""

import textwrap
from collections.abc import Sequence

from msgspec import Struct

from cqltui.report.drawing.colors import INK, PAPER
from cqltui.report.drawing.plotting import Canvas
from cqltui.state.plain import plain

FONT_SIZE = 9.0
CHARACTER = 0.6 * FONT_SIZE
"""Points that one takes, a little more than on average."""
LONGEST = 28
"""Characters of the name of a category."""
OFFSET = 4.0
"""Points from the middle of a point to its text."""


class Box(Struct, frozen=True):
    """A place that text takes, in points."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: "Box") -> bool:
        """Return whether the two overlap."""
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.top <= other.bottom or other.top <= self.bottom)


def wrapped(text: str, room: float, lines: int = 3) -> str:
    """Return text in lines of at most `room` points, the last cut with an ellipsis."""
    return "\n".join(textwrap.wrap(plain(text), max(12, int(room / CHARACTER)), max_lines=lines, placeholder="…"))


def across(names: Sequence[str], room: float) -> tuple[list[str], int]:
    """Return names for below an axis of so many points, wrapped where that is enough, else cut and turned; and by how
    many degrees."""
    fits = int(room / max(1, len(names)) / CHARACTER)
    if max(map(len, names), default=0) <= fits or fits >= 9:
        return ["\n".join(textwrap.wrap(plain(name), fits, max_lines=3, placeholder="…")) for name in names], 0
    return [plain(name, LONGEST) for name in names], 90


def write(canvas: Canvas) -> None:
    """Write into bars what fits, and beside points what covers no other text. The axes must have their place."""
    axes, taken = canvas.axes, list[Box]()
    scale = 72 / axes.figure.dpi
    frame = axes.bbox
    for text in canvas.texts:
        if not (canvas.x.low <= text.x <= canvas.x.high and canvas.y.low <= text.y <= canvas.y.high):
            continue
        x, y = (float(value) * scale for value in axes.transData.transform((text.x, text.y)))
        long = CHARACTER * len(text.text)
        if text.room:
            ends = axes.transData.transform([(text.x - text.room / 2, text.y), (text.x + text.room / 2, text.y)])
            if (ends[1, 0] - ends[0, 0]) * scale >= long + 4:
                ground = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 0.8}
                axes.text(text.x, text.y, text.text, ha="center", va="center", color=INK, bbox=ground, zorder=50)
            continue
        right = x + OFFSET + long <= frame.x1 * scale
        left = x + OFFSET if right else x - OFFSET - long
        box = Box(left, y + 1, left + long, y + 1 + FONT_SIZE)
        if not any(box.meets(other) for other in taken):
            taken.append(box)
            beside, where = (OFFSET if right else -OFFSET, 2), "left" if right else "right"
            axes.annotate(
                text.text, (text.x, text.y), beside, textcoords="offset points", ha=where, va="bottom", zorder=50
            )
