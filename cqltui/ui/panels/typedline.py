"""What lines have in common in which something is typed that a list follows."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.widgets import Input, Static

from cqltui.ui.layout import LOW_ROWS


class Hint(Static):
    """The line about a field, of a fixed height too."""

    virtual_size = Reactive(Size(0, 0))
    """As large as the line itself, as of `Body`: no second layout follows the one that shows it."""

    def tell(self, text: str) -> None:
        """Say this, which draws the line alone."""
        self.update(Content(text), layout=False)


class Field(Input):
    """What is typed, of a fixed height."""

    virtual_size = Reactive(Size(0, 0))
    """As long as the text. In Textual the screen is laid out anew with each letter."""


class TypedLine(Vertical):
    """A field, and one line about it, which a terminal with few rows leaves out."""

    Closed: ClassVar[type[Message]]
    """The keys are the list's again. Each line has its own: a screen may have several."""

    virtual_size = Reactive(Size(0, 0))
    """As of `Hint`."""

    def __init__(self, id: str, field: Field, hint: Hint) -> None:
        super().__init__(id=id)
        self.field, self.hint = field, hint

    def compose(self) -> ComposeResult:
        """Yield the field and the line below."""
        yield self.field
        yield self.hint

    @property
    def rows(self) -> int:
        """How high it is; 0 while it is closed."""
        return 1 + self.hint.display if self.display else 0

    def open(self) -> None:
        """Show the field."""
        self.display = True
        self.set_class(self.app.size.height < LOW_ROWS, "-low")

    def clear(self) -> bool:
        """Empty the field and close it; return whether there was anything to do."""
        if not (self.display or self.field.value):
            return False
        self.field.value = ""
        self.close()
        return True

    def close(self) -> None:
        """Hide the field, and leave what is in it in force."""
        self.display = False
        self.post_message(self.Closed())
