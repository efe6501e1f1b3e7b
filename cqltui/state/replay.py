"""A run that was recorded, told again: the journal's events and the history's samples in, what a feed would have told
by any moment out. Pure but for what it is given; it holds no more than what runs at the moment."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct, field

from cqltui.state import decode
from cqltui.state.events import LOCAL_KINDS, Event, Kind
from cqltui.state.lanes import Past
from cqltui.state.live import LIVE_S
from cqltui.state.model import Status
from cqltui.state.past import Chronicle
from cqltui.state.untouched import queued

GAP_S = 120.0
"""Between two samples: further apart nobody was there to write, and how the run stood is not known."""
UNKNOWN = "nothing was recorded: no supervisor ran"
MILLISECONDS = 1_000
T = TypeVar("T")


class Sample(Struct, frozen=True):
    """A line of history.jsonl, as far as the journal does not tell the same."""

    ts: float
    online: bool = True
    running: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Task -> (epochs done, worker)."""
    losses: Mapping[str, float] = field(default_factory=dict)
    """Task -> the headline metric, whatever it is called."""
    workers: Mapping[str, int] = field(default_factory=dict)
    """Those that showed signs of life -> bytes of memory."""


def sample_of(raw: Mapping[str, Any]) -> Sample | None:
    """Return what a line tells; None for one that is damaged."""
    ts = decode.stamp(raw, "ts")
    if not ts:
        return None
    running, losses = {}, {}
    for task_id, told in decode.items(raw.get("running")):
        running[task_id] = decode.whole(told, "epoch"), decode.text(told, "worker")
        figures = [decode.optional(told, name) for name in told if name not in ("epoch", "worker")]
        if figures and figures[0] is not None:
            losses[task_id] = figures[0]
    workers = raw.get("workers")
    known = workers if isinstance(workers, Mapping) else {}
    return Sample(
        ts, raw.get("online") is not False, running, losses, {name: decode.whole(known, name) for name in known}
    )


class Work(Struct, frozen=True):
    """What is to be known of a task to tell how far it is. Many tasks share it."""

    algorithm: str
    epochs: int
    epoch_steps: int
    batch_size: int


class Attempt(Struct, frozen=True):
    """A worker's go at a task."""

    task: str
    work: Work
    run: int
    token: str
    worker: str
    claimed_ts: float
    resumed_epoch: int = 0


class Anchor(Struct, frozen=True):
    """How far an attempt was at some moment."""

    ts: float
    epoch: int
    sampled: bool = True
    """Whether it was reported then; else it is how far it was when it was claimed."""
    loss: float | None = None


class Trace(Protocol):
    """What an attempt has left behind of its training."""

    def report(self, ts: float, before: Anchor, after: Anchor | None) -> Mapping[str, Any]:
        """Return what its worker would have reported of it at a moment between these two. Asked forward in time."""


class TraceOf(Protocol):
    """Finds what an attempt has left behind."""

    def __call__(self, attempt: Attempt) -> Trace:
        """Return it, whatever there is of it."""


class _Peeking(Generic[T]):
    """An iterator whose next value can be looked at."""

    def __init__(self, values: Iterable[T]) -> None:
        self._values = iter(values)
        self.next: T | None = None
        self.advance()

    def advance(self) -> None:
        """Go on to the next."""
        self.next = next(self._values, None)


class _Open(Struct):
    """An attempt under way."""

    attempt: Attempt
    before: Anchor
    trace: Trace | None = None
    told: int = 0
    """Epochs, as was told last."""


class _Worker(Struct):
    """A worker as it registered."""

    told: Mapping[str, Any]
    epoch: int
    heard_ts: float
    """When the journal told of it last."""


