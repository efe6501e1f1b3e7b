"""Workers as processes of this machine, the children of a supervisor or left by a former one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from cqltui.placement.process import Launcher, WorkerProcess
from cqltui.placement.protocol import UNSEEN, End, Handle, State


class Local:
    """A placement whose every answer is at hand: the system is asked, and nothing is remembered but who was started."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._environments: Mapping[str, Mapping[str, str]] = {}
        self._workers: dict[str, WorkerProcess] = {}
        self._log_starts: dict[str, int] = {}
        """Where in its log a slot's latest process began."""

    def become(self, launcher: Launcher, environments: Mapping[str, Mapping[str, str]]) -> None:
        """Start workers so from now on. `environments`: what sets the slots apart, such as the GPU."""
        self._launcher = launcher
        self._environments = environments

    @property
    def alive(self) -> Collection[str]:
        """The slots whose workers have not been seen to end."""
        return self._workers.keys()

    def worker(self, slot: str) -> WorkerProcess | None:
        """Return the process that has this slot, as far as it is known to live."""
        return self._workers.get(slot)

    def log(self, slot: str) -> tuple[Path, int]:
        """Return where the worker writes, and where in it its latest process began; 0 for one that we did not start."""
        return self._launcher.log(slot), self._log_starts.get(slot, 0)

    def adopt(self, left: Iterable[WorkerProcess], slots: Collection[str]) -> None:
        """Take over the workers that a former supervisor left, the newest of each id; those too many are asked to
        leave."""
        for worker in left:
            if worker.id not in slots or worker.id in self._workers:
                worker.terminate()
            self._workers.setdefault(worker.id, worker)

    def start(self, slots: Sequence[str]) -> list[Handle]:
        """As of `Placement.start`; raises OSError."""
        started: list[Handle] = []
        for slot in slots:
            try:
                worker = self._launcher.start(slot, self._environments.get(slot, {}))
            except OSError:
                if not started:
                    raise
                break
            self._workers[slot] = worker
            self._log_starts[slot] = worker.log_start
            started.append(_handle(slot, worker))
        return started

    def list(self) -> dict[Handle, State]:
        """As of `Placement.list`; one that has ended is known until the slot is started anew, or freed."""
        return {
            _handle(slot, worker): State.RUNNING if worker.exit_code() is None else State.ENDED
            for slot, worker in self._workers.items()
        }

    def why(self, handle: Handle) -> End:
        """As of `Placement.why`."""
        worker = self._workers.get(handle.slot)
        code = worker.exit_code() if worker is not None else None
        return End.of_code(UNSEEN if code is None else code)

    def reason(self, handle: Handle) -> str:
        """As of `Placement.reason`: nobody waits here."""
        return ""

    def free(self, slot: str) -> None:
        """Forget the worker of a slot, which has ended."""
        self._workers.pop(slot, None)

    def stop(self, handle: Handle, grace_s: float) -> None:
        """As of `Placement.stop`; when the grace is over is for the caller to notice."""
        if (worker := self._workers.get(handle.slot)) is not None:
            (worker.terminate if grace_s > 0 else worker.kill)()

    def stop_slot(self, slot: str, grace_s: float) -> bool:
        """As `stop`; return whether there is such a worker."""
        if (worker := self._workers.get(slot)) is None:
            return False
        self.stop(_handle(slot, worker), grace_s)
        return True


def _handle(slot: str, worker: WorkerProcess) -> Handle:
    return Handle(slot, str(worker.pid))
