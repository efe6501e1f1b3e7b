"""The loop that keeps a run going: events in, workers tended, results published, the end noticed."""

import errno
import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from math import inf

from redis.exceptions import RedisError

from cqltui.broker.feed.feed import Feed
from cqltui.broker.feed.stream import events_after
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.trouble import Trouble, kind, sensible, told
from cqltui.errors import CqltuiError, ExitCode
from cqltui.placement.protocol import End
from cqltui.state import reduce
from cqltui.state.counting import tally
from cqltui.state.events import LOCAL_KINDS, Event, Kind
from cqltui.state.layered import looked_up
from cqltui.state.model import ENDED, RunState, Status, Wanted
from cqltui.state.untouched import queued_ids
from cqltui.store.base import Store
from cqltui.supervisor.filing import Filing
from cqltui.supervisor.finishing import conclude, evaluate
from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.futile import Futile
from cqltui.supervisor.guard import Guard
from cqltui.supervisor.hooks import Hooks, Reporter
from cqltui.supervisor.judging import Judging
from cqltui.supervisor.lastwords import reason
from cqltui.supervisor.outcome import STOP_GRACE_S, outcome
from cqltui.supervisor.publish import Publisher
from cqltui.supervisor.records import Records
from cqltui.supervisor.telling import Telling

log = logging.getLogger(__name__)

POLL_S, CHORES_S, CHORES_SHARE, CHORES_LONGEST_S = 0.2, 0.5, 10, 1.5
"""Chores take a while with many tasks, and rest so many times as long; but no longer than leases bear."""
KILLED_S = 5.0
"""So long after SIGKILL a process is waited for."""
GATHER, GATHER_S = 100, 0.03
"""Until there are so many events at a time, others have so long to join those that come after them."""
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
TELL_S = 20.0
"""A server that is gone for good does not keep a run from ending."""


