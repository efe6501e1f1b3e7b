"""Line API views: a scrolling list draws only the lines that are seen, and keeps them as strips until they change."""

from collections.abc import Hashable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.filter import ANSIToTruecolor
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.strip import Strip

from cqltui.ui.base import BaseApp
from cqltui.ui.internals import OwnBarView
from cqltui.ui.leanstrip import LeanStrip
from cqltui.ui.line import Line, cells_of, left
from cqltui.ui.lru import Lru
from cqltui.ui.messages import StateChanged
from cqltui.ui.panels.scrollbar import LeanBar
from cqltui.ui.panels.viewframe import KEPT, LOOKS, TIMES, Sides, ViewFrame

SIGN, READ_SIGN, GUTTER = "▌", ">", 2
"""Before the cursor's line, or in place of its first blank; and the cells before all lines where they are read out."""
REVERSE = Style(reverse=True)
"""Of the first cell, where it is no blank."""


class LineView(OwnBarView, can_focus=True):
    """A scrolling list of `Line`s, with the keys of a pager. Its screen has the roles' styles."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "down", "Down", show=False, id="list.down", tooltip="Go to the next line"),
        Binding("k,up", "up", "Up", show=False, id="list.up", tooltip="Go to the line before"),
        Binding("g,home", "top", "Top", show=False, id="list.top", tooltip="Go to the first line"),
        Binding("G,end", "bottom", "Bottom", show=False, id="list.bottom", tooltip="Go to the last line"),
        Binding("ctrl+d,pagedown", "page_down", "Page down", show=False, id="list.page_down", tooltip="Go a page down"),
        Binding("ctrl+u,pageup", "page_up", "Page up", show=False, id="list.page_up", tooltip="Go a page up"),
    ]

    show_vertical_scrollbar = Reactive(False, repaint=False, layout=True)
    """The bar's column stays free without it: as it comes or goes, it alone is drawn."""

    def __init__(self, id: str, title: str = "") -> None:
        super().__init__(id=id)
        self.border_title = title
        self._lines: tuple[Line, ...] = ()
        self._styles: dict[str, Style] = {}
        self._mixed: tuple[dict[str, Style], dict[str, Style]] = {}, {}
        """Of each role, on what it stands on: the background, or the cursor's line."""
        self._blank: dict[str, str] = {}
        """The role of a blank behind each role."""
        self._strips: Lru[tuple[Line, int, bool], Strip] = Lru(KEPT)
        self._looks: tuple[str, Style] | None = None
        """What the lines' colours are made of: the theme, and what they stand on."""
        self._gutter = 0
        self._taken: int | None = None
        """Cells beside the lines: frame, padding and scrollbar."""
        self._view_frame = ViewFrame(KEPT)
        self._view_frames: Lru[Hashable, ViewFrame] = Lru(LOOKS)
        """By the view's rules."""

    def own_bar(self) -> LeanBar:
        """Return a new bar."""
        return LeanBar(self.scrollbar_size_vertical)

    def on_mount(self) -> None:
        """Make room for the sign of the cursor, where it is read out."""
        self._gutter = GUTTER if self.plain and self.can_focus else 0

    @property
    def plain(self) -> bool:
        """Whether the user's screen is read out: it has words where others have drawings."""
        return isinstance(self.app, BaseApp) and self.app.preferences.plain

    @property
    def cells(self) -> int:
        """The width of a line: what the scrollbar leaves."""
        if self._taken is None:
            self._taken = self.gutter.width
        return max(0, self.outer_size.width - self._taken) - self._gutter

    @property
    def lines(self) -> tuple[Line, ...]:
        """What the list holds."""
        return self._lines

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show these lines; only those that differ are drawn."""
        old, self._lines = self._lines, tuple(lines)
        if len(old) != len(self._lines):
            self.hold_lines(len(self._lines))
            self.refresh()
            return
        top, bottom = self.scroll_offset.y, self.scroll_offset.y + self.size.height
        for y in range(top, min(bottom, len(old))):
            if old[y] != self._lines[y]:
                self.refresh_line(y)

    def hold_lines(self, count: int) -> None:
        """Be so many lines long. The screen is laid out anew only where the scrollbar comes or goes by it: of a list
        that grows all night that would be several times a second."""
        height = self.size.height
        if not height or (self.virtual_size.height > height) is not (count > height):
            self.virtual_size = Size(0, count)
            if height and self.styles.overflow_y == "auto":  # at once: found by the layout, it takes another one
                self.show_vertical_scrollbar = self.vertical_scrollbar.display = count > height
        elif self.virtual_size.height != count:
            self.set_reactive(LineView.virtual_size, Size(0, count))
            if self.show_vertical_scrollbar:
                self.vertical_scrollbar.window_virtual_size = count
            self.scroll_y = self.validate_scroll_y(self.scroll_y)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return these lines of the widget.

        Within the frame they get its sides here, and are kept, as the frame is: in Textual a line passes through eight
        strips.
        """
        gutter, (width, height) = self.styles.gutter, self.outer_size
        inside = range(gutter.top, height - gutter.bottom)
        cells, sides = self.cells + self._gutter, None
        found: list[Strip] = []
        for y in crop.line_range:
            if y in inside:
                strip = self.render_line(y - gutter.top)
                if strip.cell_length != cells:
                    found.append(self._rendered(y))
                    continue
                sides = sides or self._sides(y)
                found.append(self._view_frame.around(strip, sides))
            else:
                found.append(self._edge(y, width, height))
        if crop.column_span != (0, width):
            found = [strip.crop(*crop.column_span) for strip in found]
        return found

    def _rendered(self, y: int) -> Strip:
        """Return a line as Textual makes it."""
        return super().render_lines(Region(0, y, self.outer_size.width, 1))[0]

    def _edge(self, y: int, width: int, height: int) -> Strip:
        """Return a line of the frame."""
        is_top = y < self.styles.gutter.top
        place = (width, y, self.border_title) if is_top else (width, y - height, self.border_subtitle)
        if (strip := self._view_frame.edges.used(place)) is None:
            self._view_frame.edges[place] = strip = LeanStrip(self._rendered(y), width)
        return strip

    def _sides(self, y: int) -> Sides:
        """Return how the frame looks, which any line within it tells."""
        width = self.outer_size.width
        if (sides := self._view_frame.sides.used(width)) is None:
            first = self.styles.gutter.left
            line = self._rendered(y)
            before, behind = line.crop(0, first), line.crop(first + self.cells + self._gutter)
            filters = tuple(one for one in self.get_line_filters() if not isinstance(one, ANSIToTruecolor))
            background = self.background_colors[1]
            self._view_frame.sides[width] = sides = Sides(width, tuple(before), tuple(behind), filters, background)
        return sides

    def cursor_line(self) -> int | None:
        """Return the line that is marked as selected, if the list has such."""
        return None

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen."""
        line_y = y + self.scroll_offset.y
        line = self._lines[line_y] if line_y < len(self._lines) else ()
        return self.strip(line, line_y == self.cursor_line())

    def strip(self, line: Line, cursor: bool = False) -> Strip:
        """Return the line in colours, as wide as the view."""
        cells = self.cells
        key = (line, cells, cursor)
        strip = self._strips.used(key)
        if strip is None:
            parts, bare = self._parts(line, cursor), self._mix("", cursor)
            if self._gutter:
                parts.insert(0, Segment(left(READ_SIGN if cursor else "", self._gutter), bare))
                cells += self._gutter
            if (free := cells - sum([cells_of(part.text) for part in parts])) > 0:
                last = parts.pop().text if parts and parts[-1].style is bare else ""
                parts.append(Segment(last + " " * free, bare))
            strip = Strip(parts, cells - min(free, 0)).adjust_cell_length(cells)
            if cursor and not self._gutter and not self.role_style("cursor").reverse:
                strip = self._signed(strip)
            self._strips[key] = strip
        return strip

    def _parts(self, line: Line, cursor: bool) -> list[Segment]:
        """Return the line's parts, those of one style in one.

        A blank has the style before it, and is one with it on its way to the terminal, where that is not seen. In the
        cursor's line it has none: reversed, as that may be, it would be a block of colour.
        """
        found: list[Segment] = []
        known = self._mixed[cursor]
        last, text, style = "", "", self._mix("", cursor)
        for more, role in line:
            if not more.isspace():
                last = role
            elif last:
                last = "" if cursor else self._blank_behind(last)
            own = known.get(last) or self._mix(last, cursor)
            if own is style:
                text += more
                continue
            if text:
                found.append(Segment(text, style))
            text, style = more, own
        return [*found, Segment(text, style)] if text else found

    def _blank_behind(self, role: str) -> str:
        """Return the role of a blank behind one: its own, where that is not seen."""
        if (found := self._blank.get(role)) is None:
            found = self._blank[role] = "" if _seen_in_blanks(self.role_style(role)) else role
        return found

    def _mix(self, role: str, cursor: bool) -> Style:
        """Return the style of a role on what is below it; the empty one has none of its own."""
        known = self._mixed[cursor]
        if (found := known.get(role)) is None:
            found = self.rich_style + (self.role_style("cursor") if cursor else None)
            if role:
                found += self.role_style(role)
            for one in self.get_line_filters():  # for each style, not for each part of each line
                if isinstance(one, ANSIToTruecolor):
                    found = one.truecolor_style(found, self.background_colors[1].rich_color)
            # Parts that look alike are told by their style's identity.
            found = next((other for other in known.values() if other == found), found)
            known[role] = found
        return found

    def _signed(self, strip: Strip) -> Strip:
        """Return the cursor's line with its sign: it is seen without colours."""
        first, rest = strip.crop(0, 1), strip.crop(1)
        sign = Segment(SIGN, self._mix("", cursor=True))
        return Strip([sign, *rest] if first.text == " " else [*first.apply_style(REVERSE), *rest])

    def role_style(self, role: str) -> Style:
        """Return the style of a role, without the background that it inherits."""
        style = self._styles.get(role)
        if style is None:
            style = self.screen.get_component_rich_style(f"role--{role}", partial=True)
            self._styles[role] = style
        return style

    def notify_style_update(self) -> None:
        """Draw anew: the theme, a class or the focus has changed. The lines themselves are kept where only the frame
        looks otherwise."""
        super().notify_style_update()
        looks = self.app.theme, self.rich_style
        if looks != self._looks:
            self._looks = looks
            for cache in (self._styles, *self._mixed, self._blank, self._strips, self._view_frames):
                cache.clear()
        rules = tuple(self.styles.base.get_rules().items())
        if (frame := self._view_frames.used(rules)) is None:
            self._view_frames[rules] = frame = ViewFrame(KEPT)
        frame.lines.grow(self._strips.most)
        self._view_frame, self._taken = frame, None

    def watch_show_vertical_scrollbar(self, show: bool) -> None:
        """Tell a bar that has just appeared of the scrolling before it."""
        self._taken = None
        if show:
            self.vertical_scrollbar.position = self.scroll_y

    def on_resize(self) -> None:
        """Tell what makes the lines. The widget is drawn anew already, and each strip is kept with its width."""
        for cache in (self._strips, self._view_frame.lines):
            cache.grow(TIMES * self.size.height)
        self.post_message(StateChanged())

    def refresh_row(self, y: int) -> None:
        """Draw one line of the screen."""
        self.refresh(Region(0, y, self.size.width, 1))

    def scroll_row(self, y: int) -> None:
        """Scroll as little as shows the line."""
        height = self.size.height
        if y < self.scroll_offset.y:
            self.scroll_to(y=y, animate=False, force=True)
        elif y >= self.scroll_offset.y + height:
            self.scroll_to(y=y - height + 1, animate=False, force=True)

    # At once: put off until the next draw, a key would begin where the one before it began. By force: a scrollbar that
    # is about to come is no reason to do nothing.

    def action_down(self) -> None:
        """One line down."""
        self.scroll_relative(y=1, animate=False, force=True, immediate=True)

    def action_up(self) -> None:
        """One line up."""
        self.scroll_relative(y=-1, animate=False, force=True, immediate=True)

    def action_top(self) -> None:
        """To the first line."""
        self.scroll_home(animate=False, force=True, immediate=True)

    def action_bottom(self) -> None:
        """To the last line."""
        self.scroll_end(animate=False, force=True, immediate=True)

    def action_page_down(self) -> None:
        """Move a page down."""
        self.scroll_relative(y=max(1, self.size.height - 1), animate=False, force=True, immediate=True)

    def action_page_up(self) -> None:
        """Move a page up."""
        self.scroll_relative(y=-max(1, self.size.height - 1), animate=False, force=True, immediate=True)


def _seen_in_blanks(style: Style) -> bool:
    return bool(style.bgcolor or style.reverse or style.underline or style.underline2 or style.strike or style.overline)
