"""The question what becomes of a run that has not ended, when its screen is left."""

from cqltui.state.model import ENDED, Status
from cqltui.state.plain import plain
from cqltui.state.select import counts
from cqltui.ui.frame import Frame
from cqltui.ui.ports import LeaveChoice
from cqltui.ui.screens.dialog import CANCEL, Choice, Dialog

CHOICES = (
    Choice("b", LeaveChoice.BACKGROUND, "Leave it running in the background"),
    Choice("d", LeaveChoice.DRAIN, "Drain: running tasks end, no other starts"),
    Choice("s", LeaveChoice.STOP, "Stop: checkpoint the running tasks and stop"),
    CANCEL,
)
"""What is preselected changes nothing of the run."""


def leave_dialog(frame: Frame | None) -> Dialog:
    """Return the question. It is over once the run has finished."""
    return Dialog("Leave", (_unfinished(frame),), CHOICES, settled=_finished, as_of=lambda now: (_unfinished(now),))


def _unfinished(frame: Frame | None) -> str:
    """Return what the answer is about."""
    if frame is None or not frame.state.tasks:
        return "The run is not finished."
    found = counts(frame.state)
    running = found[Status.RUNNING]
    waiting = sum(number for status, number in found.items() if status not in ENDED) - running
    name = plain(frame.state.campaign.name, 40) or "The run"
    return f"{name} is not finished: {running} task{'s run' if running != 1 else ' runs'}, {waiting} wait."


def _finished(frame: Frame) -> str:
    return "The run has finished: q leaves it." if frame.state.finished_ts else ""
