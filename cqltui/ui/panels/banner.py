"""The line that says what is wrong with the whole run."""

from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.line import clip
from cqltui.ui.panels.panel import Panel


class Banner(Panel, can_focus=False):
    """Shown while the server does not answer or the run has no supervisor, unless the run has finished."""

    def show(self, frame: Frame) -> None:
        """Appear, or vanish."""
        text = _wrong(frame)
        if self.display != bool(text):
            self.display = bool(text)
        if text:
            self.set_lines((((clip(text, self.cells), "warning"),),))


def _wrong(frame: Frame) -> str:
    state = frame.state
    if not state.online and not state.finished_ts and state.offline_since > 0:
        return (
            f" The server has not answered since {fmt.stamp(state.offline_since)}"
            f" ({fmt.duration(frame.now - state.offline_since)}). Trying again; workers go on meanwhile."
        )
    return " No supervisor runs: start the same campaign command again to go on." if frame.unsupervised else ""
