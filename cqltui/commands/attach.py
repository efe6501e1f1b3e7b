"""`cqltui attach`: the screen on a run that goes on, or its lines."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

from redis.exceptions import RedisError, TimeoutError

from cqltui import streams
from cqltui.app import finished, options
from cqltui.app.ending import exit_code, read, see_out, tell
from cqltui.app.opening import Opening, Tell
from cqltui.app.run_server import open_known, open_run
from cqltui.app.still import Still
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.trouble import told
from cqltui.broker.server.access import Server
from cqltui.campaign.model import WorkersConfig
from cqltui.errors import CqltuiError, ExitCode, ServerError
from cqltui.reporters.jsonl import JsonReporter
from cqltui.reporters.lines import LineReporter
from cqltui.results.rundir import RunDir
from cqltui.state import decode
from cqltui.state.model import RunState, Wanted
from cqltui.state.reduce import reduce
from cqltui.state.select import run_status
from cqltui.supervisor import manifest
from cqltui.supervisor.lock import hindered, is_supervised, place
from cqltui.supervisor.telling import Reporter
from cqltui.ui.app import run_ui
from cqltui.ui.logs import FileLogs
from cqltui.ui.ports import LeaveChoice

HELP = "Watch a run that goes on in the background. Leaving the screen leaves it running unless you say otherwise."
POLL_S = 0.2
MISSING_S = 3.0
"""For a moment there is no supervisor while a run gets another."""
GOING_ON = {
    "paused": "the run stays paused",
    "pausing": "the run is being paused",
    "draining": "the run drains",
    "stopping": "the run is being stopped",
    "offline": "the server does not answer just now, the run goes on",
}
P = ParamSpec("P")
WANTED = {LeaveChoice.DRAIN: Wanted.DRAINING, LeaveChoice.STOP: Wanted.STOPPED}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui attach`."""
    parser.add_argument("--no-ui", action="store_true", help="lines instead of the screen (default without a terminal)")
    parser.add_argument("--json", action="store_true", help="one event a line on standard output")
    options.add_verbose(parser)
    options.add_place(parser, by_position=True)


def run(arguments: argparse.Namespace) -> int:
    """Watch until the user leaves or the run has ended; one that has is shown as it is."""
    on_screen = not (arguments.no_ui or arguments.json) and sys.stdin.isatty() and sys.stderr.isatty()
    if options.redis_url(arguments.redis_url) is None or arguments.run_dir is not None:
        known = options.existing_run(arguments.run_dir)
        if not manifest.is_own_server(known) and (ended := finished.look(known)) is not None:
            return show_ended(known, ended) if on_screen else finished.print_state(known, ended, as_json=arguments.json)
    server, run_dir = open_run(arguments, look=True)
    try:
        if not on_screen:
            return follow(server, run_dir, as_json=arguments.json, verbose=arguments.verbose)
        if run_dir is None:
            run_dir = RunDir(Path(read(server.queue).campaign.run_dir))
        return watch(server, run_dir, lambda: _need_supervisor(run_dir))
    finally:
        server.leave()


def show(chosen: options.RunOptions, check: Callable[[], object], supervised: Callable[[], None]) -> int:
    """The screen on a run of this machine, which is seen while the run is being started.

    `check` raises InputError for data that cannot be used; `supervised` starts a supervisor unless the run has one.
    """
    run_dir = chosen.run_dir

    def start(tell: Tell) -> Server:
        tell("Reading the data.")
        check()  # wrong input starts no server
        # The share comes first: the supervisor of a run that has ended leaves at once, and would take the server along.
        tell("Starting the server.")
        server = Server(run_dir.path, chosen.redis_url, chosen.campaign.redis.namespace, start=True)
        try:
            tell("Starting the supervisor, which fills the queue and starts the workers.")
            supervised()
        except BaseException:
            server.leave()
            raise
        return server

    opening = Opening(start)
    try:
        choice = run_ui(
            opening,
            Commands(opening.queue, supervised),
            FileLogs(run_dir.path),
            stall_s=chosen.campaign.workers.stall_s,
            supervised=lambda: not opening.over or is_supervised(run_dir),
            hindered=lambda: hindered(run_dir),
            start=opening.start,
        )
        return _after(opening.wait(), run_dir, choice)
    finally:
        opening.leave()


def show_ended(run_dir: RunDir, state: RunState) -> int:
    """The screen on a run that has ended, read-only until somebody goes on with it; how it ended."""
    still = Still(state, lambda: _reopened(run_dir))
    try:
        choice = run_ui(
            still,
            Commands(still.queue, lambda: _need_supervisor(run_dir)),
            FileLogs(run_dir.path),
            stall_s=_stall_s(run_dir),
            supervised=lambda: still.server is None or is_supervised(run_dir),
        )
        if still.server is None:
            return tell(run_dir, state, state.wanted)
        return _after(still.server, run_dir, choice)
    finally:
        still.leave()


def _reopened(run_dir: RunDir) -> Server | None:
    """The server of a run that somebody goes on with; None while nobody does, or it has yet to start."""
    if not is_supervised(run_dir):
        return None
    try:
        return open_known(run_dir, None, look=True)
    except (CqltuiError, RedisError, OSError):
        return None


