"""`python -m tests.scale.supervised RUN TASKS`: the real supervisor over a run of the size, with no workers of its own.

Says "ready" when it knows its tasks, and ends by TERM. What it judges and writes at the end of a run is left out.
"""

import math
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from cqltui.broker.server.access import Server
from cqltui.placement.process import Launcher
from cqltui.results.rundir import RunDir
from cqltui.state.events import Event
from cqltui.state.model import RunState
from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.guard import Guard
from cqltui.supervisor.history import History
from cqltui.supervisor.hooks import Hooks, Reporter
from cqltui.supervisor.records import Records
from cqltui.supervisor.sizing import Sizing
from cqltui.supervisor.submissions import planned
from cqltui.supervisor.supervisor import Supervisor
from cqltui.supervisor.upkeep import Upkeep
from tests.scale.campaigns import Place, campaign_of

READY_S = 900.0


class Ready:
    """A reporter that says "ready" once the supervisor knows its tasks."""

    def __init__(self) -> None:
        self._said = False

    def handle(self, before: RunState, event: Event, after: RunState) -> None:
        """Nothing: what is to be done about the event comes after it."""

    def tick(self, state: RunState, now: float) -> None:
        """Say so."""
        if state.tasks and not self._said:
            self._said = True
            print("ready", flush=True)


class Supervised:
    """A child that supervises."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._known = psutil.Process(process.pid)

    def cpu_s(self) -> float:
        """Seconds of the processor that it has taken."""
        times = self._known.cpu_times()
        return float(times.user + times.system)

    def memory_mb(self) -> float:
        """What it holds, in MB."""
        return float(self._known.memory_info().rss) / 1e6

    def share(self, seconds: float) -> float:
        """The part of a core that it takes for so long."""
        before, began = self.cpu_s(), time.perf_counter()
        time.sleep(seconds)
        return (self.cpu_s() - before) / (time.perf_counter() - began)

    def rest(self, patience_s: float = 300.0) -> None:
        """Wait until it takes no less of a core than a while before, or it has for long."""
        until, last = time.monotonic() + patience_s, math.inf
        while time.monotonic() < until and (now := self.share(3.0)) < last - 0.02:
            last = now


@contextmanager
def supervised(place: Place) -> Iterator[Supervised]:
    """While a supervisor in a process of its own keeps the run, which is filled already."""
    size = sum(1 for _ in place.campaign.tasks)
    command = [sys.executable, "-m", "tests.scale.supervised", str(place.run_dir.path), str(size)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        yield Supervised(child)
    finally:
        child.kill()
        child.communicate()


def supervise(path: Path, tasks: int) -> None:
    """Supervise until TERM."""
    run_dir = RunDir(path)
    campaign, data = campaign_of(tasks, path.parent)
    server = Server(path, None, start=True)
    records = Records(run_dir, planned(campaign, data))
    sizing = Sizing(server.queue, 1, 1)
    upkeep = Upkeep(server, run_dir, campaign, data, records, sizing, lambda state: {"name": campaign.name})
    fleet = Fleet(Launcher([], {}, run_dir.logs), 0)
    hooks = Hooks(
        ensure_server=upkeep.ensure,
        audit=upkeep.audit,
        study=lambda task: None,
        describe=upkeep.tell,
        conclude=lambda state: 0.0,
        to_evaluate=lambda state: False,
        evaluate=lambda state, tell: None,
        hindered=lambda why: None,
    )
    guard = Guard(server.queue, fleet, campaign.workers, records)
    ids = frozenset(task.id for task in campaign.tasks)
    reporters: list[Reporter] = [History(run_dir.history), Ready()]
    supervisor = Supervisor(server.queue, server.feed(), fleet, guard, records, hooks, reporters, ids)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    supervisor.run()


if __name__ == "__main__":
    supervise(Path(sys.argv[1]), int(sys.argv[2]))
