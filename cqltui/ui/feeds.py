"""What panels read beside the run's state, each from a source of its own."""

from typing import TYPE_CHECKING

from msgspec import Struct

from cqltui.later import Later
from cqltui.state.model import RunState
from cqltui.ui.background import Background
from cqltui.ui.ports import LogSubject, Ports
from cqltui.ui.reading import Reading

if TYPE_CHECKING:
    from cqltui.results.curves import CurvesRead, CurveWish
    from cqltui.results.judged import EvaluationRead, EvaluationWish
    from cqltui.state import lanes
    from cqltui.state.eta import Estimate
    from cqltui.state.happened import Happening
    from cqltui.state.lanes import Lanes
    from cqltui.state.placed import BlockInfo
    from cqltui.state.record import TaskRecord, TaskSubject
else:
    lanes = Later("cqltui.state.lanes")

LOG_LINES = 1_000
RECORD_S = 2.0
"""How often the files of a task that trains are looked at."""
CURVES_S = 3.0
"""Between two readings of the same metrics."""

EVALUATION_S = 3.0
"""Between two looks at the files of the evaluation."""

BLOCKS_S = 3.0
"""Between two questions of how the blocks of workers elsewhere stand."""


class Moment(Struct, frozen=True, eq=False):
    """What lanes are made of; each is another key."""

    state: RunState
    estimate: "Estimate"
    ts: float


class Feeds(Struct, frozen=True):
    """One reading for each kind of thing that is looked at."""

    log: Reading[LogSubject, list[str]]
    curves: "Reading[CurveWish, CurvesRead]"
    lanes: "Reading[Moment, Lanes]"
    """Computed there too: of thousands of tasks they take longer than a draw may."""
    evaluation: "Reading[EvaluationWish, EvaluationRead]"
    happened: "Reading[int, tuple[Happening, ...]]"
    details_log: Reading[LogSubject, list[str]]
    """Of the details, which are seen above the main screen with a log of their own."""
    record: "Reading[TaskSubject, TaskRecord]"
    """Of the panel beside the list, which follows the cursor."""
    details_record: "Reading[TaskSubject, TaskRecord]"
    blocks: "Reading[int, tuple[BlockInfo, ...]]"

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return any(getattr(self, name).busy for name in self.__struct_fields__)


def feeds_of(ports: Ports, background: Background) -> Feeds:
    """Return the feeds from these ports, read in `background`."""

    def log(subject: LogSubject) -> list[str]:
        return ports.logs.tail(subject.worker_id, LOG_LINES, subject.task_id) if subject.worker_id else []

    def lanes_at(moment: Moment) -> "Lanes":
        return lanes.lanes(moment.state, moment.estimate, moment.ts, ports.past())

    return Feeds(
        log=Reading(log, background),
        curves=Reading(ports.curves, background, CURVES_S),
        lanes=Reading(lanes_at, background),
        evaluation=Reading(ports.evaluation, background),
        happened=Reading(lambda _: ports.happened(), background),
        details_log=Reading(log, background),
        record=Reading(ports.record, background, RECORD_S),
        details_record=Reading(ports.record, background, RECORD_S),
        blocks=Reading(lambda _: ports.blocks(), background, BLOCKS_S),
    )
