"""The workers of this run: as many as wanted here, restarted when they die, and those of blocks elsewhere."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from cqltui.placement.local import Local
from cqltui.placement.process import Launcher, WorkerProcess
from cqltui.placement.protocol import End, State
from cqltui.placement.restart import Restart
from cqltui.state.model import WorkerState
from cqltui.state.placed import BlockInfo
from cqltui.supervisor.lastwords import last_words
from cqltui.supervisor.outpost import News, Outpost

Died = Callable[[str, End], None]
"""Called with the worker's id and how it ended."""
GRACE_S = 60.0
NOBODY: Mapping[str, WorkerState] = {}


class Fleet:
    """Worker slots w1 .. wN of this machine, and those of the blocks elsewhere."""

    def __init__(
        self,
        launcher: Launcher,
        count: int,
        environments: Iterable[Mapping[str, str]] = (),
        outposts: Sequence[Outpost] = (),
    ) -> None:
        """`environments`: what sets the slots apart, such as the GPU; shorter than `count` is repeated."""
        self._choices = list(environments) or [{}]
        self._local = Local(launcher)
        self._outposts = outposts
        self._restarts: dict[str, Restart] = {}
        self._most: int | None = None
        self._quota: tuple[BlockInfo, ...] = ()
        self.resize(count, launcher)

    def resize(self, count: int, launcher: Launcher) -> None:
        """Have so many slots here from now on, whose workers are started so; those too many, the last ones, are asked
        to checkpoint and leave."""
        self._launcher = launcher
        self._slots = [f"w{number + 1}" for number in range(count)]
        environments = {slot: self._choices[place % len(self._choices)] for place, slot in enumerate(self._slots)}
        self._local.become(launcher, environments)
        self._restarts = {slot: self._restarts.get(slot) or Restart() for slot in self._slots}
        for slot in self._local.alive:
            if slot not in self._restarts:
                self._local.stop_slot(slot, GRACE_S)

    @property
    def size(self) -> int:
        """Slots of all machines."""
        return len(self._slots) + sum(outpost.size for outpost in self._outposts)

    def limit(self, most: int | None, quota: BlockInfo | None = None) -> None:
        """Start no worker beyond so many; those that live stay. `quota`: why, for who looks at the fleet."""
        self._most, self._quota = most, () if quota is None else (quota,)

    @property
    def alive(self) -> int:
        """Workers that live, or wait for a machine."""
        return len(self._local.alive) + sum(outpost.alive for outpost in self._outposts)

    def __contains__(self, worker_id: object) -> bool:
        """Return whether that worker lives and is ours."""
        return worker_id in self._local.alive or any(worker_id in outpost for outpost in self._outposts)

    def is_elsewhere(self, worker_id: str) -> bool:
        """Return whether it is a worker of a block elsewhere, whose end may be none of its tasks' fault."""
        return any(outpost.owns(worker_id) for outpost in self._outposts)

    def may_tell(self, worker_id: str) -> bool:
        """Return whether an engine may yet say why a worker of its block fell silent."""
        return any(outpost.may_tell(worker_id) for outpost in self._outposts if outpost.owns(worker_id))

    def pid(self, worker_id: str) -> int:
        """Return the process of a worker of ours here, as far as it is known to live; 0 if there is none."""
        worker = self._local.worker(worker_id)
        return worker.pid if worker else 0

    def is_started(self, worker_id: str) -> bool:
        """Return whether we have started that worker here, and not taken it over."""
        worker = self._local.worker(worker_id)
        return worker is not None and worker.child is not None

    def adopt(self, left: Iterable[WorkerProcess]) -> list[str]:
        """Take over the workers that a former supervisor left here, the newest of each id; their ids. Those too many
        are asked to leave. Those of blocks are found by their engine."""
        self._local.adopt(left, self._slots)
        return list(self._local.alive)

    def tend(
        self,
        wanted: int,
        died: Died,
        taken: Collection[str] = (),
        workers: Mapping[str, WorkerState] = NOBODY,
    ) -> list[str]:
        """Notice deaths and start what is missing, at most `wanted` workers; the ids of those started here. Raises
        OSError for one that cannot be started; it is tried again after a while.

        `taken`: ids under which somebody else's process works. To start ours beside it would end it. `workers`: as the
        server tells of them.
        """
        now = time.monotonic()
        wanted = wanted if self._most is None else min(wanted, self._most)
        for handle, state in self._local.list().items():
            if state is State.ENDED:
                end, slot = self._local.why(handle), handle.slot
                self._local.free(slot)
                if end.code != 0 and slot in self._restarts:
                    self._restarts[slot].died(now)
                died(slot, end)
        self._tend_outposts(wanted, died, workers)
        started: list[str] = []
        for slot in self._slots:
            if len(self._local.alive) >= wanted:
                break
            if slot not in self._local.alive and slot not in taken and self._restarts[slot].ready(now):
                self._restarts[slot].started(now)
                try:
                    self._local.start([slot])
                except OSError:
                    self._restarts[slot].died(now)
                    raise
                started.append(slot)
        return started

    def _tend_outposts(self, wanted: int, died: Died, workers: Mapping[str, WorkerState]) -> None:
        """Want elsewhere what this machine has no slots for, by the order of the file."""
        room = wanted - len(self._slots)
        for outpost in self._outposts:
            for slot, end in outpost.tend(max(0, room), workers):
                died(slot, end)
            room -= outpost.alive

    def news(self) -> list[News]:
        """Return what the blocks' engines have said that the user has to know, once."""
        return [said for outpost in self._outposts for said in outpost.news()]

    def blocks(self) -> tuple[BlockInfo, ...]:
        """Return how the blocks elsewhere stand, as their engines told last, after the user's quota if there is one."""
        return (*self._quota, *(outpost.info() for outpost in self._outposts))

    def refusals(self) -> list[tuple[str, str]]:
        """Return the blocks whose engine has refused an order, and why, each order once."""
        return [(outpost.name, why) for outpost in self._outposts for why in outpost.refusals()]

    def last_words(self, worker_id: str) -> list[str]:
        """Return the last lines of the worker's log; of one that we started, those of its latest process only."""
        if self.is_elsewhere(worker_id):
            return last_words(self._launcher.log(worker_id))
        return last_words(*self._local.log(worker_id))

    def kill(self, worker_id: str) -> bool:
        """End a worker that hangs; False if it is none of ours."""
        return self._local.stop_slot(worker_id, 0) or any(outpost.stop(worker_id, 0) for outpost in self._outposts)

    def ask_to_leave(self, worker_id: str) -> None:
        """Ask one of ours to checkpoint and leave."""
        if not self._local.stop_slot(worker_id, GRACE_S):
            any(outpost.stop(worker_id) for outpost in self._outposts)

    def terminate(self) -> None:
        """Ask all to checkpoint and leave."""
        for slot in self._local.alive:
            self._local.stop_slot(slot, GRACE_S)
        for outpost in self._outposts:
            outpost.terminate()

    def kill_all(self) -> None:
        """End all at once."""
        for slot in self._local.alive:
            self._local.stop_slot(slot, 0)
        for outpost in self._outposts:
            outpost.kill_all()
