"""Gives back what dead, silent and hanging workers held."""

import signal
from collections.abc import Sequence

from redis.exceptions import RedisError

from cqltui.broker.queue import Queue
from cqltui.broker.records import Lease
from cqltui.campaign.model import WorkersConfig
from cqltui.state.model import RunState, Status
from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.process import UNSEEN
from cqltui.supervisor.reaper import AnsweringClock, Unchanged

EXPECTED = (0, -signal.SIGTERM)
"""Ends that are no news: it left, or was asked to before it could answer."""
RETRY_FIRST_S = 10.0
RETRY_LONGEST_S = 600.0


class Guard:
    """Watches leases and steps. `check` is called every half second or so while the server answers."""

    def __init__(self, queue: Queue, fleet: Fleet, config: WorkersConfig) -> None:
        self._queue = queue
        self._fleet = fleet
        self._config = config
        self._clock = AnsweringClock()
        self._leases = Unchanged()
        self._steps = Unchanged()
        self._stalled: frozenset[str] = frozenset()
        self._deaths: dict[str, int] = {}
        """Worker to exit code, those that the server has not been told of."""

    @property
    def untold(self) -> bool:
        """Whether the server has yet to hear of a death: until then no other process may take the worker's id."""
        return bool(self._deaths)

    def note_death(self, worker_id: str, code: int) -> None:
        """A worker on this machine has ended; `code` as of `WorkerProcess.exit_code`."""
        self._deaths.setdefault(worker_id, code)

    def check(self, state: RunState, monotonic: float) -> None:
        """Tell of deaths, reap expired leases, restart what hangs. Raises RedisError if the server does not answer."""
        try:
            leases = self._queue.leases()
        except (RedisError, OSError):
            self._clock.silent()
            raise
        self._clock.answered(monotonic)
        for worker_id, code in list(self._deaths.items()):
            self._tell_death(state, worker_id, code, leases)
            del self._deaths[worker_id]
        by_id = {lease.id: lease for lease in leases}
        for lease in leases:
            if lease.fenced:
                self._give_back(state, lease.id, lease.token, f"its worker {lease.worker} was replaced")
        beats = {lease.id: (lease.token, lease.beat) for lease in leases}
        for task_id in self._leases.longer_than(beats, self._clock.now, self._config.lease_s):
            lease = by_id[task_id]
            self._give_back(state, task_id, lease.token, f"its lease expired: worker {lease.worker} was silent")
        self._restart_stalled(state)

    def _tell_death(self, state: RunState, worker_id: str, code: int, leases: Sequence[Lease]) -> None:
        how = "its end was not seen" if code == UNSEEN else f"signal {-code}" if code < 0 else f"exit code {code}"
        for lease in leases:
            if lease.worker == worker_id:
                self._give_back(state, lease.id, lease.token, f"its worker {worker_id} died ({how})")
        signed_off = not self._queue.unregister_worker(worker_id)
        if code not in EXPECTED and not (signed_off and code == UNSEEN):
            self._queue.notice("warning", f"worker {worker_id} died ({how})")

    def _give_back(self, state: RunState, task_id: str, token: str, reason: str) -> None:
        deaths = state.tasks[task_id].life.deaths if task_id in state.tasks else 0
        retry_s = min(RETRY_FIRST_S * 2 ** (deaths - 1), RETRY_LONGEST_S) if deaths else 0.0
        self._queue.died(task_id, token, reason, self._config.max_deaths, retry_s)

    def _restart_stalled(self, state: RunState) -> None:
        """No step for `stall_s`: said to be stalled; after as long again its worker is restarted."""
        steps = {
            task.id: (task.life.token, task.progress.step)
            for task in state.tasks.values()
            if task.status is Status.RUNNING and task.progress is not None and task.progress.token == task.life.token
        }
        ages = self._steps.watch(steps, self._clock.now)
        for task_id, age in ages.items():
            worker_id = state.tasks[task_id].life.worker
            if age > 2 * self._config.stall_s and self._fleet.kill(worker_id):
                self._queue.notice("warning", f"task {task_id} hangs: worker {worker_id} is restarted")
            elif age > self._config.stall_s and task_id not in self._stalled:
                self._queue.notice("warning", f"task {task_id} is stalled: no step for {age:.0f} s")
        self._stalled = frozenset(task_id for task_id, age in ages.items() if age > self._config.stall_s)
