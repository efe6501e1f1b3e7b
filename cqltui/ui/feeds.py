"""What panels read beside the run's state, each from a source of its own."""

from dataclasses import dataclass

from cqltui.state.record import TaskRecord, TaskSubject
from cqltui.ui.background import Background
from cqltui.ui.ports import LogSubject, Ports
from cqltui.ui.reading import Reading

LOG_LINES = 1_000
RECORD_S = 2.0
"""How often the files of a task that trains are looked at."""


@dataclass(frozen=True, slots=True)
class Feeds:
    """One reading for each kind of thing that is looked at."""

    log: Reading[LogSubject, list[str]]
    details_log: Reading[LogSubject, list[str]]
    """Of the details, which are seen above the main screen with a log of their own."""
    record: Reading[TaskSubject, TaskRecord]

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return self.log.busy or self.details_log.busy or self.record.busy


def feeds_of(ports: Ports, background: Background) -> Feeds:
    """Return the feeds from these ports, read in `background`."""

    def log(subject: LogSubject) -> list[str]:
        return ports.logs.tail(subject.worker_id, LOG_LINES, subject.task_id) if subject.worker_id else []

    return Feeds(
        log=Reading(log, background),
        details_log=Reading(log, background),
        record=Reading(ports.record, background, RECORD_S),
    )
