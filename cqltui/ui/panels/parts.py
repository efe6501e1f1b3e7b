"""The line that names the parts of a task's details where one of them is seen at a time."""

from collections.abc import Mapping

from cqltui.ui.line import Line, width
from cqltui.ui.panels.nameline import GAP, NameLine


class PartLine(NameLine):
    """Names of parts, the one that is seen marked."""

    def __init__(self, id: str, names: Mapping[str, str]) -> None:
        """`names`: by part, in the order of Tab."""
        super().__init__(id)
        self._names = names

    def mark(self, current: str, cells: int) -> None:
        """Draw the names that fit, the marked one among them."""
        shown = [(part, _name(name, part == current)) for part, name in self._names.items()]
        while _cells(shown) > cells and shown[0][0] != current:
            shown.pop(0)
        self.show_names(shown, (("Tab ⇥", "faint"),))


def _name(name: str, current: bool) -> Line:
    return ((f"▏{name}", "strong"),) if current else ((f" {name}", "dim"),)


def _cells(shown: list[tuple[str, Line]]) -> int:
    return sum(width(line) + len(GAP) for _, line in shown)
