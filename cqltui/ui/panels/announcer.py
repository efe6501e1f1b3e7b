"""The line that tells a screen reader what has changed."""

from cqltui.state.model import RunState
from cqltui.ui.announcing import changes, sentence
from cqltui.ui.frame import Frame
from cqltui.ui.line import clip
from cqltui.ui.panels.view import LineView


class Announcer(LineView, can_focus=False):
    """Says the last change until the next one."""

    def __init__(self) -> None:
        super().__init__(id="announcer")
        self._seen = RunState()

    def show(self, frame: Frame) -> None:
        """Say what has changed since the frame before."""
        before, self._seen = self._seen, frame.state
        if before is not frame.state and (said := sentence(changes(before, frame.state))):
            self.set_lines((((clip(said, max(self.cells, 20)), "text"),),))
