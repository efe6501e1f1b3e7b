"""The line that names the panels where only one of them fits."""

from collections.abc import Mapping

from cqltui.ui.line import Line, joined, width
from cqltui.ui.panels.view import LineView


class TabLine(LineView, can_focus=False):
    """Panel names, the one that is seen marked."""

    def show_tabs(self, names: Mapping[str, str], current: str) -> None:
        """Draw the names; `names` from panel id to title."""
        line = self._line(names, current)
        shown = list(names)
        while width(line) > self.app.size.width and shown[0] != current:  # the current one is seen at any width
            shown.pop(0)
            line = self._line({name: names[name] for name in shown}, current)
        self.set_lines((line,))

    @staticmethod
    def _line(names: Mapping[str, str], current: str) -> Line:
        parts: list[Line] = [
            ((f"▏{title}", "strong"),) if name == current else ((f" {title}", "dim"),) for name, title in names.items()
        ]
        return joined([*parts, (("Tab ⇥", "faint"),)], ("  ", "text"))
