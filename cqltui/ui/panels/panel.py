"""What a panel of the main screen is."""

from cqltui.ui.frame import Frame
from cqltui.ui.panels.view import LineView


class Panel(LineView):
    """A list that is made from a frame, whole, and draws what differs."""

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        raise NotImplementedError
