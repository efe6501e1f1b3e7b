"""A folder with a small campaign in it, the command started there as processes, and a look at the run from outside."""

import hashlib
import io
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout, suppress
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import psutil
import pytest
import redis

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.connect import connect_run_dir, connect_url
from cqltui.cli import main
from cqltui.errors import ServerError
from cqltui.results.rundir import RunDir, read_json, read_metrics
from cqltui.state.model import RunState, Status, TaskState
from cqltui.state.reduce import reduce
from tests.integration.command import PATIENCE_S, Command
from trainer.progress import EpochMetrics

STEP_S, LONGEST_STEP_S, SLOWER = 0.05, 0.25, 1.2
"""Between two looks at a run, which take milliseconds of a core: seldom where a wait is long."""
TASKS = 6
TWO = ("--workers", "2")
LASTING = ("--set", "workers.lease_s=60")
"""No busy machine costs a worker its task."""
SMALL = Path(__file__).with_name("small.toml")
HOOK = Path(__file__).with_name("hook")
ONE_WORKER = """[evaluate]
automatic = false
[report]
auto = false
[workers]
count = 1
device = "cpu"
poll_interval_s = 0.1
checkpoint_s = 0.1
"""
"""Of a campaign that trains alone, and ends with its last task."""
PACE_S = 0.01
"""What an epoch of the small campaign takes at least: tasks that are looked at while they run need not keep a core
busy for it."""
SLOW_S = 0.25
"""Of one that has to last: six tasks take two minutes, however long a busy machine needs to start a process."""


class Trained(NamedTuple):
    """What a task's training gave: the same bytes and figures, whatever happened on the way."""

    model: str
    """SHA-256 of what model.safetensors holds."""
    metrics: tuple[tuple[Any, ...], ...]
    """Rows of metrics.csv without the speed."""
    kept: tuple[tuple[str, str], ...] = ()
    """Name and SHA-256 of the models beside it."""


def copy_live(source: Path, target: Path) -> None:
    """Copy a folder in which others write: what goes away meanwhile is not copied, as it is for a user."""

    def copy(file: str, to: str) -> None:
        with suppress(FileNotFoundError):
            shutil.copy2(file, to)

    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.tmp"), copy_function=copy)


def read_trained(run_dir: RunDir, task_id: str) -> Trained | None:
    """What the task gave, None if it has no result."""
    if read_json(run_dir.result_json(task_id)) is None:
        return None
    return as_trained(run_dir.model(task_id), read_metrics(run_dir.metrics_csv(task_id)))


def as_trained(model: Path, rows: Iterable[EpochMetrics]) -> Trained:
    """The file's content, and the rows' figures."""
    figures = tuple(
        (row.epoch, row.loss, row.td_loss, row.cql_loss, row.q_mean, row.grad_norm, row.val_loss, row.val_td_loss)
        for row in rows
    )
    kept = tuple((path.name, _sha256(path)) for path in sorted(model.parent.glob("model_*.safetensors")))
    return Trained(_sha256(model), figures, kept)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def until(check: Callable[[], object], what: str, limit_s: float = PATIENCE_S) -> None:
    """Wait for it, or fail."""
    end, step_s = time.monotonic() + limit_s, STEP_S
    while not check():
        assert time.monotonic() < end, f"after {limit_s:.0f} s it is still to come: {what}"
        time.sleep(step_s)
        step_s = min(SLOWER * step_s, LONGEST_STEP_S)


def hooked(environment: Mapping[str, str], **settings: str) -> dict[str, str]:
    """The environment with the hook on its PYTHONPATH, and the hook's settings."""
    paths = (str(HOOK), environment.get("PYTHONPATH"), os.environ.get("PYTHONPATH"))
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **settings}


class Said(NamedTuple):
    """What a command wrote before it ended."""

    out: str
    err: str


