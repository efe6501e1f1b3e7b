"""The line that names the panels where not all of them are seen."""

from cqltui.ui.layout import PANELS
from cqltui.ui.line import Line, width
from cqltui.ui.panels.nameline import GAP, NameLine

NAMES = {
    "tasks": "Tasks", "curves": "Curves", "timeline": "Timeline", "log": "Log",
    "evaluation": "Evaluation", "hardware": "Hardware", "events": "Events", "phases": "Phases", "details": "Details",
}  # fmt: skip
SHORT = NAMES | {"timeline": "Time", "evaluation": "Eval", "details": "Task"}


class TabLine(NameLine):
    """Panel names with their digits, the one that is seen marked."""

    def show_tabs(self, current: str, cells: int) -> None:
        """Draw the names as fully as they fit."""
        self.show_names(tuple(zip(tabbed(current), tab_line(current, cells), strict=True)))


def tabbed(current: str) -> tuple[str, ...]:
    """Return the panels that are named. Where one is seen at a time, Enter shows more of a task than its panel, which
    is named only while it is seen."""
    return tuple(panel for panel in PANELS if panel == current or panel != "details")


def tab_line(current: str, cells: int) -> tuple[Line, ...]:
    """Return a part for each panel: whole names, short ones, or the digits alone but of the current one."""
    found: tuple[Line, ...] = ()
    for names in (NAMES, SHORT, {current: NAMES[current]}, {current: SHORT[current]}):
        found = tuple(_tab(panel, names.get(panel, ""), panel == current) for panel in tabbed(current))
        if sum(map(width, found)) + len(GAP) * (len(found) - 1) <= cells:
            break
    return found


def _tab(panel: str, name: str, current: bool) -> Line:
    digit = str(PANELS.index(panel) + 1)
    if current:
        return ((f"▏{digit}", "accent"), (f" {name}" if name else "", "strong"))
    return ((f" {digit}", "faint" if name else "dim"), (f" {name}" if name else "", "dim"))
