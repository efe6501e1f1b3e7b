"""The line that says that what is seen is old."""

from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.line import clip
from cqltui.ui.panels.panel import Panel


class Banner(Panel, can_focus=False):
    """Shown while the server does not answer, unless the run has finished."""

    def show(self, frame: Frame) -> None:
        """Appear, or vanish."""
        state = frame.state
        offline = not state.online and not state.finished_ts and state.offline_since > 0
        if self.display != offline:
            self.display = offline
        if offline:
            text = (
                f" The server has not answered since {fmt.stamp(state.offline_since)}"
                f" ({fmt.duration(frame.now - state.offline_since)}). Trying again; workers go on meanwhile."
            )
            self.set_lines((((clip(text, self.cells), "warning"),),))
