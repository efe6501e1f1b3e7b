"""A run and all of its processes: who they are, what happens to them, and who starts them again."""

import math
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import psutil
import redis
from msgspec import Struct

from cqltui.errors import ExitCode, ServerError
from cqltui.state.model import RunState, Status
from tests.chaos.figures import Figures, check_screen
from tests.chaos.machines import Machines
from tests.chaos.screen import Screen
from tests.chaos.server import OwnServer
from tests.integration.command import Command
from tests.integration.place import Place, until

Act = Callable[[], object]
CAMPAIGN = Path(__file__).with_name("chaos.toml")
EXPECTED_ENDS = frozenset(ExitCode) - {ExitCode.INPUT}
"""INTERNAL is also that of a supervisor which came while the server was away, and said so."""
LEASE_S = 4.0
"""Of the campaign."""
END_S = 240.0
"""How long a supervisor may take to end when it was asked to: its workers have a minute, and the server may be away."""
SCREEN_S = 30.0
SETTLE_S = 2.0
"""Time for a server that is back to answer."""


class NotNow(Exception):  # noqa: N818 - an answer, no error
    """The fault cannot be injected at this moment."""


class Later(Struct):
    """What is to be done when its time has come."""

    at: float
    act: Act


class World:
    """One run of the campaign, kept going: whoever is killed is started again after a while."""

    def __init__(
        self,
        place: Place,
        rng: Random,
        options: Sequence[str],
        own_server: OwnServer | None,
        machines: Machines | None = None,
    ) -> None:
        """`own_server`: the user's, in place of the embedded one. `machines`: where workers are too."""
        self.place = place
        self.rng = rng
        self.own_server = own_server
        self.machines = machines
        self.complaints: list[str] = []
        self.ended = False
        self._options = options
        self._away_until = 0.0
        self._later: list[Later] = []
        self._supervisor: Command | None = None
        self._supervisor_at = 0.0
        self._killed: set[int] = set()
        self.refuses_until = 0.0
        """Until then a server that refuses is a reason to end with the code of wrong input."""
        self._must_end_at = math.inf
        self.screen: Screen | None = None
        self._screen_at = 2.0 + time.monotonic()

    # Who is there

    @property
    def supervisor(self) -> Command:
        """The one that runs. Raises NotNow."""
        if self._supervisor is None or self._supervisor.code is not None:
            raise NotNow
        return self._supervisor

    def workers(self) -> list[psutil.Process]:
        """Worker processes. Raises NotNow if there is none."""
        found = []
        for process in self.place.processes():
            with suppress(psutil.Error):
                if "--worker-id" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        if not found:
            raise NotNow
        return found

    def server_pid(self) -> int:
        """The server's process. Raises NotNow."""
        pid = self.own_server.pid if self.own_server else self._embedded_pid()
        if not pid or not psutil.pid_exists(pid):
            raise NotNow
        return pid

    def _embedded_pid(self) -> int:
        try:
            return self.place.server_pid()
        except AssertionError:
            raise NotNow from None

    def look(self) -> RunState:
        """The run's state. Raises NotNow if the server is away."""
        if time.monotonic() < self._away_until:
            raise NotNow
        state = self.place.look()
        if not state.tasks:
            raise NotNow
        return state

    def spare(self, worker_ids: Sequence[str] | None = None) -> RunState:
        """The state, if the tasks that these workers have (None: all) have been saved since the last death of their
        worker: a task that dies time and again without progress is a poisoned one, and ends as dead. Raises NotNow."""
        state = self.look()
        running = [task for task in state.tasks.values() if task.status is Status.RUNNING]
        if any(task.life.deaths for task in running if worker_ids is None or task.life.worker in worker_ids):
            raise NotNow
        return state

    @contextmanager
    def client(self) -> Iterator[redis.Redis]:
        """A client of the run's server. Raises NotNow if the server does not answer, or no longer."""
        self.look()
        try:
            with self.place.queue() as queue:
                yield queue.client
        except (redis.RedisError, ServerError):
            raise NotNow from None

    # What happens

    def begin(self) -> Command:
        """Start the campaign without a screen, its output through pipes."""
        return self.place.begin(*self._options, piped=True)

    def kill(self, pid: int) -> None:
        """SIGKILL."""
        self._killed.add(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def freeze(self, pids: Sequence[int], seconds: float) -> None:
        """SIGSTOP, and SIGCONT later."""
        _signal_all(pids, signal.SIGSTOP)
        self.later(seconds, lambda: _signal_all(pids, signal.SIGCONT))

    def server_away(self, seconds: float) -> None:
        """The server is about to be away for so long. Raises NotNow if it is so already."""
        self.look()
        self._away_until = time.monotonic() + seconds + SETTLE_S

    def kill_server(self, *, empty: bool = False) -> None:
        """SIGKILL; the user's own server is started again after some seconds, `empty`: without its data."""
        pid = self.server_pid()
        if (own := self.own_server) is not None:
            self.server_away(seconds := self.rng.uniform(0.0, 8.0))
            self.later(seconds, lambda: own.start(empty=empty))
        self.kill(pid)

    def later(self, seconds: float, act: Act) -> None:
        """Do it when so much time has passed, at the latest at the end of the faults."""
        self._later.append(Later(time.monotonic() + seconds, act))

    def expect_end(self) -> None:
        """The supervisor was asked to end: it has to."""
        self._must_end_at = min(self._must_end_at, time.monotonic() + END_S)

    def was_killed(self, pid: int) -> bool:
        """Whether a fault has killed it."""
        return pid in self._killed

    def tend(self) -> None:
        """Do what is due: heal, start again who was killed, and notice the end of the run."""
        self._do_what_is_due()
        now = time.monotonic()
        self._tend_supervisor(now)
        self._tend_screen(now)

    def _do_what_is_due(self) -> None:
        now = time.monotonic()
        for due in [entry for entry in self._later if entry.at <= now]:
            self._later.remove(due)
            due.act()

    def heal(self) -> None:
        """End all that lasts."""
        for entry in self._later:
            entry.at = 0.0
        self._do_what_is_due()

    def _tend_supervisor(self, now: float) -> None:
        command = self._supervisor
        if command is None:
            if now >= self._supervisor_at and not self.ended:
                self._supervisor = self.begin()
            return
        if command.code is None:
            if now > self._must_end_at:
                self.complaints.append(f"a supervisor that was asked to end goes on: {command.err[-1500:]}")
                self._must_end_at = math.inf
            return
        self._supervisor, self._must_end_at = None, math.inf
        self._supervisor_at = now + self.rng.uniform(0.0, 4.0)
        self.ended = command.code in (0, 1)  # 1: some task is dead, which the judge will say
        if command.code == ExitCode.INPUT and "has a supervisor already" in command.err:
            return  # a second one was faster
        refused = command.code == ExitCode.INPUT and now < self.refuses_until
        unknown = command.code not in EXPECTED_ENDS and not refused and command.pid not in self._killed
        if unknown or "Traceback" in command.err:
            self.complaints.append(f"a supervisor ended with {command.code}: {command.err[-1500:]}")

    def _tend_screen(self, now: float) -> None:
        if self.screen is None:
            if now >= self._screen_at and self.place.run_dir.campaign_json.is_file() and not self.ended:
                self.screen = Screen(self.place)
            return
        code = self.screen.code
        if code is None:
            return
        # Without a supervisor or a server there may be nothing to attach to: it says so, with the code of no server.
        crashed = code not in tuple(ExitCode) or b"Traceback" in self.screen.terminal.output
        if crashed and self.screen.pid not in self._killed:
            self.complaints.append(f"a screen ended with {code}:\n{self.screen.text()}")
        self.screen.close()
        self.screen = None
        self._screen_at = now + self.rng.uniform(0.0, 3.0)

    def check_screen(self, figures: Mapping[str, Figures]) -> None:
        """A screen that is there has to show the end as the files have it, and to leave when it is asked to."""
        if (screen := self.screen) is None or screen.code is not None:
            return
        tasks = len(figures)
        wanted = f"{tasks}/{tasks} done", "finished "  # before it has heard of the end, q asks a question
        try:
            until(lambda: all(part in _header(screen) for part in wanted), f"{wanted} on the screen", SCREEN_S)
            with suppress(AssertionError):  # it is drawn ten times a second
                until(lambda: not check_screen(screen.text(), figures), "the figures on the screen", SETTLE_S)
            self.complaints += check_screen(screen.text(), figures)
            screen.terminal.press("q")
            until(lambda: screen.code is not None, "the end of the screen after q", SCREEN_S)
        except AssertionError as error:
            seen = screen.text()
            _signal_all([screen.pid], signal.SIGABRT)  # it tells where it hangs
            with suppress(AssertionError):
                until(lambda: screen.code is not None, "the end of the screen", SCREEN_S)
            self.complaints.append(f"{error}\n{seen}\n{screen.text()}")

    def check_processes(self) -> None:
        """Nothing goes on after the end."""
        try:
            until(lambda: not self.place.processes(), "the processes' end", SCREEN_S)
        except AssertionError:
            left = [" ".join(process.cmdline()) for process in self.place.processes()]
            self.complaints.append(f"processes are left: {left}")

    def close(self) -> None:
        """End everything."""
        for entry in list(self._later):  # those that would be tried again are not
            with suppress(Exception):
                entry.act()
        if self.screen is not None:
            self.screen.close()
        self.place.end_all()


def _header(screen: Screen) -> str:
    return "\n".join(screen.text().splitlines()[:3])


def worker_id(process: psutil.Process) -> str:
    """The id that a worker was started with. Raises NotNow if it is gone."""
    try:
        words = process.cmdline()
        return words[words.index("--worker-id") + 1]
    except (psutil.Error, ValueError):
        raise NotNow from None


def _signal_all(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
