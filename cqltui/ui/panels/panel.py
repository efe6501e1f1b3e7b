"""What a panel of the main screen is."""

from textual.geometry import Size

from cqltui.ui.frame import Frame
from cqltui.ui.panels.view import LineView


class Panel(LineView):
    """A list that is made from a frame, whole, and draws what differs."""

    _made_for: tuple[object, ...] | None = None
    _made_size: Size | None = None

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        raise NotImplementedError

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return what the lines are made from: while none of it changes they stay as they are. Numbers and strings are
        compared by value, all else by identity.

        The estimate is made anew when a task has changed its state, and every second: in between only losses move,
        and to go through thousands of tasks ten times a second for a sum would make the keys slow.
        """
        return (frame.estimate, frame.unsupervised)

    def follow(self, frame: Frame) -> None:
        """Show the frame, unless it has nothing new for this panel."""
        needs, made_for = self.needs(frame), self._made_for
        same = made_for is not None and len(needs) == len(made_for) and all(map(_same, needs, made_for))
        if not same or self._made_size != self.size:
            self._made_for, self._made_size = needs, self.size
            self.show(frame)


def _same(new: object, old: object) -> bool:
    return new is old or (isinstance(new, int | float | str) and new == old)
