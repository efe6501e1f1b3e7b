"""The line that says what is wrong with the whole run."""

from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.line import clip
from cqltui.ui.panels.panel import Panel

FIX = "start the same campaign command again to go on"


class Banner(Panel, can_focus=False):
    """Shown while the server does not answer, or the supervisor is missing or held up, unless the run has finished."""

    def show(self, frame: Frame) -> None:
        """Appear, or vanish."""
        text = _wrong(frame)
        if self.display != bool(text):
            self.display = bool(text)
        if text:
            self.set_lines((((clip(text, self.cells), "warning"),),))


def _wrong(frame: Frame) -> str:
    since = frame.state.offline_since
    if not frame.stale or frame.connecting:
        if frame.unsupervised:
            return f" No supervisor runs: {FIX}."
        hindered = "" if frame.state.finished_ts else plain(frame.hindered)
        return f" The supervisor is held up: {hindered}" if hindered else ""
    if frame.replay is not None:
        return f" From {fmt.stamp(since)} on {plain(frame.state.offline_why) or 'the server did not answer'}."
    silent = f"{fmt.stamp(since)} ({fmt.duration(frame.now - since)})"
    if frame.unsupervised:
        return f" No supervisor, and no server since {silent}: {FIX}."
    if why := plain(frame.state.offline_why):
        return f" Since {silent}: {why}"
    return f" The server has not answered since {silent}. Trying again; workers go on meanwhile."
