"""`cqltui attach`: the screen on a run that goes on, or its lines."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cqltui.broker.access import Server
from cqltui.broker.queue import Queue
from cqltui.commands import options
from cqltui.commands.server import open_run
from cqltui.commands.stop import wait_until_left
from cqltui.errors import CqltuiError, ExitCode
from cqltui.reporters.jsonl import JsonReporter
from cqltui.reporters.lines import LineReporter
from cqltui.results.rundir import RunDir
from cqltui.state.model import ENDED, RunState, Status, Wanted
from cqltui.state.reduce import reduce
from cqltui.supervisor.lock import is_supervised, place
from cqltui.supervisor.supervisor import Reporter
from cqltui.ui.app import run_ui
from cqltui.ui.logs import FileLogs
from cqltui.ui.ports import LeaveChoice

HELP = "Watch a run that goes on in the background. Leaving the screen leaves it running unless you say otherwise."
POLL_S = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui attach`."""
    parser.add_argument("--no-ui", action="store_true", help="lines instead of the screen (default without a terminal)")
    parser.add_argument("--json", action="store_true", help="one event a line on standard output")
    options.add_place(parser)


def run(arguments: argparse.Namespace) -> int:
    """Watch until the user leaves or the run has ended."""
    server, run_dir = open_run(arguments)
    try:
        if arguments.no_ui or arguments.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return follow(server, as_json=arguments.json)
        if run_dir is None:
            run_dir = RunDir(Path(read(server.queue).campaign.run_dir))
        return watch(server, run_dir, lambda: _need_supervisor(run_dir))
    finally:
        server.leave()


def show(chosen: options.RunOptions, supervised: Callable[[], None]) -> int:
    """The screen on a run of this machine. `supervised` starts its supervisor unless it has one."""
    # The share comes first: the supervisor of a run that has ended leaves at once, and would take the server along.
    server = Server(chosen.run_dir.path, chosen.redis_url, chosen.campaign.redis.namespace, start=True)
    try:
        supervised()
        return watch(server, chosen.run_dir, supervised)
    finally:
        server.leave()


class Commands:
    """The screen's commands, as calls of the queue. What gives a run work again makes sure that it is supervised."""

    def __init__(self, queue: Queue, supervised: Callable[[], None]) -> None:
        self._queue = queue
        self._supervised = supervised

    def pause(self, task_id: str) -> None:
        """Pause a task."""
        self._queue.pause(task_id)

    def resume(self, task_id: str) -> None:
        """Queue a paused task again."""
        self._queue.resume(task_id)
        self._supervised()

    def cancel(self, task_id: str) -> None:
        """Cancel a task."""
        self._queue.cancel(task_id)

    def resubmit(self, task_id: str) -> None:
        """Queue an ended task as a new run."""
        self._queue.resubmit(task_id)
        self._supervised()

    def set_priority(self, task_id: str, priority: float) -> None:
        """Change a task's priority."""
        self._queue.set_priority(task_id, int(priority))

    def want(self, wanted: Wanted) -> None:
        """Say what the whole run shall do."""
        self._queue.want(wanted)


def watch(server: Server, run_dir: RunDir, supervised: Callable[[], None]) -> int:
    """Show the screen until the user leaves, then do as was chosen; the exit code."""
    feed = server.feed()
    try:
        choice = run_ui(
            feed,
            Commands(server.another_queue(), supervised),
            FileLogs(run_dir.path),
            # Of a run on another machine nothing is known here.
            supervised=lambda: is_supervised(run_dir) or not run_dir.path.is_dir(),
        )
    finally:
        feed.close()
    if choice is LeaveChoice.BACKGROUND:
        state = read(server.queue)
        if state.finished_ts:
            return _ended(run_dir, state)
        print(f"the run goes on; see it again with: cqltui attach {place(run_dir)}", file=sys.stderr)
        return ExitCode.OK
    doing = "running tasks end first" if choice is LeaveChoice.DRAIN else "workers write their checkpoints"
    print(doing, file=sys.stderr)
    wait_until_left(run_dir, None)
    print("stopped; the same campaign command goes on where it stopped", file=sys.stderr)
    return ExitCode.STOPPED


def follow(server: Server, *, as_json: bool) -> int:
    """Tell what happens until the run has ended; how it ended."""
    lines = LineReporter(sys.stderr)
    reporters: list[Reporter] = [JsonReporter(sys.stdout)] if as_json else [lines]
    feed, state = server.feed(), RunState()
    try:
        while not state.finished_ts:
            for event in feed.poll(POLL_S):
                before, state = state, reduce(state, event)
                for reporter in reporters:
                    reporter.handle(before, event, state)
            for reporter in reporters:
                reporter.tick(state, time.time())
        return exit_code(state)
    finally:
        lines.close()
        feed.close()


def read(queue: Queue) -> RunState:
    """The run's state, read once."""
    return reduce(RunState(online=True), queue.snapshot())


def exit_code(state: RunState) -> ExitCode:
    """How a run whose supervisor has left ended."""
    statuses = {task.status for task in state.tasks.values()}
    if not statuses <= ENDED:
        return ExitCode.STOPPED
    return ExitCode.UNFINISHED if statuses & {Status.DEAD, Status.CANCELLED} else ExitCode.OK


def _ended(run_dir: RunDir, state: RunState) -> int:
    if run_dir.summary_txt.is_file():
        print(run_dir.summary_txt.read_text(encoding="utf-8"), end="")
    return exit_code(state)


def _need_supervisor(run_dir: RunDir) -> None:
    if not is_supervised(run_dir):
        raise CqltuiError("it is queued, but no supervisor runs: start the campaign again to have it trained")
