"""A finished run, played again: what a reader saw of it at any moment while it trained.

The journal has every change of a task's state, and when. The epochs in between come from metrics.csv: an epoch takes
as long as its `samples_per_s` says, and all of an attempt's together take the time that its report says it trained.
"""

from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from cqltui.broker.protocol import codec
from cqltui.results.rundir import RunDir, read_metrics
from cqltui.state.events import Event, Kind
from cqltui.state.model import Progress, RunState, Status, TaskInfo, TaskState
from cqltui.state.reduce import reduce_all


class Attempt(Struct, frozen=True):
    """The attempt at a task whose result was accepted, epoch by epoch."""

    info: TaskInfo
    token: str
    resumed_epoch: int
    begun_ts: float
    """When the training began, `elapsed_s` before the end."""
    ends_s: tuple[float, ...]
    """Seconds after `begun_ts` at which each epoch from `resumed_epoch` on ended."""

    def at(self, now: float) -> Progress | None:
        """Return the newest report of an epoch's end; None before the first."""
        done = bisect_right(self.ends_s, now - self.begun_ts)
        if not done:
            return None
        epoch, elapsed_s = self.resumed_epoch + done, self.ends_s[done - 1]
        return Progress(
            self.token, epoch * self.info.epoch_steps, epoch, self.info.epochs, self.resumed_epoch, elapsed_s,
            ts=self.begun_ts + elapsed_s,
        )  # fmt: skip


class Recorded(Struct, frozen=True):
    """A run up to the first end of all its tasks."""

    path: Path
    events: tuple[Event, ...]
    attempts: Mapping[str, Attempt]
    """By the attempt's token and task, as `_key` has it."""

    @cached_property
    def start_ts(self) -> float:
        """When the first task was claimed."""
        return min(event.ts for event in self.events if event.kind is Kind.TASK_CLAIMED)

    @cached_property
    def finish_ts(self) -> float:
        """When the last task ended."""
        return max(event.ts for event in self.events if event.kind is Kind.TASK_DONE)

    @cached_property
    def _times(self) -> list[float]:
        return list(accumulate((event.ts for event in self.events), max))

    def at(self, now: float) -> RunState:
        """Return what a reader saw at that time, whose workers all spoke just then."""
        state = reduce_all(RunState(online=True), self.events[: bisect_right(self._times, now)])
        tasks = {task.id: self._running(task, now) for task in state.tasks.values()}
        workers = {worker.id: replace(worker, ts=now) for worker in state.workers.values()}
        return replace(state, tasks=tasks, workers=workers, now=now)

    def _running(self, task: TaskState, now: float) -> TaskState:
        attempt = self.attempts.get(_key(task.id, task.life.token)) if task.status is Status.RUNNING else None
        return task if attempt is None else replace(task, live=attempt.at(now))


def recorded(path: Path) -> Recorded:
    """Return the run of a run directory. Raises ValueError if its tasks were never all done."""
    run_dir = RunDir(path)
    events = _first_pass(tuple(filter(None, map(codec.decode_event, run_dir.journal.read_bytes().splitlines()))))
    state = reduce_all(RunState(online=True), events)
    attempts: dict[str, Attempt] = {}
    for task in state.tasks.values():
        report = task.life.report
        if report is None:
            continue
        rows = read_metrics(run_dir.metrics_csv(task.id))[report.resumed_epoch : report.epoch]
        if rows and all(row.samples_per_s > 0 for row in rows):
            ends = list(accumulate(1 / row.samples_per_s for row in rows))
            ends_s = tuple(end / ends[-1] * report.elapsed_s for end in ends)
            begun_ts = task.life.finished_ts - report.elapsed_s
            attempts[_key(task.id, task.life.token)] = Attempt(
                task.info, task.life.token, report.resumed_epoch, begun_ts, ends_s
            )
    return Recorded(path, events, attempts)


def _first_pass(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Return the events up to the moment at which every task was done."""
    open_tasks: set[str] = set()
    claimed = False
    for place, event in enumerate(events):
        if not event.kind.startswith("task."):
            continue
        claimed |= event.kind is Kind.TASK_CLAIMED
        if event.kind is Kind.TASK_DONE:
            open_tasks.discard(event.task)
        else:
            open_tasks.add(event.task)
        if claimed and not open_tasks:
            return events[: place + 1]
    raise ValueError("its tasks were never all done")


def _key(task_id: str, token: str) -> str:
    return f"{task_id} {token}"
