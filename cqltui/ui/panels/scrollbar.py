"""The scrollbar of a list."""

from typing import cast

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip


class LeanBar(ScrollBar):
    """A vertical scrollbar of a few strips, one for all rows that look alike. Textual makes each row for itself, which
    takes half as long as the list beside it."""

    virtual_size = Reactive(Size(0, 0), repaint=False)
    """Of no use to anything but a widget that scrolls: Textual lays the screen out anew where it changes."""

    def __init__(self, thickness: int) -> None:
        super().__init__(vertical=True, name="vertical", thickness=thickness)
        self._made_of: tuple[object, ...] | None = None
        self._rows: list[Strip] = []

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return these rows."""
        bar, size = cast(ScrollBarRender, self.render()), self.size
        made_of = (size, bar.virtual_size, bar.window_size, bar.position, bar.style)
        if made_of != self._made_of:
            self._made_of, self._rows = made_of, self._made(bar, size)
        rows = self._rows[crop.y : crop.bottom]
        return rows if crop.column_span == (0, size.width) else [row.crop(*crop.column_span) for row in rows]

    def _made(self, bar: ScrollBarRender, size: Size) -> list[Strip]:
        style = cast(Style, bar.style)
        assert style.bgcolor is not None
        assert style.color is not None
        drawn = bar.render_bar(
            size.height, bar.virtual_size, bar.window_size, bar.position, size.width, True, style.bgcolor, style.color
        )
        filters, background, below = self.get_line_filters(), self.background_colors[1], self.rich_style
        strips: dict[int, Strip] = {}
        for segment in drawn.segments:
            if id(segment) not in strips:
                line = [Segment(segment.text, below + segment.style)]
                for one in filters:
                    line = one.apply(line, background)
                strips[id(segment)] = Strip(line, size.width)
        return [strips[id(segment)] for segment in drawn.segments]

    def notify_style_update(self) -> None:
        """Draw anew: the theme or a class has changed."""
        super().notify_style_update()
        self._made_of = None
