"""The line in which the words are typed by which events are listed."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from cqltui.state.filter import LONGEST
from cqltui.ui.layout import LOW_ROWS

HINT = "words, all of which it has: what happened, a task's id, a worker, who did it; !word: which it has not"


class WordsLine(Vertical):
    """A field, and one line about it."""

    class Wanted(Message):
        """Other words are in force."""

        def __init__(self, words: tuple[str, ...]) -> None:
            super().__init__()
            self.words = words

    class Closed(Message):
        """The keys are the list's again."""

    def __init__(self) -> None:
        super().__init__(id="wordsline")
        self.field = Input(placeholder="words", id="words", select_on_focus=False, max_length=LONGEST)

    def compose(self) -> ComposeResult:
        """Yield the field and the line below."""
        yield self.field
        yield Static(HINT, id="words-hint", markup=False)

    def open(self) -> None:
        """Show the field."""
        self.display = True
        self.set_class(self.app.size.height < LOW_ROWS, "-low")

    def clear(self) -> bool:
        """Remove the words and close the field; return whether there was anything to do."""
        if not (self.display or self.field.value):
            return False
        self.field.value = ""
        self.close()
        return True

    def close(self) -> None:
        """Leave the words as they are, and the field."""
        self.display = False
        self.post_message(self.Closed())

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Wanted(tuple(event.value.casefold().split())))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.close()
