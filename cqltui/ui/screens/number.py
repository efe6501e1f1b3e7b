"""A question that a number answers."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from cqltui.ui.layout import dialog_classes
from cqltui.ui.screens.once import Once

DIGITS = 5


class NumberDialog(Once[int], ModalScreen[int]):
    """Returns the number, 0 for none: nothing is changed by Escape, nor by the number that is there already."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="number.cancel", tooltip="change nothing", show=False)
    ]

    def __init__(self, question: str, details: str, current: int, most: int) -> None:
        """`most`: the largest that there can be."""
        super().__init__()
        self._question, self._details, self._current, self._most = question, details, current, most

    def compose(self) -> ComposeResult:
        """Yield the question, the field with what is so now, and what the keys do."""
        with Vertical(id="dialog"):
            yield Static(self._question, id="question", markup=False)
            yield Static(self._details, id="details", markup=False)
            yield Input(str(self._current), type="integer", max_length=DIGITS, id="number", compact=True)
            yield Static("Enter asks for it, Esc changes nothing", id="hint", markup=False)

    def on_mount(self) -> None:
        """Type over what is there."""
        self.set_focus(self.query_one(Input))

    def on_resize(self, event: Resize) -> None:
        """Show the field at any size."""
        for name, wanted in dialog_classes(*self.size).items():
            self.set_class(wanted, name)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        typed = event.value.strip()
        number = int(typed) if typed.isascii() and typed.isdecimal() else 0
        if number == self._current:
            self.dismiss(0)
        elif not 1 <= number <= self._most:
            wanted = f"A whole number from 1 to {self._most}, as many as the run's machine can have."
            self.query_one("#details", Static).update(wanted)
        else:
            self.dismiss(number)

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(0)
