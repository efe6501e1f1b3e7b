"""The line that names the panels where not all of them are seen."""

from textual.events import Click
from textual.message import Message

from cqltui.ui.layout import PANELS
from cqltui.ui.line import Line, joined, width
from cqltui.ui.panels.view import LineView

NAMES = {
    "tasks": "Tasks", "curves": "Curves", "timeline": "Timeline", "log": "Log",
    "evaluation": "Evaluation", "hardware": "Hardware", "events": "Events", "phases": "Phases",
}  # fmt: skip
SHORT = NAMES | {"timeline": "Time", "evaluation": "Eval"}
GAP = "  "


class TabLine(LineView, can_focus=False):
    """Panel names with their digits, the one that is seen marked. A click chooses."""

    class Chosen(Message):
        """A panel is wanted."""

        def __init__(self, panel: str) -> None:
            super().__init__()
            self.panel = panel

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self._tabs: tuple[Line, ...] = ()

    def show_tabs(self, current: str, cells: int) -> None:
        """Draw the names as fully as they fit."""
        self._tabs = tab_line(current, cells)
        self.set_lines((joined(self._tabs, (GAP, "text")),))

    def on_click(self, event: Click) -> None:
        """Choose the panel whose name it is."""
        x = 0
        for panel, tab in zip(PANELS, self._tabs, strict=True):
            x += width(tab) + len(GAP)
            if event.x < x:
                self.post_message(self.Chosen(panel))
                return


def tab_line(current: str, cells: int) -> tuple[Line, ...]:
    """Return a part for each panel: whole names, short ones, or the digits alone but of the current one."""
    found: tuple[Line, ...] = ()
    for names in (NAMES, SHORT, {current: NAMES[current]}, {current: SHORT[current]}):
        found = tuple(_tab(panel, names.get(panel, ""), panel == current) for panel in PANELS)
        if sum(map(width, found)) + len(GAP) * (len(found) - 1) <= cells:
            break
    return found


def _tab(panel: str, name: str, current: bool) -> Line:
    digit = str(PANELS.index(panel) + 1)
    if current:
        return ((f"▏{digit}", "accent"), (f" {name}" if name else "", "strong"))
    return ((f" {digit}", "faint" if name else "dim"), (f" {name}" if name else "", "dim"))
