"""What the screen needs of the rest of the program. Nothing here knows of Redis, files or terminals."""

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from msgspec import Struct, field

from cqltui.campaign.defaults import STALL_S
from cqltui.later import Later
from cqltui.state.model import RunState, TaskCommand, TaskState, Wanted
from cqltui.ui.preferences import Preferences
from cqltui.ui.remembered import Remembered

if TYPE_CHECKING:
    from cqltui.identity import ProcessIdentity
    from cqltui.results import curves, judged
    from cqltui.results.curves import CurvesRead, CurveWish
    from cqltui.results.judged import EvaluationRead, EvaluationWish
    from cqltui.state import lanes, record
    from cqltui.state.events import Event
    from cqltui.state.gauges import Gauge, Sample
    from cqltui.state.happened import Happening
    from cqltui.state.lanes import Past
    from cqltui.state.placed import BlockInfo
    from cqltui.state.playhead import Playhead
    from cqltui.state.record import TaskRecord, TaskSubject
else:
    curves, judged = Later("cqltui.results.curves"), Later("cqltui.results.judged")
    lanes, record = Later("cqltui.state.lanes"), Later("cqltui.state.record")


class EventSource(Protocol):
    """Where events come from. Read by one thread of the screen's."""

    def poll(self, timeout_s: float) -> "list[Event]":
        """Return the events since the last call. Waits up to `timeout_s` for the first; CqltuiError when it gives
        up."""

    def close(self) -> None:
        """Let go of the connection, after the last poll."""


TakeBack = Callable[[], None]
"""Takes a command back. May block, and raise CqltuiError that says why it cannot be any more."""


class Requests(Protocol):
    """What a user may ask for. Each may block, and raise CqltuiError with a message for the user.

    The screen never changes what it shows by itself: it sees the event that follows.
    """

    def task(self, command: TaskCommand, task_id: str, priority: int | None = None) -> TakeBack | None:
        """Ask for something to be done with a task; return what takes it back, None if it was so already. `priority`:
        a new one, higher goes first."""

    def want(self, wanted: Wanted, instead_of: Wanted | None = None) -> None:
        """Say what is wanted of the whole run. `instead_of`: refuse if something else than this is wanted now."""

    def workers(self, count: int, instead_of: int | None = None) -> None:
        """Say how many workers the run is to have. `instead_of`: refuse if another number is asked for now, 0 for as
        many as the file says."""

    def look_at(self, task_ids: Sequence[str]) -> None:
        """Say that these tasks are seen, for half a minute: of many workers each brings the curves of these alone."""


class LogSubject(Struct, frozen=True):
    """Whose log: a worker's, or a task's part of it. Of nobody there is none."""

    worker_id: str = ""
    task_id: str = ""


class Logs(Protocol):
    """What workers have written."""

    def tail(self, worker_id: str, lines: int, task_id: str = "") -> list[str]:
        """Return the last lines of the worker's log, oldest first; with a task, those that mention its id."""


ShowReport = Callable[[], tuple[str, str]]
"""Shows the run's report in the browser; returns a sentence for the user, and what is to be copied to the clipboard, if
anything. It may block for some seconds."""


class FileChanges(Struct, frozen=True):
    """What a campaign file would change of the run."""

    lines: tuple[str, ...]
    """In words; none if it changes nothing."""
    fingerprint: str
    """Of what was compared: what is applied is agreed to by it."""


class CampaignFile(Protocol):
    """The run's campaign file. All but `edit` are called in a thread, and may take long; each may raise CqltuiError."""

    def path(self) -> Path:
        """Return where it is; raises if that is not known, or not here."""

    def edit(self, path: Path) -> None:
        """Have it edited on the terminal, which the screen has given up, and wait for it."""

    def changes(self) -> FileChanges:
        """Read it, and compare it with the run; raises with a line for each mistake."""

    def apply(self, changes: FileChanges, tell: Callable[[str], None]) -> None:
        """Have the run go on with it; `tell` shows what is waited for."""


class Steered(Protocol):
    """The clock of a run that is replayed. Called in the screen's thread; nothing blocks."""

    @property
    def head(self) -> "Playhead":
        """Where it is, and how fast it goes."""

    def now(self) -> float:
        """Return the moment of the run."""

    def toggle(self) -> None:
        """Pause, or go on."""

    def faster(self, step: int) -> None:
        """Take the next speed, or the one before."""

    def seek(self, ts: float) -> None:
        """Go to another moment."""


