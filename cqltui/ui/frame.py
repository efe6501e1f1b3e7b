"""Everything that one refresh draws from. Panels get nothing else."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from cqltui.state import select
from cqltui.state.counting import tally
from cqltui.state.eta import Estimate
from cqltui.state.gauges import Sample
from cqltui.state.happened import Happening
from cqltui.state.model import RunState, TaskState
from cqltui.state.playhead import Playhead


def as_of(state: RunState, now: float) -> float:
    """Return the moment that the state is of: `now`, or when a server that does not answer was heard last."""
    return now if state.online or not state.offline_since else min(now, state.offline_since)


class Chosen(Struct, frozen=True):
    """What the user has chosen to look at."""

    cursor: str = ""
    """The task under the cursor of the list, of a folded row the one that stands for it; empty if there is none."""
    marked: tuple[str, ...] = ()
    """The marked tasks, as listed."""
    group: tuple[str, ...] = ()
    """The tasks of the folded row under the cursor; empty where the cursor is on one task."""
    worker: str = ""
    """The worker under the cursor of the hardware, while that has the keys."""


class Frame(Struct, frozen=True):
    """The run at one moment of the screen's clock."""

    state: RunState
    estimate: Estimate
    now: float
    pending: Mapping[str, str] = field(default_factory=dict)
    """Task id -> what was asked of it and has not been seen to happen."""
    stall_s: float = 120.0
    unsupervised: bool = False
    """Whether nobody has supervised the run, which is not finished, for a while."""
    hindered: str = ""
    """What keeps the supervisor from its work, though the server answers; foreign."""
    waiting: str = ""
    """What is waited for, while the run is being started, or its server reached."""
    planned: Sequence[str] = ()
    """A line for each task of a new run, foreign; the same object as long as the screen is open."""

    chosen: Chosen = Chosen()
    read_only: bool = False
    """Whether this screen changes nothing of the run."""
    happened: tuple[Happening, ...] = ()
    """What the screen has seen happen, the newest last; the same object while there is nothing new."""
    samples: tuple[Sample, ...] = ()
    """What was measured, the newest last; the same object while there is nothing new."""
    replay: Playhead | None = None
    """Of a run that is replayed: how fast it goes, and between when and when. Where it is, `now` says."""

    @property
    def task(self) -> TaskState | None:
        """The task under the cursor."""
        return self.state.tasks.get(self.chosen.cursor)

    @property
    def news(self) -> tuple[int, int, int]:
        """What changes when something has happened to the run, and every second."""
        return self.state.epoch, self.state.seq, int(self.now)

    @property
    def as_of(self) -> float:
        """The moment that the state is of; see `as_of`."""
        return as_of(self.state, self.now)

    @property
    def stale(self) -> bool:
        """Whether the run goes on, but its server does not answer: what is drawn was so when it last did."""
        state = self.state
        return not state.online and state.offline_since > 0 and not state.finished_ts

    @property
    def connecting(self) -> bool:
        """Whether the server has yet to answer: what is drawn is as the run directory has it."""
        return bool(self.waiting) and self.state.offline_since > 0

    @property
    def stands_still(self) -> bool:
        """Whether tasks run, and all of them are stalled."""
        running = tally(self.state).running
        return bool(running) and all(self.stalled(self.state.tasks[task_id]) for task_id in running)

    def finish_ts(self, task: TaskState) -> float | None:
        """Return when the task ends or ended."""
        if task.life.finished_ts:
            return task.life.finished_ts
        expected = self.estimate.tasks.get(task.id)
        return self.estimate.told(expected.finish_ts) if expected else None

    def stalled(self, task: TaskState) -> bool:
        """Return whether the task runs and has said nothing new for long."""
        return select.stalled(task, self.as_of, self.stall_s)
