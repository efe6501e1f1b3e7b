"""A line of names, one of them marked, of which a click chooses one."""

from collections.abc import Sequence

from textual.events import Click
from textual.message import Message

from cqltui.ui.line import Line, joined, width
from cqltui.ui.panels.view import LineView

GAP = "  "


class NameLine(LineView, can_focus=False):
    """Names of panels, or of the parts of a screen."""

    class Chosen(Message):
        """Something is wanted, by its id."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self._shown: tuple[tuple[str, Line], ...] = ()

    def show_names(self, shown: Sequence[tuple[str, Line]], *more: Line) -> None:
        """Draw these names, each with its id, and more that cannot be chosen."""
        self._shown = tuple(shown)
        self.set_lines((joined([*(line for _, line in shown), *more], (GAP, "text")),))

    def on_click(self, event: Click) -> None:
        """Choose that whose name it is."""
        x = 0
        for name, line in self._shown:
            x += width(line) + len(GAP)
            if event.x < x:
                self.post_message(self.Chosen(name))
                return
