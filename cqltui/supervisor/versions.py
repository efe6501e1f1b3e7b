"""Workers of another version of cqltui than this supervisor's, after an upgrade or on another machine."""

import logging
import time

import cqltui
from cqltui.broker.protocol.queue import Queue
from cqltui.identity import Life
from cqltui.machine import life
from cqltui.state.live import live_workers
from cqltui.state.model import RunState, WorkerState
from cqltui.state.plain import plain
from cqltui.supervisor.fleet import Fleet

log = logging.getLogger(__name__)

SHOWN = 40
"""Characters of a version, which is foreign."""


class Versions:
    """Tells workers of another version to leave after their checkpoint, and the user what becomes of them."""

    def __init__(self, queue: Queue, fleet: Fleet) -> None:
        self._queue = queue
        self._fleet = fleet
        self._told: set[tuple[str, int, int]] = set()
        """Worker processes, by id and registration."""
        self._upgraded: set[str] = set()

    def check(self, state: RunState) -> None:
        """Look at who works. Raises RedisError."""
        spoke: set[str] | None = None
        for worker in state.workers.values():
            if worker.stopped or worker.program == cqltui.__version__ or _process(worker) in self._told:
                continue
            alive = life(worker.process)
            if alive is Life.UNKNOWN:
                spoke = {one.id for one in live_workers(state, time.time())} if spoke is None else spoke
            if alive is Life.ALIVE or (spoke is not None and worker.id in spoke):
                self._tell(worker)

    def _tell(self, worker: WorkerState) -> None:
        theirs, ours = plain(worker.program, SHOWN) or "an earlier version", cqltui.__version__
        is_ours = worker.pid != 0 and self._fleet.pid(worker.id) == worker.pid
        if is_ours and self._fleet.is_started(worker.id):
            # What is installed has changed under this process: any other that it starts would be of that version too.
            if theirs not in self._upgraded:
                self._say(
                    f"cqltui was upgraded from {ours} to {theirs} while this supervisor runs: its workers from now on "
                    f"are of {theirs}; `cqltui stop` and the campaign's command again bring a supervisor of {theirs}"
                )
            self._upgraded.add(theirs)
        else:
            then = f"one of {ours} takes its place" if is_ours else f"where it was started, install {ours}"
            what = f"worker {worker.id} is of cqltui {theirs}, this supervisor of {ours}"
            self._queue.dismiss(worker.id, f"{what}: it leaves after its checkpoint")
            if is_ours:  # known by its command line; earlier versions do not heed the server's word
                self._fleet.ask_to_leave(worker.id)
            self._say(f"{what}: it is told to leave after its checkpoint; {then}")
        self._told.add(_process(worker))

    def _say(self, text: str) -> None:
        log.warning("%s", text)
        self._queue.notice("warning", text)


def _process(worker: WorkerState) -> tuple[str, int, int]:
    epoch, registered, _ = worker.version
    return worker.id, epoch, registered
