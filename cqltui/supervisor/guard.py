"""Gives back what dead, silent and hanging workers held."""

import logging
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from redis.exceptions import RedisError

from cqltui.backoff import pause_s
from cqltui.broker.protocol.codec import decode_object
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Lease
from cqltui.broker.protocol.trouble import NONSENSE
from cqltui.broker.protocol.wire import RESULT_BYTES
from cqltui.campaign.model import WorkersConfig
from cqltui.identity import Life
from cqltui.machine import life
from cqltui.placement.protocol import UNSEEN, End, Why
from cqltui.state.counting import tally
from cqltui.state.live import live_workers, stall_limit_s
from cqltui.state.model import RunState, Status, TaskState, WorkerState
from cqltui.state.plain import plain
from cqltui.state.record import LAST_LINES, LEASE_EXPIRED, REPLACED
from cqltui.supervisor.accepted import is_of
from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.lastwords import reason as last_reason
from cqltui.supervisor.reaper import MAX_TICK_S, AnsweringClock, Unchanged
from cqltui.supervisor.records import Records
from cqltui.supervisor.versions import Versions

log = logging.getLogger(__name__)

EXPECTED = (End(Why.EXIT), End(Why.SIGNAL, -signal.SIGTERM))
"""Ends that are no news: it left, or was asked to before it could answer."""
RETRY_LONGEST_S = 600.0
"""At most, of the pause after a death: how many there were, the server says."""
TICKS_A_LEASE = 4
"""A pause, of the machine or of this process, counts at most this share of a lease."""


class _Death(Struct, frozen=True):
    end: End
    log: Sequence[str]
    """The last lines of the worker's."""


