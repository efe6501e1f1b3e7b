"""What the screen's threads tell it. Textual delivers them on its own thread, in order."""

from collections.abc import Callable

from textual.message import Message


class StateChanged(Message):
    """The pump has a newer state."""


class LeaveNow(Message):
    """The program is told to end, or its terminal is gone."""


class TypeOn(Message):
    """Something that was typed can be delivered."""


class Answered(Message):
    """The terminal has answered a question of its settings, maybe somebody else's."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class CallDone(Message):
    """A call in the background has ended; `then` is to run on the screen's thread."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self.then = then


class ThreadDied(Message):
    """A thread ended with an error of ours: the screen cannot be trusted any more."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Sought(Message):
    """Another moment of a replay is wanted."""

    def __init__(self, ts: float) -> None:
        super().__init__()
        self.ts = ts