class Commands:
    """The screen's commands, as calls of the queue. What gives a run work again makes sure that it is supervised."""

    def __init__(self, queue: Callable[[], Queue], supervised: Callable[[], None]) -> None:
        self._queue = queue
        self._supervised = supervised

    def pause(self, task_id: str) -> None:
        """Pause a task."""
        self._ask(self._queue().pause, task_id)

    def resume(self, task_id: str) -> None:
        """Queue a paused task again."""
        self._ask(self._queue().resume, task_id)
        self._supervised()

    def cancel(self, task_id: str) -> None:
        """Cancel a task."""
        self._ask(self._queue().cancel, task_id)

    def resubmit(self, task_id: str) -> None:
        """Queue an ended task as a new run."""
        self._ask(self._queue().resubmit, task_id)
        self._supervised()

    def set_priority(self, task_id: str, priority: float) -> None:
        """Change a task's priority."""
        self._ask(self._queue().set_priority, task_id, int(priority))

    def want(self, wanted: Wanted) -> None:
        """Say what the whole run shall do."""
        self._ask(self._queue().want, wanted)

    @staticmethod
    def _ask(command: Callable[P, bool], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except TimeoutError:
            raise ServerError("the server did not answer in time: what was asked may yet come about") from None
        except RedisError as error:
            raise ServerError(told(error)) from None


def watch(server: Server, run_dir: RunDir, supervised: Callable[[], None]) -> int:
    """Show the screen until the user leaves, then do as was chosen; the exit code."""
    feed, queue = server.feed(), server.another_queue()
    try:
        choice = run_ui(
            feed,
            Commands(lambda: queue, supervised),
            FileLogs(run_dir.path),
            stall_s=_stall_s(run_dir),
            # Of a run on another machine nothing is known here.
            supervised=lambda: is_supervised(run_dir) or not run_dir.path.is_dir(),
            hindered=lambda: hindered(run_dir),
        )
    finally:
        feed.close()
    return _after(server, run_dir, choice)


def _after(server: Server, run_dir: RunDir, choice: LeaveChoice) -> int:
    """What was chosen when the screen was left, to its end; the exit code."""
    if choice is LeaveChoice.BACKGROUND:
        return _left_alone(server, run_dir)
    wanted = WANTED[choice]
    try:
        return tell(run_dir, see_out(server, run_dir, wanted), wanted)
    except KeyboardInterrupt:
        print(f"what was asked goes on; see it with: cqltui attach {place(run_dir)}", file=sys.stderr)
        raise


def _stall_s(run_dir: RunDir) -> float:
    """After how long without a step the run's supervisor calls a task stalled."""
    return decode.number(manifest.known(run_dir).get("workers"), "stall_s", WorkersConfig().stall_s)


def _left_alone(server: Server, run_dir: RunDir) -> int:
    """Say what becomes of the run that the screen has left; the exit code."""
    try:
        state = read(server.queue)
    except RedisError:
        state = RunState()
    if state.finished_ts:
        return tell(run_dir, state, state.wanted)
    said = GOING_ON.get(run_status(state), "the run goes on")
    if run_dir.path.is_dir() and not is_supervised(run_dir):
        print("no supervisor runs; the same campaign command goes on with it", file=sys.stderr)
        said = "its workers do what is queued"
    print(f"{said}; see it again with: cqltui attach {place(run_dir)}", file=sys.stderr)
    return ExitCode.OK


def follow(server: Server, run_dir: RunDir | None, *, as_json: bool, verbose: bool = False) -> int:
    """Tell what happens until the run has ended, or nobody listens any more; how it ended.

    `run_dir`: None if the run may be another machine's.
    """
    lines = LineReporter(sys.stderr, verbose=verbose)
    reporters: list[Reporter] = [JsonReporter(sys.stdout)] if as_json else [lines]
    feed, state = server.feed(), RunState()
    supervision = Supervision(run_dir)
    try:
        while not state.finished_ts:
            if streams.is_gone(sys.stdout if as_json else sys.stderr):
                return ExitCode.OK
            for event in feed.poll(POLL_S):
                before, state = state, reduce(state, event)
                for reporter in reporters:
                    reporter.handle(before, event, state)
            for reporter in reporters:
                reporter.tick(state, time.time())
            if said := supervision.look():
                lines.say(said, time.time())
        return exit_code(state)
    finally:
        lines.close()
        feed.close()


class Supervision:
    """Notices when a run has lost its supervisor, and when it has another."""

    def __init__(self, run_dir: RunDir | None) -> None:
        self._run_dir = run_dir
        self._seen_at = self._look_at = time.monotonic()
        self._told = False

    def look(self) -> str:
        """Look, about once a second; what there is to say, or nothing."""
        now = time.monotonic()
        if self._run_dir is None or now < self._look_at:
            return ""
        self._look_at = now + 1.0
        if is_supervised(self._run_dir):
            self._seen_at = now
        missing = now - self._seen_at > MISSING_S
        if missing == self._told:
            return ""
        self._told = missing
        return "no supervisor runs: start the same campaign command again to go on" if missing else "supervised again"


def _need_supervisor(run_dir: RunDir) -> None:
    if not is_supervised(run_dir):
        raise CqltuiError("it is queued, but no supervisor runs: start the campaign again to have it trained")
