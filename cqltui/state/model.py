"""The state of a run, frozen. Each part has an order of its own by which the newer value wins."""

from collections.abc import Mapping
from enum import StrEnum
from math import inf
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from cqltui.algorithms import DEFAULT, named
from cqltui.algorithms.base import Algorithm
from cqltui.identity import ProcessIdentity
from cqltui.state.described import CampaignInfo
from cqltui.state.page import Page


class Status(StrEnum):
    """Where a task is. Only queued tasks are in `training_queue`."""

    QUEUED = "queued"
    RUNNING = "running"
    DELAYED = "delayed"
    PAUSED = "paused"
    DONE = "done"
    DEAD = "dead"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


ENDED = frozenset({Status.DONE, Status.DEAD, Status.CANCELLED, Status.WITHDRAWN})
"""Left only by a resubmission, or by coming back into the file."""
FAILED = frozenset({Status.DEAD, Status.CANCELLED})
"""Ended without a result, though the file asks for one."""


class TaskCommand(StrEnum):
    """What a user may ask of a task."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RESUBMIT = "resubmit"
    PRIORITY = "priority"


class Wanted(StrEnum):
    """What the user wants of the whole run; the supervisor steers by it."""

    RUNNING = "running"
    PAUSED = "paused"
    DRAINING = "draining"
    STOPPED = "stopped"


class TaskInfo(Struct, frozen=True, gc=False):
    """What is fixed about a task: enough to list it and to estimate it."""

    id: str
    phase: str
    title: str = ""
    description: str = ""
    index: int = 0
    """Place in the campaign file, from 0."""
    algorithm: str = DEFAULT
    settings: Mapping[str, Any] = field(default_factory=dict)
    """By name, as `Algorithm.settings` declares them."""
    shape: str = ""
    """What the cost of a training step depends on; see `Algorithm.shape`."""
    pack: str = ""
    """Tasks of one priority with the same key train together; empty: alone."""
    epochs: int = 0
    batch_size: int = 0
    """Transitions of a training step."""
    epoch_steps: int = 0
    step_flops: int = 0
    params: int = 0
    baseline_loss: float | None = None


class Progress(Struct, frozen=True, gc=False):
    """A training run's latest report; replaced as a whole by the newer (token, step)."""

    token: str = ""
    step: int = 0
    epoch: int = 0
    epochs: int = 0
    resumed_epoch: int = 0
    """Epochs that this attempt found done."""
    elapsed_s: float = 0.0
    """Of this attempt, training only."""
    trained_s: float | None = None
    """Seconds of training over all attempts of the run."""
    ts: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)
    """The latest known value of each metric that `Algorithm.metrics` declares: not every epoch is validated."""
    best: float | None = None
    """The best value of the algorithm's validation metric."""
    best_epoch: int = 0
    """The epoch of that value; 0 if it is not known."""
    curve: tuple[tuple[int, float], ...] = ()
    """(epoch, headline metric), at most some 64 points: thinned by epoch, and the latest. The same whoever looks."""
    stopped_early: str = ""
    """Of a task that ended before its last epoch: why."""

    @property
    def samples_per_s(self) -> float:
        """Transitions a second; 0 if it is not known."""
        return self.metrics.get("samples_per_s", 0.0)


class Lifecycle(Struct, frozen=True, gc=False):
    """How far a task is on its way; replaced as a whole by the newer (epoch, seq)."""

    version: tuple[int, int] = (0, 0)
    status: Status = Status.QUEUED
    priority: float = 0.0
    order: int = 0
    """Submission number: first in, first out within a priority."""
    run: int = 1
    """Counts resubmissions."""
    attempt: int = 0
    """Counts claims within the run."""
    deaths: int = 0
    """Deaths of a worker with this task since its last new checkpoint."""
    worker: str = ""
    token: str = ""
    queued_ts: float = 0.0
    started_ts: float = 0.0
    """When the run was first claimed; 0 before."""
    claimed_ts: float = 0.0
    """When the current attempt was claimed."""
    finished_ts: float = 0.0
    ready_ts: float = 0.0
    """Delayed: when it is queued again."""
    paused_by: str = ""
    """"user" or "campaign"."""
    want: str = ""
    """Asked of the running task and not done yet: "pause" or "cancel"."""
    error: str = ""
    report: Progress | None = None
    """What is left of the training while it does not run: as of its accepted result, else of its newest checkpoint."""
    by: str = ""
    """Who asked for this change, as "anna@host screen"; empty where nobody did, but a worker or the supervisor."""


