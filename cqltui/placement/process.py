"""Worker processes: started by argv, found again by it, ended by signal."""

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from msgspec import Struct

from cqltui.child import ONE_THREAD, PYTHON, clean_environment, words_of
from cqltui.machine import is_neighbour
from cqltui.placement.protocol import UNSEEN
from trainer.files import make_folder, plain_file

WORKER = ("-m", "cqltui", "worker", "--worker-id")
"""The first arguments of a worker that a supervisor starts."""
SLOT = re.compile(r"w[1-9][0-9]*")
"""What workers of a supervisor are called; others were started by hand."""


class WorkerProcess(Struct):
    """A worker of this machine, our child or one that a former supervisor left."""

    id: str
    process: psutil.Process
    child: subprocess.Popen[bytes] | None = None
    log_start: int = 0
    """Bytes that its log held before it; 0 for one that we did not start."""

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    def exit_code(self) -> int | None:
        """None while it lives; the code of a child, negative for a signal; `UNSEEN` for one that was not our child."""
        if self.child is not None:
            return self.child.poll()
        try:
            alive = self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            alive = False
        return None if alive else UNSEEN

    def terminate(self) -> None:
        """Ask it to checkpoint and leave."""
        self._signal(self.process.terminate)

    def kill(self) -> None:
        """End it at once."""
        self._signal(self.process.kill)

    @staticmethod
    def _signal(send: Callable[[], None]) -> None:
        with suppress(psutil.NoSuchProcess):
            send()


class Launcher(Struct, frozen=True):
    """How this run's workers are started."""

    arguments: Sequence[str]
    """Those of `cqltui worker`, but the id."""
    environment: Mapping[str, str]
    """In addition to ours; what nobody may read in a process list goes here."""
    logs: Path

    def log(self, worker_id: str) -> Path:
        """Return where the worker writes."""
        return self.logs / f"{worker_id}.log"

    def start(self, worker_id: str, extra: Mapping[str, str] | None = None) -> WorkerProcess:
        """Start a worker in a session of its own, so that a Ctrl-C meant for us does not reach it."""
        make_folder(self.logs)
        argv = [*PYTHON, *WORKER, worker_id, *self.arguments]
        with open(self.log(worker_id), "ab", opener=plain_file) as log:
            log_start = log.tell()
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=clean_environment({**ONE_THREAD, **self.environment, **(extra or {})}),
            )
        return WorkerProcess(worker_id, psutil.Process(child.pid), child, log_start)


def left_behind(run_dir: Path) -> list[WorkerProcess]:
    """Return the workers of that run which a former supervisor has started here and which live, the newest first.

    The processes are asked and not the server, which may have lost what it knew of them.
    """
    found = [pair for process in psutil.process_iter() if (pair := _as_worker(process, run_dir)) is not None]
    return [worker for _, worker in sorted(found, key=lambda pair: (pair[0], pair[1].pid), reverse=True)]


def _as_worker(process: psutil.Process, run_dir: Path) -> tuple[float, WorkerProcess] | None:
    """Return when it started, and the worker of the run that it is; None if it is none."""
    try:
        words = words_of(process.cmdline())
        *known, worker_id = words[: len(WORKER) + 1] or [""]
        place = Path(process.cwd(), words[words.index("--run-dir") + 1])
        is_worker = tuple(known) == WORKER and SLOT.fullmatch(worker_id) is not None
        if is_worker and run_dir.samefile(place) and is_neighbour(process):
            return process.create_time(), WorkerProcess(worker_id, process)
    except (psutil.Error, OSError, ValueError, IndexError):  # another program, gone, or somebody else's
        pass
    return None


def workers_here(run_dir: Path) -> list[int]:
    """Return the processes of all workers here that write into that run, whoever started them and however they found
    it."""
    return [process.pid for process in psutil.process_iter() if _works_on(process, run_dir)]


def _works_on(process: psutil.Process, run_dir: Path) -> bool:
    try:
        words = process.cmdline()
        if "worker" not in words or not any(word.startswith("--worker-id") for word in words):
            return False
        logs = (run_dir / "logs").resolve()
        return is_neighbour(process) and any(Path(file.path).parent == logs for file in process.open_files())
    except (psutil.Error, OSError, ValueError):  # gone, or somebody else's
        return False
