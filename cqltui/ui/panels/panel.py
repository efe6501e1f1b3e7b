"""What a panel of the main screen is."""

from textual.geometry import Size

from cqltui.state.eta import Estimate
from cqltui.ui.frame import Frame
from cqltui.ui.panels.view import LineView


class Panel(LineView):
    """A list that is made from a frame, whole, and draws what differs."""

    _made_for: tuple[Estimate, bool, Size] | None = None

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        raise NotImplementedError

    def follow(self, frame: Frame) -> None:
        """Show the frame, unless it has nothing new for a list of the whole run.

        The estimate is made anew when a task has changed its state, and every second: in between only losses move,
        and to go through thousands of tasks ten times a second for a sum would make the keys slow.
        """
        made_for = self._made_for
        wanted = (frame.unsupervised, self.size)
        if made_for is None or made_for[0] is not frame.estimate or made_for[1:] != wanted:
            self._made_for = (frame.estimate, *wanted)
            self.show(frame)
