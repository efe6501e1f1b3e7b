"""Which columns the task list shows, and in which order."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from cqltui.ui.layout import dialog_classes
from cqltui.ui.line import left
from cqltui.ui.panels.columns import Column
from cqltui.ui.screens.dialog import Answers
from cqltui.ui.screens.once import Once

HELP = "space shows, J K move, Enter applies, a fits, Esc leaves"
Names = tuple[str, ...] | None
"""None: nothing was chosen. No names: the columns that fit."""


class ColumnChooser(Once[Names], ModalScreen[Names]):
    """A list of all columns, of which those with a cross are shown, from above to below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,C", "leave", "Leave", id="columns.leave", tooltip="Change nothing"),
        Binding("space", "show", "Show", id="columns.toggle", tooltip="Show or hide the column"),
        Binding("j", "go(1)", "Down", show=False, id="columns.down", tooltip="Next column"),
        Binding("k", "go(-1)", "Up", show=False, id="columns.up", tooltip="Previous column"),
        Binding("J,shift+down", "move(1)", "Later", id="columns.later", tooltip="Move the column to the right"),
        Binding("K,shift+up", "move(-1)", "Earlier", id="columns.earlier", tooltip="Move the column to the left"),
        Binding("a", "automatic", "Fit", id="columns.fit", tooltip="Show the columns that fit, whatever the width"),
    ]

    def __init__(self, offered: Sequence[tuple[Column, bool]]) -> None:
        super().__init__()
        self._rows = [(column, shown) for column, shown in offered]
        self._first = self._chosen()

    def compose(self) -> ComposeResult:
        """Yield the list, and what its keys do."""
        with Vertical(id="columns"):
            yield Static("Columns", id="question", markup=False)
            yield Answers(*map(_option, self._rows), markup=False)
            yield Static(HELP, id="columns-help", markup=False)

    def on_mount(self) -> None:
        """Begin at the first column."""
        self._list.highlighted = 0
        self._list.focus()

    def on_resize(self, event: Resize) -> None:
        """Give way on a small terminal."""
        for name, wanted in dialog_classes(*self.size).items():
            self.set_class(wanted, name)

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    def _chosen(self) -> tuple[str, ...]:
        return tuple(column.name for column, shown in self._rows if shown)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Apply, at Enter; a click shows or hides."""
        event.stop()
        chosen = self._chosen()
        self.dismiss(None if chosen == self._first else chosen)

    def action_leave(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    def action_automatic(self) -> None:
        """Show what fits."""
        self.dismiss(())

    def action_show(self) -> None:
        """Show or hide the column under the cursor."""
        at = self._list.highlighted or 0
        column, shown = self._rows[at]
        self._put(at, (column, not shown))

    def action_go(self, step: int) -> None:
        """Another column."""
        self._list.highlighted = ((self._list.highlighted or 0) + step) % len(self._rows)

    def action_move(self, step: int) -> None:
        """Move the column."""
        at = self._list.highlighted or 0
        to = at + step
        if 0 <= to < len(self._rows):
            one, other = self._rows[at], self._rows[to]
            self._put(at, other)
            self._put(to, one)
            self._list.highlighted = to

    def _put(self, at: int, row: tuple[Column, bool]) -> None:
        self._rows[at] = row
        self._list.replace_option_prompt_at_index(at, _text(row))


def _option(row: tuple[Column, bool]) -> Option:
    return Option(_text(row))


def _text(row: tuple[Column, bool]) -> str:
    column, shown = row
    return f" [{'x' if shown else ' '}] {left(column.title, 12)} {column.about or column.name}"
