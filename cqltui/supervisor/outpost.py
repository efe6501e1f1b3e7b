"""The workers of one block elsewhere. Its engine is asked for them on a thread of its own: it may take its time."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from queue import Empty, SimpleQueue

from cqltui.placement.protocol import End, Handle, Placement, PlacementError, State, Why
from cqltui.placement.roster import Ended, Roster
from cqltui.state.model import WorkerState
from cqltui.state.placed import BlockInfo, JobInfo, reasons
from cqltui.state.plain import plain

log = logging.getLogger(__name__)

QUERY_S = 30.0
"""Seconds between two questions at least: schedulers have thousands of users."""
GRACE_S = 60.0
AWAITED_S = 60.0
"""So long after a worker fell silent its engine may say why: a question, and its answer."""
SHOWN = 200
"""Characters of what an engine says, which is foreign."""

News = tuple[str, str]
"""A level and a text for the user."""
Apply = Callable[[float], list[Ended]]


class Outpost:
    """As many workers as a block has slots, kept up by an engine. All but what the engine does returns at once."""

    def __init__(
        self, name: str, slots: list[str], placement: Placement, query_s: float = QUERY_S, kind: str = ""
    ) -> None:
        """`kind`: what the engine is called, for people."""
        self.name = name
        self._kind = kind
        self._placement = placement
        self._query_s = query_s
        self._roster = Roster(slots)
        self._errands: SimpleQueue[Callable[[], Apply]] = SimpleQueue()
        self._answers: SimpleQueue[Apply] = SimpleQueue()
        self._next_query = 0.0
        self._is_asking = False
        self._stopping: set[Handle] = set()
        self._former: dict[str, WorkerState] = {}
        """Who had a slot at our latest order, as far as the server told."""
        self._news: list[News] = []
        self._refused: list[str] = []
        self._told_ts = -1.0
        """When the question was asked that was answered last."""
        self._silent_since: dict[Handle, float] = {}
        self._trouble = ""
        """What the engine said last that it could not do."""
        self._reasons: dict[Handle, str] = {}
        """Of workers that wait, as far as the engine says."""
        self._told_reasons: set[str] = set()
        """Since somebody waits: engines go back and forth between a few."""
        threading.Thread(target=self._work, name=f"block {name}", daemon=True).start()

    def __contains__(self, worker_id: object) -> bool:
        """Return whether that worker lives, waits for its machine, or may live."""
        return worker_id in self._roster

    def owns(self, worker_id: str) -> bool:
        """Return whether the id is that of one of the block's slots."""
        return worker_id in self._roster.slots

    @property
    def size(self) -> int:
        """Slots of the block."""
        return len(self._roster.slots)

    @property
    def alive(self) -> int:
        """Workers that live, wait for a machine, or may live."""
        return self._roster.alive

    def info(self) -> BlockInfo:
        """Return how the block stands, as the engine told last."""
        handles = self._roster.handles().items()
        jobs = tuple(JobInfo(one.slot, one.job, state, self._reasons.get(one, "")) for one, state in handles)
        return BlockInfo(self.name, self._kind, len(self._roster.slots), jobs, self._trouble)

    def may_tell(self, worker_id: str) -> bool:
        """Return whether the engine may yet say why a worker of the block fell silent: from the first call of this on,
        until it has answered a later question, and for a minute at most."""
        if (handle := self._roster.handle(worker_id)) is None:
            return False
        now = time.monotonic()
        recent = {one: ts for one, ts in self._silent_since.items() if now - ts < 2 * AWAITED_S}
        self._silent_since = {one: ts for one, ts in recent.items() if one in self._roster.handles()}
        since = self._silent_since.setdefault(handle, now)
        return self._told_ts < since and now - since < AWAITED_S

    def tend(self, wanted: int, workers: Mapping[str, WorkerState]) -> list[Ended]:
        """Take what the engine has told, order what is missing, at most `wanted` workers; who has ended. `workers`: as
        the server tells."""
        now = time.monotonic()
        ended: list[Ended] = []
        while True:
            try:
                ended += self._answers.get_nowait()(now)
            except Empty:
                break
        self._heed(workers, now)
        for handle in self._roster.surplus:
            self._stop(handle, GRACE_S)
        self._roster.surplus.clear()
        if not self._is_asking and now >= self._next_query and (self._roster.alive or not self._roster.is_known):
            self._is_asking, self._next_query = True, now + self._query_s
            self._errands.put(partial(self._list, now))
        for slot in self._roster.due(wanted, now):
            self._former[slot] = workers.get(slot, WorkerState(slot, stopped=True))
            self._errands.put(partial(self._start, slot))
        return ended

    def news(self) -> list[News]:
        """Return what the user has to know, once."""
        said, self._news = self._news, []
        return said

    def refusals(self) -> list[str]:
        """Return why orders were refused, each once."""
        said, self._refused = self._refused, []
        return said

    def terminate(self) -> None:
        """Ask all to checkpoint and leave."""
        for handle in self._roster.handles():
            self._stop(handle, GRACE_S)

    def kill_all(self) -> None:
        """End all at once."""
        for handle in self._roster.handles():
            self._stop(handle, 0.0)

    def stop(self, worker_id: str, grace_s: float = GRACE_S) -> bool:
        """Ask one to leave, or end it at once without grace; return whether it is one of ours."""
        if (handle := self._roster.handle(worker_id)) is None:
            return False
        self._stop(handle, grace_s)
        return True

    def _heed(self, workers: Mapping[str, WorkerState], now: float) -> None:
        for slot in self._roster.slots:
            worker, former = workers.get(slot), self._former.get(slot)
            if worker is None or (former is not None and worker.version[:2] <= former.version[:2]):
                continue
            # It may have come and gone between two looks; but one who was there at our order has perhaps just gone.
            if not worker.stopped or (former is not None and former.stopped):
                self._roster.signed_on(slot)
            if worker.stopped and self._roster.signed_off(slot, now):
                log.info("worker %s has left", slot)

    def _stop(self, handle: Handle, grace_s: float) -> None:
        if grace_s > 0:
            if handle in self._stopping:
                return
            self._stopping.add(handle)
        was = self._roster.handles().get(handle)
        self._errands.put(partial(self._end, handle, grace_s, was))

    # On the thread: each errand asks the engine, and returns what to make of the answer

    def _work(self) -> None:
        while True:
            errand = self._errands.get()
            try:
                self._answers.put(errand())
            except Exception:  # of an engine's words, which nobody foresaw: the block must go on
                log.exception("block %s", self.name)
                self._answers.put(self._silent)

    def _start(self, slot: str) -> Apply:
        try:
            handle = self._placement.start([slot])[0]
        except Exception as error:  # of words that nobody foresaw, too: else the slot would count as being started
            text, refused = str(error), getattr(error, "refused", isinstance(error, OSError))
            return lambda now: self._not_started(slot, text, now, refused=refused)
        return lambda now: self._started(handle, now)

    def _list(self, asked_ts: float) -> Apply:
        try:
            found = self._placement.list()
        except (PlacementError, OSError) as error:
            text = str(error)
            return lambda now: self._silent(now, text)
        ends = {handle: self._placement.why(handle) for handle, state in found.items() if state is State.ENDED}
        waiting = {handle: self._placement.reason(handle) for handle, state in found.items() if state is State.PENDING}

        def apply(now: float) -> list[Ended]:
            self._is_asking, self._told_ts = False, asked_ts
            self._recover()
            ended = self._roster.told(found, ends.__getitem__, asked_ts, now)
            self._wait(waiting)
            return ended

        return apply

    def _end(self, handle: Handle, grace_s: float, was: State | None) -> Apply:
        try:
            self._placement.stop(handle, grace_s)
        except (PlacementError, OSError) as error:
            text = str(error)
            return lambda now: self._not_stopped(handle, text)
        if grace_s > 0 and was is not State.PENDING:
            return lambda now: []
        is_news = was is not State.PENDING  # one that never had a machine had no tasks
        return lambda now: (
            [(handle.slot, End(Why.CANCELLED))] if self._roster.cancelled(handle, now) and is_news else []
        )

    # What the answers mean, on the caller's thread

    def _started(self, handle: Handle, now: float) -> list[Ended]:
        self._recover()
        self._roster.started(handle, now)
        self._news.append(("info", f"worker {handle.slot} was ordered from {self.name} (job {plain(handle.job, 40)})"))
        return []

    def _not_started(self, slot: str, text: str, now: float, *, refused: bool) -> list[Ended]:
        self._roster.not_started(slot, now, refused=refused)
        why = f"block {self.name}: no worker could be ordered: {plain(text, SHOWN)}"
        if refused:
            self._refused.append(why)
        self._complain(why)
        return []

    def _not_stopped(self, handle: Handle, text: str) -> list[Ended]:
        self._stopping.discard(handle)
        self._complain(f"block {self.name}: job {plain(handle.job, 40)} could not be stopped: {plain(text, SHOWN)}")
        return []

    def _wait(self, waiting: Mapping[Handle, str]) -> None:
        """Take why workers wait, and tell each reason once, until none waits any more."""
        self._reasons = {handle: plain(reason.strip(), SHOWN) for handle, reason in waiting.items() if reason}
        found = reasons(self.info().jobs)
        for reason, count in found.items():
            if reason not in self._told_reasons:
                who = f"{count} workers wait" if count > 1 else "a worker waits"
                self._news.append(("info", f"block {self.name}: {who} for a machine: {reason}"))
        self._told_reasons = self._told_reasons | found.keys() if waiting else set()

    def _silent(self, now: float, text: str = "an error, which the log has") -> list[Ended]:
        self._is_asking = False
        self._complain(
            f"block {self.name}: it does not say how its workers are; it is waited for: {plain(text, SHOWN)}"
        )
        return self._roster.silent(now)

    def _complain(self, text: str) -> None:
        """Tell it once, until something has worked again."""
        if text != self._trouble:
            self._trouble = text
            log.info("%s", text)
            self._news.append(("warning", text))

    def _recover(self) -> None:
        if self._trouble:
            self._trouble = ""
            log.info("block %s answers again", self.name)
