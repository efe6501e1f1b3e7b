"""What the run has found out: the success criteria of its phases."""

from cqltui.state.plain import plain
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, clip
from cqltui.ui.panels.criteria import criteria_lines
from cqltui.ui.panels.panel import Panel


class EvaluationPanel(Panel):
    """All phases' criteria."""

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        cells = max(self.cells, 20)
        lines: list[Line] = []
        for phase in frame.state.campaign.phases:
            if phase.verdicts:
                lines.append(((clip(plain(phase.title or phase.name), cells), "title"),))
                lines += criteria_lines(phase, cells)
        self.set_lines(lines or [(("Success criteria appear with the campaign.", "dim"),)])