ReadCurves: TypeAlias = "Callable[[CurveWish], CurvesRead]"
"""Reads metrics by epoch. Called by one thread."""


ReadEvaluation: TypeAlias = "Callable[[EvaluationWish], EvaluationRead]"
"""Reads what there is of the evaluation, and gives the same object while there is nothing new. Called by one thread."""


class LeaveChoice(StrEnum):
    """What becomes of the run when the user leaves the screen."""

    BACKGROUND = "background"
    DRAIN = "drain"
    STOP = "stop"


Test = Callable[[TaskState], bool]
"""Whether a task is wanted."""


def _no_page(first: int, words: str, test: Test | None) -> None:
    pass


def _kept_nowhere(what: Remembered) -> None:
    pass


def _no_curves(wish: "CurveWish") -> "CurvesRead":
    return curves.CurvesRead()


def _no_evaluation(wish: "EvaluationWish") -> "EvaluationRead":
    return judged.EvaluationRead()


def _no_report() -> tuple[str, str]:
    return "There is no report here.", ""


def _no_record(_: "TaskSubject") -> "TaskRecord":
    return record.TaskRecord()


def _no_past() -> "Past":
    return lanes.Past()


class Ports(Struct, frozen=True, kw_only=True):
    """All that the screen is given of one run, and of its user."""

    source: EventSource
    requests: Requests
    logs: Logs
    curves: ReadCurves = _no_curves
    evaluation: ReadEvaluation = _no_evaluation
    record: "Callable[[TaskSubject], TaskRecord]" = _no_record
    """Returns what files tell of a task; called in a thread."""
    clock: Callable[[], float] = time.time
    stall_s: float = STALL_S
    """After so long without a step a task is called stalled."""
    supervised: Callable[[], bool] = lambda: True
    """Says whether the run has a supervisor. Called in a thread, about once a second; may raise OSError."""
    hindered: Callable[[], str] = str
    """Says what keeps the supervisor from its work; called like `supervised`."""
    start: Callable[[Callable[[str], None]], None] | None = None
    """Brings the run about, or reaches its server, in a thread, once the screen is seen, with a function that shows
    what is waited for. The source is read after it. When the screen is left before it has come to its end, it goes
    on."""
    planned: Sequence[str] = ()
    """A line for each task of a new run, in the order in which they are taken: seen until there is a queue."""
    waiting: str = "Starting."
    """What is waited for at first, where there is a `start`."""
    known: RunState = field(default_factory=RunState)
    """What is shown meanwhile, offline since the moment that it is of."""
    file: CampaignFile | None = None
    """The campaign file; None where there is nothing to be edited."""
    read_only: bool = False
    """Whether the screen refuses whatever would change the run."""
    past: "Callable[[], Past]" = _no_past
    """Tells what the state does not keep of what was. Called in a thread, now and then while the timeline is seen."""
    happened: "Callable[[], tuple[Happening, ...]]" = tuple
    """Tells what has happened, also before this screen was opened, the newest last; the same object while there is
    nothing new. Called in a thread, while it is looked at."""
    measure: "Callable[[Sequence[ProcessIdentity]], Gauge] | None" = None
    """Measures this machine, and those of the workers that are on it; called in a thread every two seconds. None:
    nothing is measured."""
    speeds: "Callable[[], tuple[Sample, ...]]" = tuple
    """Tells how fast the run was before; called once, in the same thread."""
    blocks: "Callable[[], tuple[BlockInfo, ...]]" = tuple
    """Tells how the blocks of workers elsewhere stand; called in a thread while they are looked at, once the server
    answers."""
    turn: Callable[[int, str, Test | None], None] = _no_page
    """Asks for another page of very many tasks (`state.page`): behind so many that were submitted before, or with words
    and a test the first that pass it. Blocks never, and the last wish counts: what is found comes with the events."""
    report: ShowReport = _no_report
    """Called in a thread of its own when the user asks for the report."""
    preferences: Preferences = field(default_factory=Preferences)
    """How the user wants the screen."""
    remembered: Remembered = field(default_factory=Remembered)
    """How the screen was arranged when it was left last."""
    keep: Callable[[Remembered], None] = _kept_nowhere
    """Keeps how it is arranged for the next start. Called in a thread of its own, after a change."""