class Place:
    """A folder with a campaign; the run is in runs/<its name>, as it is for a user who names no place."""

    def __init__(
        self,
        folder: Path,
        url: str | None = None,
        campaign: Path = SMALL,
        environment: Mapping[str, str] = MappingProxyType({}),
        outputs: Path | None = None,
    ) -> None:
        """`url`: of the user's own server, which commands here find in REDIS_URL. `environment`: more for them.
        `outputs`: where what they print goes, in place of the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.url = url
        self.environment = hooked(environment, PACE_S=str(PACE_S)) if campaign == SMALL else environment
        self._outputs = outputs or folder
        self.campaign = folder / campaign.name
        shutil.copyfile(campaign, self.campaign)
        self.run_dir = RunDir(folder / "runs" / campaign.stem)
        self._commands: list[Command] = []

    def slow_down(self) -> None:
        """From the next command on, what is trained here takes its time, until `speed_up`."""
        self.environment = {**self.environment, "SLOW_S": str(SLOW_S), "SLOW_UNTIL": str(self.folder / "quick")}

    def speed_up(self) -> None:
        """Have it trained as fast as ever."""
        (self.folder / "quick").touch()

    # Processes

    def start(self, *arguments: str, piped: bool = False) -> Command:
        """Start `cqltui ...` here; `piped`: as of `Command`."""
        env = {name: value for name, value in os.environ.items() if name not in ("CQLTUI_REDIS_URL", "REDIS_URL")}
        env |= self.environment
        if self.url is not None:
            env["REDIS_URL"] = self.url
        output = self._outputs / f"command-{len(self._commands)}"
        self._commands.append(Command(self.folder, output, arguments, env, piped=piped))
        return self._commands[-1]

    def ask(self, *arguments: str, code: int = 0) -> Said:
        """Run `cqltui ...` here in this very process, to its end with this code: for what nobody disturbs, such as a
        look, a wish or a refusal, where a process of its own would take half a second of a core for what it loads. What
        is asked is answered with a yes. The hook is in the processes that it starts, and not in this one."""
        if arguments[0] in ("cancel", "resubmit", "stop", "workers"):
            arguments += ("--yes",)
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
            for name in ("CQLTUI_REDIS_URL", "REDIS_URL"):
                patch.delenv(name, raising=False)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            if self.url is not None:
                patch.setenv("REDIS_URL", self.url)
            found = main(arguments)
        said = Said(out.getvalue(), err.getvalue())
        assert found == code, f"cqltui {arguments} exits {found}, not {code}:\n{said.out[-500:]}{said.err[-3000:]}"
        return said

    def begin(self, *arguments: str, piped: bool = False) -> Command:
        """Start the campaign without a screen; `piped`: as of `Command`."""
        return self.start(self.campaign.name, "--no-ui", *arguments, piped=piped)

    def complete(self, *arguments: str, code: int = 0) -> Said:
        """Run the campaign to its end with this code, supervised by this very process, as of `ask`: its server and its
        workers are processes of their own, as ever. Who does something to the supervisor meanwhile, `begin`s it."""
        late = threading.Timer(PATIENCE_S, os.kill, (os.getpid(), signal.SIGINT))  # stops it, with another code
        late.start()
        try:
            return self.ask(self.campaign.name, "--no-ui", *arguments, code=code)
        finally:
            late.cancel()

    def make(self, *arguments: str, limit_s: float = PATIENCE_S) -> None:
        """Run the campaign to its good end, and leave nothing running whatever happens."""
        try:
            self.begin(*arguments).ends(0, limit_s)
        finally:
            self.end_all()

    def processes(self, word: str = "") -> list[psutil.Process]:
        """Everything that runs in this folder: commands, supervisors, workers, servers. With a word: those that have it
        in their command line."""
        return [process for process in psutil.process_iter() if self._is_ours(process, word)]

    @property
    def goes_on(self) -> bool:
        """Whether a command that was started here has not ended, as where a test fails."""
        return any(command.code is None for command in self._commands)

    def end_all(self) -> None:
        """Kill whatever is left here, stopped processes too."""
        until(lambda: not self._kill_once(), "the end of all processes")
        for command in self._commands:
            command.kill()

    def _kill_once(self) -> bool:
        left = self.processes()
        for process in left:
            process.kill()
        psutil.wait_procs(left, 0.1)
        return bool(left)

    def _is_ours(self, process: psutil.Process, word: str) -> bool:
        try:
            is_here = process.pid != os.getpid() and Path(process.cwd()).is_relative_to(self.folder)
            return is_here and (not word or word in process.cmdline())  # it may have ended by now
        except (psutil.Error, OSError):
            return False

    # The run, from outside

    @contextmanager
    def queue(self) -> Iterator[Queue]:
        """The run's queue, over a connection that is no share in the server."""
        client = connect_run_dir(self.run_dir.path) if self.url is None else connect_url(self.url)
        try:
            yield Queue(client)
        finally:
            client.close()

    def look(self) -> RunState:
        """The run as a late reader sees it; an empty one while no server answers."""
        try:
            with self.queue() as queue:
                return reduce(RunState(), queue.snapshot())
        except (ServerError, redis.RedisError, OSError):
            return RunState()

    def running(self, *, checkpointed: bool = True) -> list[TaskState]:
        """Tasks that run, and have a checkpoint of this attempt."""
        return [
            task
            for task in self.look().tasks.values()
            if task.status is Status.RUNNING and (not checkpointed or self.checkpoints(task))
        ]

    def under_way(self) -> bool:
        """Whether some task is in its midst: it runs and has a checkpoint."""
        return bool(self.running())

    def at_work(self) -> set[str]:
        """The workers that have a task."""
        return {task.life.worker for task in self.running(checkpointed=False)}

    def checkpoints(self, task: TaskState) -> list[Path]:
        """Those of the task's current attempt."""
        return list(self.run_dir.attempt(task.id, task.life.run, task.life.token).glob("checkpoint-*"))

    def freeze(self) -> tuple[TaskState, int]:
        """Stop (SIGSTOP) a worker in the middle of a task that has a checkpoint; the task and the worker's process."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            for task in self.running():
                pid = self.worker_pids().get(task.life.worker, 0)
                if pid == 0:
                    continue
                os.kill(pid, signal.SIGSTOP)
                if any(task.id == other.id and task.life.token == other.life.token for other in self.running()):
                    return task, pid
                os.kill(pid, signal.SIGCONT)  # it ended its task just before
            time.sleep(STEP_S)
        raise AssertionError("no task has come to run with a checkpoint")

    def worker_pids(self) -> dict[str, int]:
        """Worker to process, of those that are registered."""
        return {worker.id: worker.pid for worker in self.look().workers.values() if not worker.stopped}

    def server_pid(self) -> int:
        """The embedded server's process."""
        said = read_json(self.run_dir.server / "connection.json")
        assert said is not None, "there is no server here"
        return int(said["pid"])

    # What it leaves

    def trained(self) -> dict[str, Trained]:
        """What every task gave, checked to have every epoch once."""
        found = self.trained_so_far()
        for task_id, trained in found.items():
            assert [row[0] for row in trained.metrics] == list(range(1, self.result(task_id)["epochs"] + 1))
        return found

    def trained_so_far(self) -> dict[str, Trained]:
        """What those tasks gave that have a result."""
        ids = [folder.name for folder in self.run_dir.tasks.iterdir()]
        return {task_id: found for task_id in ids if (found := read_trained(self.run_dir, task_id)) is not None}

    def result(self, task_id: str) -> dict[str, Any]:
        """The task's accepted result."""
        said = read_json(self.run_dir.result_json(task_id))
        assert said is not None, f"task {task_id} has no result"
        return said

    def tokens(self) -> dict[str, str]:
        """Task to the token of its accepted attempt."""
        return {folder.name: self.result(folder.name)["token"] for folder in self.run_dir.tasks.iterdir()}

    def journal(self) -> list[dict[str, Any]]:
        """Its lines, but for one that is being written."""
        whole, _, _ = self.run_dir.journal.read_text(encoding="utf-8").rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def check_journal(self) -> None:
        """Every event is there once, in order and without a gap in an epoch of the server. A worker may have registered
        before the epoch was opened, so the first number need not be 1."""
        places = [(line["epoch"], line["seq"]) for line in self.journal()]
        assert places == sorted(set(places))
        for before, after in pairwise(places):
            assert after[0] > before[0] or after[1] == before[1] + 1, f"{before} is followed by {after}"
        ended = {
            (line["task"], line["data"]["run"], line["token"]) for line in self.journal() if line["kind"] == "task.done"
        }
        assert len(ended) == len({(task, run) for task, run, _ in ended}), "a task was done twice"

    def log(self, worker: str) -> str:
        """A worker's log."""
        return self.run_dir.log(worker).read_text(encoding="utf-8")
