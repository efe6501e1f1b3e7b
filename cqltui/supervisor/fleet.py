"""The workers of this run on this machine: as many as wanted, restarted when they die."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping

from cqltui.supervisor.lastwords import last_words
from cqltui.supervisor.process import Launcher, WorkerProcess
from cqltui.supervisor.restart import Restart

Died = Callable[[str, int], None]
"""Called with the worker's id and its exit code."""


class Fleet:
    """Worker slots w1 .. wN."""

    def __init__(self, launcher: Launcher, count: int, environments: Iterable[Mapping[str, str]] = ()) -> None:
        """`environments`: what sets the slots apart, such as the GPU; shorter than `count` is repeated."""
        self._choices = list(environments) or [{}]
        self._workers: dict[str, WorkerProcess] = {}
        self._restarts: dict[str, Restart] = {}
        self._log_starts: dict[str, int] = {}
        """Where in its log a slot's latest process began."""
        self.resize(count, launcher)

    def resize(self, count: int, launcher: Launcher) -> None:
        """Have so many slots from now on, whose workers are started so; those too many, the last ones, are asked to
        checkpoint and leave."""
        self._launcher = launcher
        self._slots = [f"w{number + 1}" for number in range(count)]
        self._environments = {slot: self._choices[place % len(self._choices)] for place, slot in enumerate(self._slots)}
        self._restarts = {slot: self._restarts.get(slot) or Restart() for slot in self._slots}
        for slot, worker in self._workers.items():
            if slot not in self._restarts:
                worker.terminate()

    @property
    def alive(self) -> int:
        """Workers that live."""
        return len(self._workers)

    def __contains__(self, worker_id: object) -> bool:
        """Return whether that worker lives and is ours."""
        return worker_id in self._workers

    def pid(self, worker_id: str) -> int:
        """Return the process of a worker of ours, as far as it is known to live; 0 if there is none."""
        worker = self._workers.get(worker_id)
        return worker.pid if worker else 0

    def is_started(self, worker_id: str) -> bool:
        """Return whether we have started that worker, and not taken it over."""
        worker = self._workers.get(worker_id)
        return worker is not None and worker.child is not None

    def adopt(self, left: Iterable[WorkerProcess]) -> list[str]:
        """Take over the workers that a former supervisor left, the newest of each id; their ids. Those too many are
        asked to leave."""
        for worker in left:
            if worker.id not in self._slots or worker.id in self._workers:
                worker.terminate()
            self._workers.setdefault(worker.id, worker)
        return list(self._workers)

    def tend(self, wanted: int, died: Died, taken: Collection[str] = ()) -> list[str]:
        """Notice deaths and start what is missing, at most `wanted` workers; the ids of those started. Raises OSError
        for one that cannot be started; it is tried again after a while.

        `taken`: ids under which somebody else's process works. To start ours beside it would end it.
        """
        now = time.monotonic()
        for slot, worker in list(self._workers.items()):
            code = worker.exit_code()
            if code is not None:
                del self._workers[slot]
                if code != 0 and slot in self._restarts:
                    self._restarts[slot].died(now)
                died(slot, code)
        started = []
        for slot in self._slots:
            if len(self._workers) >= wanted:
                break
            if slot not in self._workers and slot not in taken and self._restarts[slot].ready(now):
                self._restarts[slot].started(now)
                try:
                    worker = self._launcher.start(slot, self._environments[slot])
                except OSError:
                    self._restarts[slot].died(now)
                    raise
                self._workers[slot] = worker
                self._log_starts[slot] = worker.log_start
                started.append(slot)
        return started

    def last_words(self, worker_id: str) -> list[str]:
        """Return the last lines of the worker's log; of one that we started, those of its latest process only."""
        return last_words(self._launcher.log(worker_id), self._log_starts.get(worker_id, 0))

    def kill(self, worker_id: str) -> bool:
        """End a worker that hangs; False if it is none of ours."""
        if (worker := self._workers.get(worker_id)) is None:
            return False
        worker.kill()
        return True

    def ask_to_leave(self, worker_id: str) -> None:
        """Ask one of ours to checkpoint and leave."""
        if (worker := self._workers.get(worker_id)) is not None:
            worker.terminate()

    def terminate(self) -> None:
        """Ask all to checkpoint and leave."""
        for worker in self._workers.values():
            worker.terminate()

    def kill_all(self) -> None:
        """End all at once."""
        for worker in self._workers.values():
            worker.kill()