class TaskState(Struct, frozen=True, gc=False):
    """One task: what it is, where it is, how it does."""

    info: TaskInfo
    life: Lifecycle = Lifecycle()
    live: Progress | None = None
    """The latest report of an attempt; what is shown is `progress`."""
    info_version: tuple[int, int] = (0, 0)
    """The (epoch, seq) of the event or snapshot that told `info`."""

    @property
    def id(self) -> str:
        """The task's id."""
        return self.info.id

    @property
    def status(self) -> Status:
        """The lifecycle's status."""
        return self.life.status

    @property
    def progress(self) -> Progress | None:
        """What is shown of its training, wherever it is shown: of a running task the latest report of this attempt, of
        one that is done its accepted result, of any other what it has saved. None: nothing."""
        live, kept = self.live, self.life.report
        if self.status is Status.RUNNING or (self.status is Status.DONE and kept is None):
            return live if live is not None and live.token == self.life.token else kept
        return kept

    @property
    def algorithm(self) -> Algorithm:
        """What kind of training it is."""
        return named(self.info.algorithm)

    def metric(self, name: str) -> float | None:
        """Return the metric's latest value, as far as it is shown."""
        return self.progress.metrics.get(name) if self.progress else None

    @property
    def headline(self) -> float | None:
        """What lists show first."""
        return self.metric(self.algorithm.headline)

    @property
    def validation(self) -> float | None:
        """The validation metric's latest value."""
        return self.metric(self.algorithm.validation)

    @property
    def best(self) -> float | None:
        """The validation metric's best value."""
        return self.progress.best if self.progress else None

    @property
    def best_epoch(self) -> int | None:
        """The epoch of the validation metric's best value, if it is known."""
        return (self.progress.best_epoch or None) if self.progress else None

    @property
    def measured(self) -> Progress | None:
        """The last word of its latest attempt, saved or not: what speed is told by."""
        found = (
            self.live if self.progress is None or self.status not in (Status.RUNNING, Status.DONE) else self.progress
        )
        if found is None or found.token != self.life.token:
            found = self.progress
        return found if found is not None and found.token == self.life.token else None

    @property
    def stopped_early(self) -> str:
        """Why it was done before its last epoch; empty if it was not. Foreign."""
        return self.progress.stopped_early if self.status is Status.DONE and self.progress else ""

    @property
    def epochs_total(self) -> int:
        """Epochs that it has to train: of one that stopped early as many as it has trained."""
        if self.stopped_early and self.progress:
            return min(self.progress.epoch, self.info.epochs)
        return self.info.epochs

    @property
    def epochs_done(self) -> int:
        """Epochs that would survive or have survived, 0 to `epochs_total`."""
        if self.life.status is Status.DONE:
            return self.epochs_total
        return min(self.progress.epoch, self.info.epochs) if self.progress else 0


class WorkerState(Struct, frozen=True):
    """A worker process as it last spoke."""

    id: str
    ts: float = 0.0
    pid: int = 0
    process: ProcessIdentity = field(default_factory=ProcessIdentity)
    host: str = ""
    """What its machine calls itself: for people only, since others may be called so too."""
    device: str = ""
    started_ts: float = 0.0
    samples_per_s: float = 0.0
    memory_bytes: int = 0
    """Resident memory of the process, or what it holds of the accelerator's."""
    memory_total_bytes: int = 0
    """Of its device; 0 if it has not told."""
    tasks: tuple[str, ...] = ()
    stopped: bool = False
    version: tuple[int, int, int] = (0, 0, 0)
    """(epoch, seq) of the event by which it registered or stopped, and its reports since: the newer wins."""
    program: str = ""
    """Its version of cqltui; empty: an earlier one, which did not tell it."""


