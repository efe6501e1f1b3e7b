"""The screen on a run: one that is being started, that goes on, or that has ended. Loads Textual."""

import math
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from cqltui.app import options
from cqltui.app.asof import LogsAsOf, record_as_of
from cqltui.app.ending import read, see_out, tell
from cqltui.app.gauges import Gauges
from cqltui.app.later import later
from cqltui.app.laterfile import LaterFile
from cqltui.app.opening import Opening, Tell
from cqltui.app.past import JournalHappenings, JournalPast
from cqltui.app.recorded import extent
from cqltui.app.remembering import keep, load
from cqltui.app.replaying import NoRequests, Replaying, moment
from cqltui.app.requests import QueueRequests
from cqltui.app.run_server import open_known
from cqltui.app.still import Still
from cqltui.broker.server.access import Server
from cqltui.campaign.model import WorkersConfig
from cqltui.errors import CqltuiError, ExitCode
from cqltui.results.curves import CurveFiles
from cqltui.results.judged import EvaluationFiles
from cqltui.results.rundir import RunDir
from cqltui.results.speeds import read_speeds
from cqltui.results.taskrecord import TaskRecords
from cqltui.state import decode
from cqltui.state.model import RunState, Wanted
from cqltui.state.playhead import Playhead
from cqltui.state.select import run_status
from cqltui.supervisor import manifest
from cqltui.supervisor.lock import hindered, is_supervised, place
from cqltui.ui.logs import FileLogs
from cqltui.ui.ports import LeaveChoice, Ports
from cqltui.ui.preferences import Preferences
from cqltui.ui.run import run_in_browser, run_replay, run_ui

show_report = later("cqltui.app.browsing", "show_report")

GOING_ON = {
    "paused": "the run stays paused",
    "pausing": "the run is being paused",
    "draining": "the run drains",
    "stopping": "the run is being stopped",
    "offline": "the server does not answer just now, the run goes on",
}
WANTED = {LeaveChoice.DRAIN: Wanted.DRAINING, LeaveChoice.STOP: Wanted.STOPPED}


def show(
    chosen: options.RunOptions,
    check: Callable[[Tell], object],
    supervised: Callable[[], None],
    preferences: Preferences,
) -> int:
    """Return the screen on a run of this machine, which is seen while the run is being started.

    `check` raises InputError for data that cannot be used; `supervised` starts a supervisor unless the run has one.
    """
    run_dir = chosen.run_dir

    def start(tell: Tell) -> Server:
        check(tell)  # wrong input starts no server
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
    file = LaterFile(run_dir, chosen.redis_url, opening.queue)
    try:
        choice = run_ui(
            _ports(
                run_dir,
                preferences,
                source=opening,
                requests=QueueRequests(opening.queue, lambda: (file.supervised or supervised)()),
                file=file,
                stall_s=chosen.campaign.workers.stall_s,
                supervised=lambda: not opening.over or is_supervised(run_dir),
                hindered=lambda: hindered(run_dir),
                start=opening.start,
            )
        )
        return _after(opening.wait(), run_dir, choice)
    finally:
        opening.leave()


def show_ended(run_dir: RunDir, state: RunState, preferences: Preferences) -> int:
    """Return the screen on a run that has ended, which only its file changes until somebody goes on with it; how it
    ended. In a browser nobody is told."""
    still = Still(state, lambda: _reopened(run_dir))
    try:
        choice = _shown(preferences)(
            _ports(
                run_dir,
                preferences,
                source=still,
                requests=QueueRequests(still.queue, partial(_need_supervisor, run_dir)),
                file=LaterFile(run_dir, None, still.queue),
                stall_s=_stall_s(run_dir),
                supervised=lambda: still.server is None or is_supervised(run_dir),
            )
        )
        if preferences.browser:
            return ExitCode.OK
        if still.server is None:
            return tell(run_dir, state, state.wanted)
        return _after(still.server, run_dir, choice)
    finally:
        still.leave()


