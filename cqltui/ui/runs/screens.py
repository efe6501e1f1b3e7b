"""The screens of the list of runs."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from cqltui.state.plain import plain
from cqltui.ui.panels.keys import KeyLine
from cqltui.ui.panels.view import LineView
from cqltui.ui.runs.view import RunsView
from cqltui.ui.screens.once import Once
from cqltui.ui.screens.roles import RoleScreen


class ComparisonScreen(RoleScreen[None], Once[None]):
    """Runs beside each other, as `cqltui compare` prints them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "Back", id="comparison.back", tooltip="Go back to the runs"),
    ]

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = names

    def compose(self) -> ComposeResult:
        """Yield the text."""
        yield LineView("comparison", "")
        yield KeyLine()

    def on_mount(self) -> None:
        """Say what is being done."""
        view = self.query_one("#comparison", LineView)
        view.border_title = Content("Compared: " + ", ".join(plain(name, 40) for name in self._names))
        view.set_lines([(("Reading the runs.", "dim"),)])
        view.focus()

    def show_text(self, lines: Sequence[str]) -> None:
        """Show what was found."""
        if self.is_attached:
            self.query_one("#comparison", LineView).set_lines([((plain(line, 1_000), "text"),) for line in lines])

    def action_back(self) -> None:
        """Go back."""
        self.dismiss(None)


class RunsScreen(RoleScreen[None]):
    """The list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "app.compare", "Compare", id="runs.compare", tooltip="Compare the marked runs with the first"),
        Binding(
            "a", "app.archive", "Archive", id="runs.archive", tooltip="Move the run into runs/archive, after a question"
        ),
        Binding("D", "app.delete", "Delete", id="runs.delete", tooltip="Delete the run for good; asks"),
        Binding("escape", "app.unmark", "Unmark", show=False, id="runs.unmark", tooltip="Remove all marks"),
    ]

    def __init__(self, at: str) -> None:
        super().__init__()
        self._at = at

    def compose(self) -> ComposeResult:
        """Yield the list and the keys."""
        yield RunsView("runs", self._at)
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one(RunsView).focus()
