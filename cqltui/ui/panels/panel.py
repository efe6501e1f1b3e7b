"""What a panel of the main screen is."""

from textual.content import Content
from textual.events import Click
from textual.geometry import Size
from textual.message import Message

from cqltui.ui.frame import Frame
from cqltui.ui.panels.view import LineView


class Panel(LineView):
    """A list that is made from a frame, whole, and draws what differs."""

    class Zoomed(Message):
        """The panel is wanted in all of the screen, or at its place again."""

    class Moved(Message):
        """Something else is chosen, by which other panels go."""

    class TaskOpened(Message):
        """A task's details are wanted."""

        def __init__(self, task_id: str) -> None:
            super().__init__()
            self.task_id = task_id

    _made_for: tuple[object, ...] | None = None
    _made_size: Size | None = None

    def __init__(self, id: str, title: str = "") -> None:
        super().__init__(id)
        self._digit = self._titled = self._subtitled = ""
        self.head(title)

    def give_digit(self, digit: str) -> None:
        """Name the key that leads here; without one there is none."""
        title, self._digit, self._titled = self._titled, digit, ""
        self.head(title)

    def head(self, title: str) -> None:
        """Write this at the top of the frame, behind the panel's digit. Foreign text has to be plain."""
        if title != self._titled:
            self._titled = title
            digit = (f"{self._digit} ", "$foreground 45%") if self._digit else ""
            self.border_title = Content.assemble(digit, title)

    def foot(self, subtitle: str) -> None:
        """Write this at the bottom of the frame. Foreign text has to be plain."""
        if subtitle != self._subtitled:
            self._subtitled = subtitle
            self.border_subtitle = Content(subtitle)

    @property
    def waits(self) -> bool:
        """Whether it will draw something in a moment without being told to."""
        return False

    @property
    def worker_id(self) -> str:
        """The worker that is chosen in it; empty if there is none."""
        return ""

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        raise NotImplementedError

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return what the lines are made from: while none of it changes they stay as they are. Numbers and strings are
        compared by value, all else by identity.

        The estimate is made anew when a task has changed its state, and every second: in between only losses move. Of
        many tasks, and while nothing is told, it is made more rarely: what shows more than it is made of `frame.news`
        too.
        """
        return (frame.estimate, frame.unsupervised)

    def follow(self, frame: Frame) -> None:
        """Show the frame, unless it has nothing new for this panel."""
        needs, made_for = self.needs(frame), self._made_for
        same = made_for is not None and len(needs) == len(made_for) and all(map(_same, needs, made_for))
        if not same or self._made_size != self.outer_size:  # `size` looks for its place on the screen
            self._made_for, self._made_size = needs, self.outer_size
            self.show(frame)

    def on_click(self, event: Click) -> None:
        """Ask for all of the screen, or for the own place again, at a double click on the title."""
        if event.y == 0 and event.chain == 2 and self._digit:
            self.post_message(self.Zoomed())


def _same(new: object, old: object) -> bool:
    return new is old or (isinstance(new, int | float | str) and new == old)
