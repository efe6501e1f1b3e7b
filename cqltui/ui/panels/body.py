"""All panels of the main screen: which are seen, where, and which has the keys."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from msgspec.structs import replace
from textual import on
from textual.binding import Binding, BindingType
from textual.events import DescendantFocus
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.message import Message
from textual.reactive import Reactive
from textual.widget import Widget

from cqltui.ui.base import BaseApp
from cqltui.ui.internals import QuickPump
from cqltui.ui.layout import FOOTER, PANELS, Counts, Place, Wish, header_rows, is_small, main_layout
from cqltui.ui.layout import Layout as Places
from cqltui.ui.memory import Memory
from cqltui.ui.panels.panel import Panel
from cqltui.ui.panels.tabs import NAMES, TabLine, tabbed
from cqltui.ui.panels.typedline import TypedLine

HIDEABLE = frozenset(PANELS) - {"tasks"}


class Body(QuickPump, Widget):
    """Arranges its children by `main_layout`: by its own size, by what there is to be seen, and by what is wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                str(number), f"jump({panel!r})", NAMES[panel], show=False, id=f"{panel}.jump",
                tooltip=f"Go to {NAMES[panel]}" + ("; again hides it" if panel in HIDEABLE else ""),
            )
            for number, panel in enumerate(PANELS, 1)
        ),
        Binding(
            "underscore", "zoom", "Zoom", show=False, id="panel.zoom",
            tooltip="Show the panel as large as the screen, or at its place again",
        ),
        Binding("tab", "next(1)", "Next panel", show=False, id="panel.next", tooltip="Go to the next panel"),
        Binding(
            "shift+tab", "next(-1)", "Previous panel", show=False, id="panel.previous",
            tooltip="Go to the panel before",
        ),
        Binding("escape", "unzoom", "Unzoom", id="panel.unzoom", tooltip="Show the panel at its place again"),
    ]  # fmt: skip

    virtual_size = Reactive(Size(0, 0))
    """As large as the body itself. In Textual a layout follows each change of it."""

    class Arranged(Message):
        """Other panels are seen, or at other places."""

    def __init__(self, memory: Memory, *panels: Widget) -> None:
        super().__init__(*panels, id="body")
        _give_digits(panels)
        self._memory = memory
        self._by_place = _ByPlace()
        self._arranged: tuple[Size, Counts, Wish] | None = None
        self._found: Mapping[str, Place] = {}
        self._counts = Counts()
        self.wish = Wish()
        """What is seen, as the user wants it."""

    def on_mount(self) -> None:
        """Begin with the panels of the last time; in the task list, unless one panel is seen at a time."""
        kept = self._memory.now
        cells, rows = self.app.size
        single = isinstance(self.app, BaseApp) and self.app.preferences.plain
        small = single or is_small(cells, rows - header_rows(rows) - FOOTER)
        current = kept.tab if small and kept.tab in PANELS else "tasks"
        self.wish = Wish(frozenset(kept.hidden) & HIDEABLE, current, single=single)
        self._panel(current).focus()

    @property
    def layout(self) -> Layout:
        """The layout of the children."""
        return self._by_place

    def places(self, size: Size) -> Places:
        """Return where all is in a body of this size."""
        return main_layout(*size, self._counts, self.wish, self._lent)

    @property
    def _small(self) -> bool:
        return self.wish.single or is_small(self.size.width, self.size.height + self._lent)

    @property
    def _lent(self) -> int:
        """The rows that lines have taken in which something is typed."""
        return sum(line.rows for line in self.siblings if isinstance(line, TypedLine))

    def _panel(self, name: str) -> Panel:
        return self.query_one(f"#{name}", Panel)

    # Arranging

    async def add(self, *panels: Panel) -> None:
        """Give more panels their places."""
        _give_digits(panels)
        await self.mount(*panels)
        self._arranged, self._found = None, {}
        self._arrange()

    def give(self, counts: Counts) -> None:
        """Arrange the panels for as much as there is to be seen."""
        self._counts = counts
        self._arrange()

    def on_resize(self) -> None:
        """Show what has a place in the new size. The layout that has brought that has found the places already."""
        self._arrange(resized=True)

    def _arrange(self, *, resized: bool = False) -> None:
        now = (self.size, self._counts, self.wish)
        if now == self._arranged or not self.size:
            return
        self._arranged = now
        found = self.places(self.size).places
        tabs = self.query_one(TabLine)
        if "tabs" in found:
            tabs.show_tabs(self.wish.current, self.size.width)
        if found == self._found:
            return
        self._found = found
        for child in self.children:
            child.display = child.id in found
        if not resized:  # not of the body itself: those above a widget that asks for it are arranged anew
            tabs.refresh(repaint=False, layout=True)
        self.post_message(self.Arranged())

    def _see(self, wish: Wish) -> None:
        """Arrange the panels so, give the keys to the current one, and remember it."""
        if wish.zoomed != self.wish.zoomed:
            self.screen.refresh_bindings()
        self.wish = wish
        self._arrange()
        self._panel(wish.current).focus()
        self._keep()

    def _keep(self) -> None:
        self._memory.put(replace(self._memory.now, hidden=tuple(sorted(self.wish.hidden)), tab=self.wish.current))

    def go_to(self, panel: str) -> None:
        """Give the keys to a panel, and show it."""
        hidden = self.wish.hidden if self._small else self.wish.hidden - {panel}
        self._see(replace(self.wish, hidden=hidden, current=panel))

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Give the keys to a panel that is clicked too."""
        if (name := event.widget.id or "") in PANELS and name != self.wish.current:
            self.wish = replace(self.wish, current=name)
            self._arrange()
            self._keep()

    # Keys and the mouse

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave Esc to the screen, unless a panel is zoomed."""
        return self.wish.zoomed if action == "unzoom" else super().check_action(action, parameters)

    def action_jump(self, panel: str) -> None:
        """Go to a panel; hide it if it has the keys."""
        if panel == self.wish.current and panel in HIDEABLE and not self._small:
            self._see(Wish(self.wish.hidden | {panel}))
        else:
            self.go_to(panel)

    def action_next(self, step: int) -> None:
        """Go to the next panel, or the one before; where one is seen at a time, through all that are named."""
        small, hidden = self._small, self.wish.hidden
        names = tabbed(self.wish.current) if small else [name for name in PANELS if name not in hidden]
        self.go_to(names[(names.index(self.wish.current) + step) % len(names)])

    def action_zoom(self) -> None:
        """Show the panel with the keys as large as the screen, or at its place again."""
        self._see(replace(self.wish, zoomed=not self.wish.zoomed))

    def action_unzoom(self) -> None:
        """Show all again."""
        self._see(replace(self.wish, zoomed=False))

    @on(Panel.Zoomed)
    def _zoomed(self) -> None:
        self.action_zoom()  # the click has given the keys to the panel

    @on(TabLine.Chosen)
    def _chosen(self, event: TabLine.Chosen) -> None:
        self.go_to(event.name)


def _give_digits(panels: Iterable[Widget]) -> None:
    for panel in panels:
        if isinstance(panel, Panel) and panel.id in PANELS:
            panel.give_digit(str(PANELS.index(panel.id) + 1))


class _ByPlace(Layout):
    """Places each child where the body says."""

    name = "by-place"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """Return the children's regions; those without a place are not seen."""
        assert isinstance(parent, Body)
        places = parent.places(size).places
        found: ArrangeResult = []
        for child in children:
            if (place := places.get(child.id or "")) is not None:
                region = Region(place.x, place.y, place.cells, place.rows)
                found.append(WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, child))
        return found