class Replay:
    """Told once, from the beginning on."""

    def __init__(
        self,
        journal: Iterator[Event],
        history: Iterator[Sample],
        trace_of: TraceOf,
        *,
        has_history: bool = True,
        finished_ts: float = 0.0,
    ) -> None:
        """`has_history`: whether samples were written at all, so that where they lack nobody was there. `finished_ts`:
        when the run ended, where the journal has lost it."""
        self._journal, self._history = _Peeking(journal), _Peeking(history)
        self._trace_of, self._has_history = trace_of, has_history
        self._chronicle = Chronicle()
        self.past = Past()
        """What the timeline needs beside the state, as of now."""
        self._works: dict[str, Work] = {}
        self._kinds: dict[Work, Work] = {}
        self._open: dict[str, _Open] = {}
        self._workers: dict[str, _Worker] = {}
        self._sample: Sample | None = None
        self._online: bool | None = None
        self._epoch = 0
        self._finished = False
        self._finished_ts = finished_ts
        self._meta: Event | None = None
        """What was told last of the campaign."""
        self.ts = 0.0
        """What was told is of this moment."""

    def epoch_of(self, task_id: str, token: str) -> int | None:
        """Return how many epochs an attempt that goes on has come to; None: it does not go on."""
        its = self._open.get(task_id)
        return None if its is None or its.attempt.token != token else its.told

    def until(self, ts: float) -> list[Event]:
        """Return what has happened since the last call, up to a later moment, and how things stand then."""
        events: list[Event] = []
        told = False
        while (event := self._journal.next) is not None and event.ts <= ts:
            self._journal.advance()
            if event.kind in LOCAL_KINDS:
                continue
            events += self._sampled(event.ts)
            events += self._happened(event)
            told = True
        events += self._sampled(ts)
        self.ts = ts
        events += self._end(ts)
        events += self._connection(ts, self._is_known(ts), UNKNOWN)
        events += self._progress(ts)
        if told:
            self.past = self._chronicle.past()
        return [*events, Event(Kind.TICK, ts)]

    # What was written down

    def _sampled(self, ts: float) -> list[Event]:
        """Take the samples up to a moment."""
        events = []
        while (sample := self._history.next) is not None and sample.ts <= ts:
            self._history.advance()
            self._sample = sample
            events += self._connection(sample.ts, sample.online)
            for task_id, (epoch, worker) in sample.running.items():
                its = self._open.get(task_id)
                if its is not None and its.attempt.worker == worker and epoch >= its.before.epoch:
                    its.before = Anchor(sample.ts, epoch, loss=sample.losses.get(task_id))
        return events

    def _connection(self, ts: float, online: bool, why: str = "") -> list[Event]:
        if online is self._online:
            return []
        self._online = online
        return [Event(Kind.CONNECTION, ts, data={"online": online, "why": "" if online else why})]

    def _is_known(self, ts: float) -> bool:
        """Return whether somebody was there to write down how the run stood."""
        if self._finished or not self._has_history:
            return True
        before, after = self._sample, self._history.next
        if before is None:
            return True
        near = after is not None and after.ts - before.ts <= GAP_S
        return before.online and (near or ts - before.ts <= LIVE_S)

    # What happened

    def _happened(self, event: Event) -> list[Event]:
        """Take an event of the journal; return it, behind what it ends."""
        self._chronicle.add(event)
        self._epoch = max(self._epoch, event.epoch)
        before = self._connection(event.ts, self._is_known(event.ts), UNKNOWN)
        worker = event.worker or decode.text(event.data, "worker")
        if (known := self._workers.get(worker)) is not None:
            known.heard_ts = event.ts
        match event.kind:
            case Kind.WORKER_STARTED:
                self._workers[event.worker] = _Worker(event.data, event.epoch, event.ts)
            case Kind.WORKER_STOPPED:
                self._workers.pop(event.worker, None)
            case Kind.FINISHED | Kind.WANTED | Kind.CAMPAIGN | Kind.WORKERS:
                self._finished = decode.stamp(event.data, "finished_ts") > 0
                self._meta = event
            case Kind.TASKS_QUEUED:
                for task_id, told in queued(event):
                    self._learn(task_id, told["info"])
            case _ if event.kind.startswith("task."):
                before += self._moved(event, worker)
        return [*before, event]

    def _end(self, ts: float) -> list[Event]:
        """Return the run's end, if the journal has come to its own without it."""
        meta = self._meta
        if meta is None or self._finished or self._journal.next is not None or not 0 < self._finished_ts <= ts:
            return []
        self._finished = True
        data = {**meta.data, "finished_ts": self._finished_ts}
        return [Event(Kind.FINISHED, self._finished_ts, meta.epoch, meta.seq, data=data)]

    def _moved(self, event: Event, worker: str) -> list[Event]:
        """Keep account of who trains what. What an attempt had come to is told before it ends, unless its result tells
        it."""
        self._learn(event.task, event.data.get("info"))
        life = decode.lifecycle(event.data, (event.epoch, event.seq))
        if life is None:
            return []
        its, events = self._open.get(event.task), []
        if its is not None and (life.status is not Status.RUNNING or life.token != its.attempt.token):
            del self._open[event.task]
            is_settled = life.status is Status.DONE and life.report is not None
            if not is_settled and self._is_heard(its.attempt.worker, event.ts):
                events.append(self._spoken(its.attempt.worker, event.ts, [self._report(its, event.ts)]))
            its = None
        if life.status is Status.RUNNING and its is None and (known := self._works.get(event.task)) is not None:
            done = life.report.epoch if life.report is not None else 0
            attempt = Attempt(event.task, known, life.run, life.token, worker, life.claimed_ts or event.ts, done)
            self._open[event.task] = _Open(attempt, Anchor(attempt.claimed_ts, done, sampled=False), told=done)
            self._workers.setdefault(worker, _Worker({}, event.epoch, event.ts)).heard_ts = event.ts
        return events

    def _learn(self, task_id: str, told: object) -> None:
        """Take what is fixed about a task, where that is told."""
        info = decode.task_info(task_id, told)
        if info is not None:
            work = Work(info.algorithm, info.epochs, info.epoch_steps, info.batch_size)
            self._works[task_id] = self._kinds.setdefault(work, work)

    # What workers would have reported

    def _progress(self, ts: float) -> list[Event]:
        """Return a report of each worker that showed signs of life, of all that it trains."""
        members: dict[str, list[Mapping[str, Any]]] = {name: [] for name in self._workers if self._is_heard(name, ts)}
        for its in self._open.values():
            if (reports := members.get(its.attempt.worker)) is not None:
                reports.append(self._report(its, ts))
        return [self._spoken(worker, ts, reports) for worker, reports in members.items()]

    def _is_heard(self, worker: str, ts: float) -> bool:
        """Return whether the worker showed signs of life, as far as that is known."""
        known, sample = self._workers.get(worker), self._sample
        if known is None or self._finished or not self._is_known(ts):
            return False
        return sample is None or worker in sample.workers or known.heard_ts > sample.ts

    def _report(self, its: _Open, ts: float) -> Mapping[str, Any]:
        attempt = its.attempt
        if its.trace is None:
            its.trace = self._trace_of(attempt)
        after, coming = None, self._history.next
        if coming is not None and (said := coming.running.get(attempt.task)) is not None:
            epoch, worker = said
            if worker == attempt.worker and epoch >= its.before.epoch:
                after = Anchor(coming.ts, epoch)
        report = its.trace.report(ts, its.before, after)
        its.told = decode.whole(report, "epoch")
        return {"task": attempt.task, "token": attempt.token, "resumed_epoch": attempt.resumed_epoch, **report}

    def _spoken(self, worker: str, ts: float, reports: list[Mapping[str, Any]]) -> Event:
        known = self._workers[worker]
        figures = (metrics for one in reports if isinstance(metrics := one.get("metrics"), Mapping))
        data = {
            **known.told,
            "report": round(ts * MILLISECONDS),
            "samples_per_s": round(sum(decode.number(one, "samples_per_s") for one in figures), 1),
            "memory_bytes": self._sample.workers.get(worker, 0) if self._sample is not None else 0,
            "tasks": [one["task"] for one in reports],
            "members": reports,
        }
        return Event(Kind.PROGRESS, ts, known.epoch, worker=worker, data=data)