class Notice(Struct, frozen=True):
    """A line for the user about the run itself: an id refused, a worker restarted, a server rebuilt."""

    ts: float
    level: str
    """"info", "warning" or "error"."""
    text: str
    version: tuple[int, int] = (0, 0)


class Alike(Struct, frozen=True):
    """Tasks that are not held, and count the same: what a reader of very many knows of most."""

    info: TaskInfo
    """Of one of them, or without what is each one's own."""
    status: Status
    priority: float
    number: int


class PhaseTally(Struct, frozen=True):
    """What the tasks of a phase come to, without withdrawn ones."""

    states: Mapping[Status, int] = field(default_factory=dict)
    epochs_done: int = 0
    epochs_total: int = 0
    best: str = ""
    """The best task's id; empty: none, or it has become worse, and who is the best has to be looked for."""
    merit: tuple[bool, float, int] = (True, inf, 0)
    """As good as any task has been; see `counting.Merit`."""


class Tally(Struct, frozen=True):
    """How many tasks there are of what. What there is none of is left out."""

    summed: bool = False
    """How many there are has been told, and which has not yet: `infos`, `running` and each phase's best are missing,
    and epochs are those of done tasks."""
    of: Mapping[str, TaskState] = field(default_factory=dict)
    """The tasks that were counted."""
    infos: Mapping[str, TaskInfo] = field(default_factory=dict)
    """What is fixed about each; the same object while none of it has changed."""
    states: Mapping[Status, int] = field(default_factory=dict)
    running: tuple[str, ...] = ()
    """The ids of running tasks."""
    queued: Mapping[int, int] = field(default_factory=dict)
    """Queued tasks by priority, fractions rounded down."""
    phases: Mapping[str, PhaseTally] = field(default_factory=dict)
    work_done: int = 0
    work_total: int = 0
    """Epochs, each weighed by its FLOPs where they are known, without withdrawn and cancelled tasks."""


class RunState(Struct, frozen=True):
    """The whole run as one reader knows it."""

    campaign: CampaignInfo = field(default_factory=CampaignInfo)
    wanted: Wanted = Wanted.RUNNING
    tasks: Mapping[str, TaskState] = field(default_factory=lambda: MappingProxyType({}))
    page: Page | None = None
    """Of very many tasks, of which `tasks` are some; None: these are all."""
    alike: Mapping[tuple[object, ...], Alike] = field(default_factory=lambda: MappingProxyType({}))
    """The others, by what they count by (`counting.alike_key`)."""
    workers: Mapping[str, WorkerState] = field(default_factory=lambda: MappingProxyType({}))
    notices: tuple[Notice, ...] = ()
    """The newest last, at most `reduce.NOTICES`."""
    meta_version: tuple[int, int] = (0, 0)
    """The (epoch, seq) of `campaign`, `wanted`, `asked_workers` and `finished_ts`."""
    epoch: int = 0
    seq: int = 0
    """The newest lifecycle event applied."""
    read_version: tuple[int, int] = (0, 0)
    """The (epoch, seq) of the newest whole reading: each reader's own."""
    online: bool = False
    """Whether the server answers."""
    offline_since: float = 0.0
    offline_why: str = ""
    """What a server says that answers and does not do what it is asked; foreign. Empty for one that is away."""
    finished_ts: float = 0.0
    """When the supervisor wrote the results and left; 0 while it has not."""
    counted: Tally = Tally()
    """Of the tasks that the reducer has told last; `counting.tally` is of those that there are."""
    now: float = 0.0
    """The latest time that any event or tick has told."""
    wanted_by: str = ""
    """Who asked for `wanted`; as `Lifecycle.by`."""
    asked_workers: int = 0
    """Workers that somebody has asked for; 0: as many as the file says. What there is, `campaign.workers` says."""
    asked_workers_by: str = ""