class Supervisor:
    """One run, from the filled queue to the last result."""

    def __init__(
        self,
        queue: Queue,
        feed: Feed,
        fleet: Fleet,
        guard: Guard,
        records: Records,
        hooks: Hooks,
        reporters: Sequence[Reporter],
        task_ids: frozenset[str] = frozenset(),
        store: Store | None = None,
    ) -> None:
        """`task_ids`: without them all the run has not ended, whatever the server says. `store`: where large results
        lie; None: they come through the server."""
        self._ids = task_ids
        self.state = RunState()
        self._queue = queue
        self._feed = feed
        self._fleet = fleet
        self._guard = guard
        self._records = records
        self._hooks = hooks
        self._telling = Telling(reporters)
        self._stop_asked = threading.Event()
        self._stop_sent = False
        self._terminated_at: float | None = None
        self._came = 0
        """Events that were read last."""
        self._judging = Judging(hooks.study, hooks.describe, self._guarded)
        self._answers = True
        """Whether the server did, when last something failed."""
        self._said: list[str] = []
        """Warnings since all went well."""
        self._hindered = ""
        self._futile = Futile()
        self._filing = Filing(
            records,
            Publisher(queue, records, store),
            self._judging.note_result,
            self._guarded,
            lambda: self._answers,
        )

    def ask_stop(self) -> None:
        """Checkpoint and stop, as Ctrl-C does; may be called from a signal handler."""
        self._stop_asked.set()

    def kill_workers(self) -> None:
        """End all workers at once: what a second Ctrl-C is for."""
        self._fleet.kill_all()

    def run(self) -> ExitCode:
        """Supervise to the end; how it ended. Raises CqltuiError if no worker ever gets to work."""
        next_chores = 0.0
        while True:
            self._take(self._gathered())
            self._judging.study(self.state.tasks)
            now = time.monotonic()
            if now < next_chores:
                continue
            self._chores(now)
            rest_s = min(CHORES_SHARE * (time.monotonic() - now), CHORES_LONGEST_S)
            next_chores = now + max(CHORES_S, rest_s)
            self._futile.refused(self.state.offline_why, now)
            if why := self._futile.verdict(self._fleet.alive, now):
                self._guarded(partial(self._queue.notice, "error", why))
                self._leave()
                raise CqltuiError(why)
            if (ended := self._ended(now)) is not None:
                self._leave()
                return ended

    # What has happened

    def _gathered(self) -> Sequence[Event]:
        """Wait for what happens next. What comes in quick succession is read together: to be woken costs more than an
        event does."""
        if 0 < self._came < GATHER and not self._judging.is_behind:
            self._stop_asked.wait(GATHER_S)
        events = self._feed.poll(0.0 if self._judging.is_behind else POLL_S)
        self._came = len(events)
        return events

    def _take(self, events: Sequence[Event]) -> None:
        for event in events:
            before, after = self.state, reduce.reduce(self.state, event)
            many = event.kind is Kind.TASKS_QUEUED
            about = queued_ids(event.data) if many else [event.task]
            others = event.kind is Kind.SNAPSHOT or (not many and len(after.tasks) != len(before.tasks))
            self.state = self._records.as_planned(after, after.tasks if others else about)
            if event.kind is Kind.WORKER_STARTED or (event.kind is Kind.SNAPSHOT and self._any_registered()):
                self._futile.worked()
            self._telling.handle(before, event, self.state)
            # The tasks first: a result that is published is never recorded again, whatever becomes of the journal.
            if event.kind is Kind.SNAPSHOT:
                self._filing.take_all(self.state)
                if not ENDED.isdisjoint(tally(self.state).states):
                    self._judging.note_end()
            elif event.kind not in LOCAL_KINDS:
                for task in looked_up(self.state.tasks, about):
                    self._filing.take(task)
                    if task.status in ENDED:
                        self._judging.note_end()
            if event.kind is Kind.SNAPSHOT or event.kind not in LOCAL_KINDS:
                self._guarded(partial(self._journal, event))

    def _journal(self, event: Event) -> None:
        """Write it down, after what happened while nobody listened."""
        journal = self._records.journal
        if event.kind is Kind.SNAPSHOT or not journal.follows(event):
            journal.append(events_after(self._queue, journal.version))
        else:
            journal.append([event])

    # What is to be done about it

    def _chores(self, now: float) -> None:
        try:
            with sensible():
                self._ask(now)
            self._said.clear()
            self._hinder("")
        except (RedisError, OSError, CqltuiError) as error:
            self._say(told(error))
            self._hinder("" if kind(error) is Trouble.AWAY else told(error))
            if kind(error) is Trouble.AWAY:
                self._guarded(partial(self._hooks.ensure_server, self.state))
        self._tend()
        self._catch_up()
        self._judging.tell_if_due(self.state, now)
        self._telling.tick(self.state, time.time())

    def _ask(self, now: float) -> None:
        """Do what is to be done on the server. Raises RedisError, OSError, CqltuiError, and what nonsense may raise."""
        if self._stop_asked.is_set() and not self._stop_sent:
            self._queue.want(Wanted.STOPPED)
            self._stop_sent = True
        if self._queue.version() < self._records.version or not self._queue.is_filled():
            self._guarded(partial(self._hooks.ensure_server, self.state))
        self._hooks.audit(self.state)
        self._hooks.resize(self.state)
        self._queue.reconcile()
        self._queue.promote()
        self._guard.note_lost(self.state)
        self._guard.check(self.state, now)
        self._guarded(partial(self._hooks.serve, self.state))

    def _catch_up(self) -> None:
        """Write what could wait, or could not be written when it happened."""
        if not self._filing.catch_up(self.state.tasks):
            return
        journal = self._records.journal
        if self.state.online and journal.version < (self.state.epoch, self.state.seq):
            self._guarded(lambda: journal.append(events_after(self._queue, journal.version)))

    def _hinder(self, why: str) -> None:
        if why != self._hindered and self._guarded(partial(self._hooks.hindered, why)):
            self._hindered = why

    def _tend(self) -> None:
        wanted = 0
        runs = self.state.wanted is Wanted.RUNNING and not self._stop_asked.is_set()
        if self.state.online and runs and not self._guard.untold:
            open_states = (Status.QUEUED, Status.RUNNING, Status.DELAYED)
            wanted = sum(tally(self.state).states.get(status, 0) for status in open_states)
        self._guarded(partial(self._start_workers, wanted))
        for said in self._fleet.news():
            self._guarded(partial(self._queue.notice, *said))
        for name, why in self._fleet.refusals():
            self._futile.ended(name, why)

    def _start_workers(self, wanted: int) -> None:
        """As many as are wanted. Raises OSError: no room for a log, or for a process."""
        try:
            others = self._guard.others(self.state)
            for worker_id in self._fleet.tend(wanted, self._note_end, others, self.state.workers):
                log.info("started worker %s", worker_id)
        except OSError as error:
            if error.errno not in DISK_FULL:
                self._futile.ended("", f"it cannot be started: {error}")
            raise

    def _note_end(self, worker_id: str, end: End) -> None:
        self._guard.note_death(worker_id, end)
        if end.counts and not end.is_clean:
            why = reason(self._fleet.last_words(worker_id), end.code) or end.text
            self._futile.ended(worker_id, why)
            if not self.state.online:  # else a notice says so
                self._say(f"worker {worker_id} died: {why}")

    def _any_registered(self) -> bool:
        """Return whether a worker of ours has got as far as to tell the server that it is there."""
        return any(worker.pid and self._fleet.pid(worker.id) == worker.pid for worker in self.state.workers.values())

    def _guarded(self, action: Callable[[], object]) -> bool:
        """Do what may fail while the server is away: the next snapshot brings it about. Returns whether it was done."""
        try:
            with sensible():
                action()
        except (RedisError, OSError, CqltuiError, MemoryError) as error:
            self._answers = not isinstance(error, RedisError)
            why = told(error) if isinstance(error, RedisError) else str(error) or type(error).__name__
            self._say(f"will be tried again: {why}")
            return False
        return True

    def _say(self, text: str) -> None:
        """Warn, once: what goes wrong is tried again twice a second."""
        if text not in self._said:
            log.warning("%s", text)
            self._said.append(text)

    # How it ends

    def _ended(self, now: float) -> ExitCode | None:
        if self._stop_asked.is_set() or self.state.wanted is Wanted.STOPPED:
            return self._stopped(now)
        self._terminated_at = None  # a stop that was taken back: the next one has its own time
        if not self.state.online or not self.state.tasks or self._filing.is_behind:
            return None
        statuses = tally(self.state).states.keys()
        is_draining = self.state.wanted is Wanted.DRAINING and Status.RUNNING not in statuses
        # Tasks are gone through last, if at all: there may be a million of them.
        if not (statuses <= ENDED or is_draining) or not self._ids <= self.state.tasks.keys():
            return None
        return outcome(statuses) if statuses <= ENDED else ExitCode.STOPPED

    def _stopped(self, now: float) -> ExitCode | None:
        """Workers are asked to checkpoint and leave; those that have not after a minute are ended, whatever the server
        says of their tasks."""
        if self._terminated_at is None:
            self._terminated_at = now
            self._fleet.terminate()
        late = now - self._terminated_at > STOP_GRACE_S
        if late:
            self._fleet.kill_all()
            if now - self._terminated_at > STOP_GRACE_S + KILLED_S:  # not even SIGKILL ends a process that hangs in I/O
                return self._stop_code()
        running = self.state.online and bool(tally(self.state).running)
        if self._fleet.alive or (running and not late):
            return None
        return self._stop_code()

    def _stop_code(self) -> ExitCode:
        return ExitCode.INTERRUPTED if self._stop_asked.is_set() else ExitCode.STOPPED

    def _leave(self) -> None:
        self._fleet.terminate()
        deadline = (self._terminated_at or time.monotonic()) + STOP_GRACE_S
        while self._fleet.alive:
            self._take(self._feed.poll(POLL_S))
            self._fleet.tend(0, self._guard.note_death, workers=self.state.workers)
            if time.monotonic() > deadline:
                self._fleet.kill_all()
            if time.monotonic() > deadline + KILLED_S:
                log.error("workers are left that SIGKILL does not end")
                break
        self._guarded(partial(self._guard.check, self.state, time.monotonic()))
        self._filing.catch_up(self.state.tasks, inf)
        self._judging.tell(self.state)
        ended_ts = conclude(self._hooks, self.state)
        if self._hooks.to_evaluate(self.state):
            evaluate(self._hooks, self.state, self._notice)
            conclude(self._hooks, self.state)
            self._guarded(partial(self._hooks.describe, self.state))  # with what the evaluation has judged
        self._hooks.report(self.state, self._notice, self._was_stopped)
        self._tell_end(ended_ts)
        self._filing.catch_up(self.state.tasks, inf)

    def _was_stopped(self) -> bool:
        """Wait a moment; return whether the run is to stop."""
        self._take(self._feed.poll(POLL_S))
        return self._stop_asked.is_set() or self.state.wanted is Wanted.STOPPED

    def _notice(self, level: str, text: str) -> None:
        """Tell it now: the loop rests meanwhile."""
        self._guarded(partial(self._queue.notice, level, text))
        self._take(self._feed.poll(POLL_S))

    def _tell_end(self, ended_ts: float) -> None:
        """Make sure that screens hear of it, though the server goes away at this very moment."""
        deadline = time.monotonic() + TELL_S
        while time.monotonic() < deadline:
            try:
                with sensible():
                    self._queue.finish(ended_ts)
                    if self._queue.is_filled():
                        break
                self._say("will be tried again: the server lost its data at the end of the run")
            except (RedisError, OSError, CqltuiError) as error:
                self._say(f"will be tried again: {told(error)}")
            self._guarded(partial(self._hooks.ensure_server, self.state))
            self._take(self._feed.poll(POLL_S))
        self._take(self._feed.poll(POLL_S))
