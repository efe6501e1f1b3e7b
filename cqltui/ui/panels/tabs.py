"""The line that names the panels where only one of them fits."""

from collections.abc import Mapping

from cqltui.ui.line import Line, joined
from cqltui.ui.panels.view import LineView


class TabLine(LineView, can_focus=False):
    """Panel names, the one that is seen marked."""

    def show_tabs(self, names: Mapping[str, str], current: str) -> None:
        """Draw the names; `names` from panel id to title."""
        parts: list[Line] = [
            ((f"▏{title}", "strong"),) if name == current else ((f" {title}", "dim"),) for name, title in names.items()
        ]
        self.set_lines((joined([*parts, (("Tab ⇥", "faint"),)], ("  ", "text")),))