def _reopened(run_dir: RunDir) -> Server | None:
    """Return the server of a run that somebody goes on with; None while nobody does, or it has yet to start."""
    if not is_supervised(run_dir):
        return None
    try:
        return open_known(run_dir, None, look=True)
    except (CqltuiError, RedisError, OSError):
        return None


def watch(server: Server, run_dir: RunDir | None, preferences: Preferences) -> int:
    """Show the screen until the user leaves, then do as was chosen; the exit code.

    `run_dir`: None if only the server knows it. In a browser nobody is told what becomes of the run.
    """
    if run_dir is None:
        run_dir = RunDir(Path(read(server.queue).campaign.run_dir))
    feed, queue = server.feed(), server.another_queue()
    try:
        choice = _shown(preferences)(
            _ports(
                run_dir,
                preferences,
                source=feed,
                requests=QueueRequests(lambda: queue, partial(_need_supervisor, run_dir)),
                file=LaterFile(run_dir, server.url, lambda: queue),
                stall_s=_stall_s(run_dir),
                # Of a run on another machine nothing is known here.
                supervised=lambda: is_supervised(run_dir) or not run_dir.path.is_dir(),
                hindered=lambda: hindered(run_dir),
            )
        )
    finally:
        feed.close()
    return ExitCode.OK if preferences.browser else _after(server, run_dir, choice)


def replay(run_dir: RunDir, speed: float, at: str, preferences: Preferences) -> int:
    """Show a recorded run from a moment on, until the user leaves. Raises InputError where nothing was recorded, or for
    a moment that is not in it."""
    begin_ts, end_ts = extent(run_dir)
    at_ts = moment(at, begin_ts, end_ts) if at else begin_ts
    replaying = Replaying(run_dir, Playhead(begin_ts, end_ts, at_ts, time.monotonic(), speed))
    run_replay(replay_ports(run_dir, replaying, preferences), replaying)
    return ExitCode.OK


def replay_ports(run_dir: RunDir, replaying: Replaying, preferences: Preferences) -> Ports:
    """Return what a screen is given of a recorded run: all of it as of the moment where the replay is."""
    record = TaskRecords(run_dir.path).read
    return Ports(
        source=replaying,
        requests=NoRequests(),
        read_only=True,
        logs=LogsAsOf(run_dir.path, replaying.now),
        curves=CurveFiles(run_dir.path, replaying.reached, past=True).read,
        record=lambda subject: record_as_of(record(subject), replaying.now()),
        clock=replaying.now,
        stall_s=math.inf,  # how long a step took is not recorded
        past=replaying.past,
        report=partial(show_report, run_dir),
        remembered=load(),
        keep=keep,
        preferences=preferences,
    )


def _ports(run_dir: RunDir, preferences: Preferences, **own: Any) -> Ports:
    """Return the ports of a screen on a run, with what its files and its user's settings tell."""
    return Ports(
        logs=FileLogs(run_dir.path),
        curves=CurveFiles(run_dir.path).read,
        evaluation=EvaluationFiles(run_dir),
        record=TaskRecords(run_dir.path).read,
        past=JournalPast(run_dir.journal),
        happened=JournalHappenings(run_dir.journal),
        measure=Gauges(run_dir),
        speeds=partial(read_speeds, run_dir.history),
        report=partial(show_report, run_dir),
        remembered=load(),
        keep=keep,
        read_only=preferences.read_only,
        preferences=preferences,
        **own,
    )


def _shown(preferences: Preferences) -> Callable[[Ports], LeaveChoice]:
    return run_in_browser if preferences.browser else run_ui


def _after(server: Server, run_dir: RunDir, choice: LeaveChoice) -> int:
    """Do what was chosen when the screen was left, to its end; return the exit code."""
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


def _need_supervisor(run_dir: RunDir) -> None:
    if not is_supervised(run_dir):
        raise CqltuiError("it is queued, but no supervisor runs: start the campaign again to have it trained")
