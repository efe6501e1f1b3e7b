"""The success criteria: met, failed, or not to be told yet."""

from cqltui.state.model import PhaseInfo, Verdict
from cqltui.state.plain import plain
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, clip, wrapped
from cqltui.ui.panels.panel import Panel

SIGNS = {True: ("✓", "done"), False: ("✗", "dead"), None: ("·", "dim")}


class CriteriaPanel(Panel):
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


def criteria_lines(phase: PhaseInfo, cells: int) -> list[Line]:
    """Return the phase's criteria, wrapped."""
    return [line for verdict in phase.verdicts for line in _verdict(verdict, cells)]


def _verdict(verdict: Verdict, cells: int) -> list[Line]:
    sign, role = SIGNS[verdict.passed]
    first, *more = wrapped(plain(verdict.text), cells - 2)
    lines: list[Line] = [((f"{sign} ", role), (first, "text"))]
    lines += [((f"  {text}", "text"),) for text in more]
    if verdict.detail:
        lines += [((f"  {text}", "dim"),) for text in wrapped(plain(verdict.detail, 400), cells - 2)]
    return lines
