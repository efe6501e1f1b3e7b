"""The line in which the words are typed by which events are listed."""

from textual import on
from textual.message import Message
from textual.widgets import Input

from cqltui.state.filter import LONGEST
from cqltui.ui.panels.typedline import Field, Hint, TypedLine

HINT = "words, all of which it has: what happened, a task's id, a worker, who did it; !word: which it has not"


class WordsLine(TypedLine):
    """Words, all of which an event has to have."""

    class Wanted(Message):
        """Other words are in force."""

        def __init__(self, words: tuple[str, ...]) -> None:
            super().__init__()
            self.words = words

    class Closed(Message):
        """The keys are the list's again."""

    def __init__(self) -> None:
        field = Field(placeholder="words", id="words", select_on_focus=False, max_length=LONGEST)
        super().__init__("wordsline", field, Hint(HINT, id="words-hint", markup=False))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Wanted(tuple(event.value.casefold().split())))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.close()