class Guard:
    """Watches leases and steps. `check` is called every half second or so while the server answers."""

    def __init__(self, queue: Queue, fleet: Fleet, config: WorkersConfig, records: Records) -> None:
        self._queue = queue
        self._fleet = fleet
        self._records = records
        self._config = config
        self._clock = AnsweringClock(min(MAX_TICK_S, config.lease_s / TICKS_A_LEASE))
        self._leases = Unchanged()
        self._steps = Unchanged()
        self._versions = Versions(queue, fleet)
        self._stalled: frozenset[str] = frozenset()
        self._deaths: dict[str, _Death] = {}
        """By worker, those that the server has not been told of."""
        self._hung: dict[str, str] = {}
        """Worker to what was said of it when it was ended because it hung."""

    @property
    def untold(self) -> bool:
        """Whether the server has yet to hear of a death: until then no other process may take the worker's id."""
        return bool(self._deaths)

    def others(self, state: RunState) -> dict[str, WorkerState]:
        """Return the living workers that are none of ours, by id: started by hand, or on another machine."""
        spoke = {worker.id for worker in live_workers(state, time.time())}
        return {
            worker.id: worker
            for worker in state.workers.values()
            if not worker.stopped and self._is_another(worker, spoke=worker.id in spoke)
        }

    def _is_another(self, worker: WorkerState, *, spoke: bool) -> bool:
        """Return whether it is none of ours and lives. `spoke`: it did just now, which is all there is of one
        elsewhere."""
        match life(worker.process):
            case Life.ALIVE:
                return worker.pid != self._fleet.pid(worker.id) and not self._fleet.is_elsewhere(worker.id)
            case Life.DEAD:
                return False
        return spoke and not self._fleet.is_elsewhere(worker.id)

    def note_death(self, worker_id: str, end: End) -> None:
        """Tell that a worker on this machine, or of a block, has ended."""
        if worker_id not in self._deaths:  # now: the next process of that id writes into the same log
            self._deaths[worker_id] = _Death(end, self._fleet.last_words(worker_id))

    def note_lost(self, state: RunState) -> None:
        """Tell of the workers of this machine that are not our children, and have died: they were started by hand, or
        by a supervisor before."""
        for worker in state.workers.values():
            if not worker.stopped and worker.id not in self._fleet and life(worker.process) is Life.DEAD:
                self.note_death(worker.id, End.of_code(UNSEEN))

    def check(self, state: RunState, monotonic: float) -> None:
        """Tell of deaths, reap expired leases, restart what hangs. Raises RedisError if the server does not answer."""
        try:
            leases = self._queue.leases()
        except (RedisError, OSError, *NONSENSE):
            self._clock.silent()
            raise
        self._clock.answered(monotonic)
        for worker_id, death in list(self._deaths.items()):
            self._tell_death(state, worker_id, death, leases)
            del self._deaths[worker_id]
            self._hung.pop(worker_id, None)
        by_id = {lease.id: lease for lease in leases}
        for lease in leases:
            if lease.fenced:
                counts = not self._fleet.is_elsewhere(lease.worker)
                self._give_back(state, lease.id, lease.token, f"its worker {lease.worker} {REPLACED}", counts=counts)
        beats = {lease.id: (lease.token, lease.beat) for lease in leases}
        for task_id in self._leases.longer_than(beats, self._clock.now, self._config.lease_s):
            lease = by_id[task_id]
            if self._fleet.may_tell(lease.worker):  # it may have run out of memory, which is a death of its tasks
                continue
            counts = not self._fleet.is_elsewhere(lease.worker)
            self._give_back(
                state, task_id, lease.token, f"{LEASE_EXPIRED}: worker {lease.worker} was silent", counts=counts
            )
        self._restart_stalled(state)
        self._versions.check(state)

    def _tell_death(self, state: RunState, worker_id: str, death: _Death, leases: Sequence[Lease]) -> None:
        if other := self.others(state).get(worker_id):
            # It is fenced, and what it held comes back as that; what is held under its id now is the other's.
            where = f"process {other.pid} on {plain(other.host, 60)}"
            self._queue.notice("warning", f"worker {worker_id} has left: another works under its id ({where})")
            return
        end = death.end
        reason = self._hung.get(worker_id, f"its worker {worker_id} died ({end.text})")
        if death.log:
            reason = "\n".join((reason, f"{LAST_LINES} {worker_id}:", *death.log))
        for lease in leases:
            if lease.worker == worker_id:
                counts = end.counts or worker_id in self._hung
                self._give_back(state, lease.id, lease.token, reason, counts=counts)
        signed_off = not self._queue.unregister_worker(worker_id)
        if not end.counts:
            self._queue.notice("info", f"worker {worker_id} has ended: {end.text}; that is no death of its tasks")
        elif end not in EXPECTED and not (signed_off and end.code == UNSEEN):
            why = f": {said}" if (said := last_reason(death.log, end.code)) else ""
            self._queue.notice("warning", f"worker {worker_id} died ({end.text}){why}")

    def _give_back(self, state: RunState, task_id: str, token: str, reason: str, *, counts: bool = True) -> None:
        """End the task's attempt: done if it has left a result, which it could not tell. `counts`: it is a death of the
        task, which may have brought it about; else it is queued again as if its worker had given it back."""
        if self._hand_over(state, task_id, token):
            return
        if not counts:
            log.info("task %s is queued again: %s", task_id, reason.partition("\n")[0])
            self._queue.release(task_id, token, Status.QUEUED)
            return
        deaths = state.tasks[task_id].life.deaths if task_id in state.tasks else 0
        retry_s = pause_s(deaths, self._config.retry_s, RETRY_LONGEST_S) if deaths else 0.0
        self._queue.died(task_id, token, reason, self._config.max_deaths, retry_s)

    def _hand_over(self, state: RunState, task_id: str, token: str) -> bool:
        """Tell of a result that its worker has written and not told. It is refused as the worker's own word would be
        if the task was given to another, or the worker's id."""
        if (task := state.tasks.get(task_id)) is None:
            return False
        data = self._records.finished(task_id, task.life.run, token) or self._received(task_id, token)
        accepted = data is not None and self._queue.complete(task_id, token, data)
        if accepted:
            self._queue.notice("info", f"task {task_id} is done: its worker left before it could tell")
        return accepted

    def _received(self, task_id: str, token: str) -> Mapping[str, Any] | None:
        """Return the result among the files that a worker on another machine has handed over."""
        size = self._queue.file_sizes(task_id, token, ["result.json"]).get("result.json", 0)
        if not 0 < size <= RESULT_BYTES:
            return None
        data = decode_object(self._queue.files(task_id, token, ["result.json"]).get("result.json"))
        return data if data is not None and is_of(data, task_id, token) else None

    def _restart_stalled(self, state: RunState) -> None:
        """No step for `stall_s` (longer before the first): said to be stalled; after as long again its worker is
        restarted."""
        running = {task_id: state.tasks[task_id] for task_id in tally(state).running}
        steps = {task_id: (task.life.token, _step(task)) for task_id, task in running.items()}
        limits = {task_id: stall_limit_s(task, self._config.stall_s) for task_id, task in running.items()}
        ages = self._steps.watch(steps, self._clock.now)
        for task_id, age in ages.items():
            worker_id = running[task_id].life.worker
            restart = age > limits[task_id] + self._config.stall_s and worker_id not in self._hung
            if restart and self._fleet.kill(worker_id):
                self._hung[worker_id] = f"it hung, no step for {age:.0f} s: its worker {worker_id} was ended"
                self._queue.notice("warning", f"task {task_id} hangs: worker {worker_id} is restarted")
            elif age > limits[task_id] and task_id not in self._stalled:
                self._queue.notice("warning", f"task {task_id} is stalled: no step for {age:.0f} s")
        self._stalled = frozenset(task_id for task_id, age in ages.items() if age > limits[task_id])


def _step(task: TaskState) -> int:
    """Return the last step that the attempt has told of."""
    progress = task.progress
    return progress.step if progress is not None and progress.token == task.life.token else -1
