"""What panels read beside the run's state, each from a source of its own."""

from dataclasses import dataclass

from cqltui.state.lanes import Past
from cqltui.ui.background import Background
from cqltui.ui.ports import LogSubject, Ports
from cqltui.ui.reading import Reading

LOG_LINES = 200
PAST_S = 5.0


@dataclass(frozen=True, slots=True)
class Feeds:
    """One reading for each kind of thing that is looked at."""

    log: Reading[LogSubject, list[str]]
    past: Reading[str, Past]
    """The key is of no account: there is one past."""

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return self.log.busy or self.past.busy


def feeds_of(ports: Ports, background: Background) -> Feeds:
    """Return the feeds from these ports, read in `background`."""

    def log(subject: LogSubject) -> list[str]:
        return ports.logs.tail(subject.worker_id, LOG_LINES, subject.task_id) if subject.worker_id else []

    return Feeds(log=Reading(log, background), past=Reading(lambda _: ports.past(), background, PAST_S))
