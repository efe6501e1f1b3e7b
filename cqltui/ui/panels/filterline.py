"""The line in which a filter is typed, with what is wrong with it below."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from cqltui.state.filter import LONGEST, Filter, compiled
from cqltui.state.filter_fields import FilterError
from cqltui.state.plain import plain
from cqltui.ui.panels.typedline import Field, Hint, TypedLine
from cqltui.ui.remembered import LONGEST as LONGEST_KEPT
from cqltui.ui.remembered import MOST

HINT = 'words, "a phrase", !not, state:dead alpha>=0.3 hidden:2048 val<0.6 seed:42..50 /regex/, ↑ earlier ones'


def _read(text: str) -> tuple[Filter | None, str]:
    """Return the filter, or what is wrong with it."""
    try:
        return compiled(text), ""
    except FilterError as error:
        return None, plain(str(error))


class FilterField(Field):
    """The field itself. Earlier filters come back by the arrow keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "earlier(1)", "Earlier", show=False, id="filter.earlier", tooltip="Take an earlier filter"),
        Binding("down", "earlier(-1)", "Later", show=False, id="filter.later", tooltip="Take a later filter"),
    ]

    def __init__(self) -> None:
        super().__init__(placeholder="filter", id="filter", select_on_focus=False, max_length=LONGEST)
        self.history: tuple[str, ...] = ()
        """The newest first."""
        self._place = 0
        """How far back it is; 0 is what was being typed."""
        self._typed = ""

    def begin(self) -> None:
        """Start with what is in the field."""
        self._place = 0

    def action_earlier(self, step: int) -> None:
        """Take the filter before, or the one behind."""
        if self._place == 0:
            self._typed = self.value
        others = [text for text in self.history if text != self._typed]
        self._place = min(max(self._place + step, 0), len(others))
        self.value = others[self._place - 1] if self._place else self._typed
        self.action_end()


class FilterLine(TypedLine):
    """The field, and one line about it. While a word cannot be read, those before it stay in force, or if one of these
    is wrong the last filter that could be read."""

    class Wanted(Message):
        """Another filter is in force."""

        def __init__(self, filter: Filter) -> None:
            super().__init__()
            self.filter = filter

    class Closed(Message):
        """The keys are the list's again."""

    def __init__(self, history: Sequence[str] = ()) -> None:
        self.field: FilterField
        super().__init__("filterline", FilterField(), Hint(HINT, id="filter-hint", markup=False))
        self.field.history = tuple(history)
        self.wrong = ""
        """What is wrong with what is typed."""

    @property
    def history(self) -> tuple[str, ...]:
        """Filters that were in force, the newest first, as far as they can be remembered."""
        return self.field.history

    def open(self) -> None:
        """Show the field."""
        super().open()
        self.field.begin()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        found, self.wrong = _read(event.value)
        if self.wrong:  # "state:" begins as a word that nothing holds
            found, _ = _read(event.value.rstrip().rpartition(" ")[0])
        if found is not None:
            self.post_message(self.Wanted(found))
        self.set_class(bool(self.wrong), "-wrong")
        self.hint.tell(self.wrong or HINT)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.wrong:
            return  # it says why
        text = event.value.strip()
        if text and len(text) <= LONGEST_KEPT and text.isprintable():
            self.field.history = (text, *(known for known in self.field.history if known != text))[:MOST]
        self.close()
