"""What the run has found out: the verdict, what it rests on, and the success criteria of its phases."""

from cqltui.errors import CqltuiError
from cqltui.results.judged import EvaluationRead, EvaluationWish
from cqltui.state.plain import plain
from cqltui.ui.evaluationlines import criteria_count, evaluation_lines
from cqltui.ui.feeds import EVALUATION_S
from cqltui.ui.frame import Frame
from cqltui.ui.panels.panel import Panel
from cqltui.ui.reading import Reading


class EvaluationPanel(Panel):
    """The evaluation, as far as it can be told, and all phases' criteria."""

    def __init__(self, id: str, title: str, reading: Reading[EvaluationWish, EvaluationRead]) -> None:
        super().__init__(id, title)
        self._reading = reading
        self._found = EvaluationRead()
        self._frame: Frame | None = None

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return what the lines are made from, and when files are looked at again."""
        return (frame.state.campaign, frame.estimate, int(frame.now / EVALUATION_S))

    def show(self, frame: Frame) -> None:
        """Draw what differs, and have the files read."""
        self._frame = frame
        wish = EvaluationWish(int(frame.now / EVALUATION_S), frame.state)
        self._reading.follow(wish, None, frame.now, self._told, self._failed)
        self._draw()

    def _told(self, found: EvaluationRead) -> None:
        if found is not self._found:
            self._found = found
            self._draw()

    def _failed(self, error: CqltuiError) -> None:
        self._told(EvaluationRead(wrong=(plain(str(error), 400),)))

    def _draw(self) -> None:
        if (frame := self._frame) is not None:
            cells = max(self.cells, 20)
            self.foot(criteria_count(frame.state.campaign.phases))
            self.set_lines(evaluation_lines(self._found, frame.state, cells, frame.now, words=self.plain))
