"""A question with a few answers, each with a key of its own."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key, Resize
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from cqltui.ui.frame import Frame
from cqltui.ui.layout import dialog_classes
from cqltui.ui.line import left
from cqltui.ui.screens.once import Once


class Choice(Struct, frozen=True):
    """An answer: its key, its name for the program, its text for people."""

    key: str
    value: str
    text: str


SIGN = "▸"
CANCEL = Choice("c", "", "Cancel")


def _open(frame: Frame) -> str:
    return ""


class Answers(OptionList):
    """The stock list fails at a page key where it has no room."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether a key does something now."""
        if action in {"page_up", "page_down"} and not self.scrollable_content_region:
            return False
        return super().check_action(action, parameters)


class Dialog(Once[str], ModalScreen[str]):
    """Returns the value of the answer; the first is preselected, Escape is "". Texts are shown as they are.

    `settled` says why there is nothing left to ask, or nothing: the dialog is closed then, and the reason shown.
    `as_of` returns the details again, where they tell of what goes on meanwhile.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False, id="dialog.cancel", tooltip="Change nothing"),
        Binding("j", "next(1)", "Next", show=False, id="dialog.next", tooltip="Go to the next answer"),
        Binding("k", "next(-1)", "Previous", show=False, id="dialog.previous", tooltip="Go to the answer before"),
    ]

    def __init__(
        self,
        question: str,
        details: Sequence[str],
        choices: Sequence[Choice],
        settled: Callable[[Frame], str] = _open,
        as_of: Callable[[Frame], Sequence[str]] | None = None,
    ) -> None:
        super().__init__()
        self._settled, self._as_of = settled, as_of
        self._question, self._details, self._choices = question, tuple(details), tuple(choices)

    def compose(self) -> ComposeResult:
        """Yield the question, what it means, and the answers."""
        with Vertical(id="dialog"):
            yield Static(self._question, id="question", markup=False)
            if self._details:
                yield Static("\n".join(self._details), id="details", markup=False)
            yield Answers(*(Option(_prompt(choice, False)) for choice in self._choices), markup=False)

    def look(self, frame: Frame) -> str:
        """Tell the details as of now; return why there is nothing left to ask, if so."""
        if self._as_of is not None and (details := tuple(self._as_of(frame))) != self._details and self.is_mounted:
            self._details = details
            self.query_one("#details", Static).update("\n".join(details))
        return self._settled(frame)

    def on_mount(self) -> None:
        """Preselect the first answer."""
        options = self.query_one(OptionList)
        options.highlighted = 0
        options.focus()

    def on_resize(self, event: Resize) -> None:
        """Its answers are seen at any size."""
        for name, wanted in dialog_classes(*self.size).items():
            self.set_class(wanted, name)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Give the answer that Enter would take its sign: it is seen without colours."""
        for i, choice in enumerate(self._choices):
            event.option_list.replace_option_prompt_at_index(i, _prompt(choice, i == event.option_index))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click."""
        self.dismiss(self._choices[event.option_index].value)

    def on_key(self, event: Key) -> None:
        """Take an answer's own key."""
        for choice in self._choices:
            if event.character == choice.key:
                event.stop()
                self.dismiss(choice.value)
                return

    def action_next(self, step: int) -> None:
        """Another answer."""
        options = self.query_one(OptionList)
        options.highlighted = ((options.highlighted or 0) + step) % len(self._choices)

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss("")


def _prompt(choice: Choice, highlighted: bool) -> str:
    return f"{SIGN if highlighted else ' '}{left(choice.key, 3)} {choice.text}"


def confirm(
    verb: str,
    what: str,
    details: Sequence[str],
    settled: Callable[[Frame], str],
    as_of: Callable[[Frame], Sequence[str]] | None = None,
) -> Dialog:
    """Asks "<verb> <what>?". Yes is y, a key that asks for nothing else; no is preselected. Returns "yes" or ""."""
    no, yes = Choice("n", "", "No, change nothing"), Choice("y", "yes", f"Yes, {verb.lower()} {what}")
    return Dialog(f"{verb} {what}?", details, (no, yes), settled, as_of)
