"""The line that names the parts of a task's details where one of them is seen at a time."""

from collections.abc import Mapping

from textual.events import Click
from textual.message import Message

from cqltui.ui.line import Line, joined, width
from cqltui.ui.panels.view import LineView

GAP = "  "


class PartLine(LineView, can_focus=False):
    """Names, the one that is seen marked. A click chooses."""

    class Chosen(Message):
        """A part is wanted."""

        def __init__(self, part: str) -> None:
            super().__init__()
            self.part = part

    def __init__(self, id: str, names: Mapping[str, str]) -> None:
        """`names`: by part, in the order of Tab."""
        super().__init__(id)
        self._names = names
        self._shown: tuple[tuple[str, Line], ...] = ()

    def mark(self, current: str, cells: int) -> None:
        """Draw the names that fit, the marked one among them."""
        shown = [(part, _name(name, part == current)) for part, name in self._names.items()]
        while _cells(shown) > cells and shown[0][0] != current:
            shown.pop(0)
        self._shown = tuple(shown)
        self.set_lines((joined([*(line for _, line in shown), (("Tab ⇥", "faint"),)], (GAP, "text")),))

    def on_click(self, event: Click) -> None:
        """Choose the part whose name it is."""
        x = 0
        for part, line in self._shown:
            x += width(line) + len(GAP)
            if event.x < x:
                self.post_message(self.Chosen(part))
                return


def _name(name: str, current: bool) -> Line:
    return ((f"▏{name}", "strong"),) if current else ((f" {name}", "dim"),)


def _cells(shown: list[tuple[str, Line]]) -> int:
    return sum(width(line) + len(GAP) for _, line in shown)
