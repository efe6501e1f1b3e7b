"""The screen on a run: one that is being started, that goes on, or that has ended. Loads Textual."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cqltui.app import options
from cqltui.app.laterfile import LaterFile
from cqltui.app.opening import Opening, Tell
from cqltui.app.remembering import keep, load
from cqltui.app.still import Still
from cqltui.campaign.defaults import STALL_S
from cqltui.errors import CqltuiError, ExitCode
from cqltui.later import later, made_later
from cqltui.results.left import at_a_glance
from cqltui.results.outline import outline
from cqltui.results.rundir import RunDir
from cqltui.state import decode
from cqltui.state.model import RunState
from cqltui.supervisor import manifest
from cqltui.supervisor.lock import hindered, is_supervised
from cqltui.ui.logs import FileLogs
from cqltui.ui.ports import LeaveChoice, Ports, Requests
from cqltui.ui.preferences import Preferences
from cqltui.ui.run import run_in_browser, run_ui

if TYPE_CHECKING:
    from cqltui.broker.protocol.queue import Queue
    from cqltui.broker.server.access import Server

# The screen is seen before what reads the server and the files, which is loaded in the threads that do so.
open_server = later("cqltui.broker.server.access", "Server")
read_speeds = later("cqltui.results.speeds", "read_speeds")
opened = later("cqltui.app.run_server", "opened")
reopened = later("cqltui.app.run_server", "reopened")
show_report = later("cqltui.app.browsing", "show_report")
tell = later("cqltui.app.ending", "tell")
leave = later("cqltui.app.leaving", "after")
read_blocks = later("cqltui.app.requests", "read_blocks")

GLANCE_S = 1.0
"""So long the first frame may wait for the run directory, which may be on a slow disk."""


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

    def start(tell: Tell) -> "Server":
        check(tell)  # wrong input starts no server
        # The share comes first: the supervisor of a run that has ended leaves at once, and would take the server along.
        tell("Starting the server.")
        server: Server = open_server(run_dir.path, chosen.redis_url, chosen.campaign.redis.namespace, start=True)
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
                turn=opening.turn,
                blocks=partial(read_blocks, opening.queue),
                requests=_requests(opening.queue, lambda: (file.supervised or supervised)()),
                file=file,
                stall_s=chosen.campaign.workers.stall_s,
                supervised=lambda: not opening.over or is_supervised(run_dir),
                hindered=lambda: hindered(run_dir),
                start=opening.start,
                planned=_planned(chosen),
            )
        )
        return int(leave(opening.wait(), run_dir, choice))
    finally:
        opening.leave()


def _planned(chosen: options.RunOptions) -> list[str]:
    """Return a line for each task of a new run. Of one that goes on, the queue or the run directory tells."""
    if chosen.run_dir.campaign_json.is_file():
        return []
    tasks = chosen.campaign.queue_order
    return [f"{task.title} · {task.trainer.epochs:,} epochs, priority {task.priority}" for task in tasks]


def show_ended(run_dir: RunDir, state: RunState, preferences: Preferences) -> int:
    """Return the screen on a run that has ended, which only its file changes until somebody goes on with it; how it
    ended. In a browser nobody is told."""
    still = Still(state, lambda: reopened(run_dir))
    try:
        choice = _shown(preferences)(
            _ports(
                run_dir,
                preferences,
                source=still,
                turn=still.turn,
                blocks=partial(read_blocks, still.queue),
                requests=_requests(still.queue, partial(_need_supervisor, run_dir)),
                file=LaterFile(run_dir, None, still.queue),
                stall_s=_stall_s(manifest.outlined(run_dir)),
                supervised=lambda: still.server is None or is_supervised(run_dir),
            )
        )
        if preferences.browser:
            return ExitCode.OK
        if still.server is None:
            return int(tell(run_dir, state, state.wanted))
        return int(leave(still.server, run_dir, choice))
    finally:
        still.leave()


def attach(run_dir: RunDir, preferences: Preferences) -> int:
    """Return the screen on a run with a server of its own: as its directory has it, until that has answered."""
    stall_s, known = _at_a_glance(run_dir)
    opening = Opening(lambda tell: opened(run_dir), "the server is being reached")
    try:
        choice = _shown(preferences)(
            _ports(
                run_dir,
                preferences,
                source=opening,
                turn=opening.turn,
                requests=_requests(opening.queue, partial(_need_supervisor, run_dir)),
                file=LaterFile(run_dir, None, opening.queue),
                stall_s=stall_s,
                supervised=lambda: is_supervised(run_dir),
                hindered=lambda: hindered(run_dir),
                start=opening.start,
                waiting="Connecting to the server.",
                known=known,
            )
        )
        server = opening.wait()
        return ExitCode.OK if preferences.browser else int(leave(server, run_dir, choice))
    finally:
        opening.leave()


def watch(server: "Server", run_dir: RunDir | None, preferences: Preferences) -> int:
    """Show the screen until the user leaves, then do as was chosen; the exit code.

    `run_dir`: None if only the server knows it. In a browser nobody is told what becomes of the run.
    """
    if run_dir is None:
        run_dir = RunDir(Path(later("cqltui.app.ending", "read")(server.queue).campaign.run_dir))
    feed, queue = server.feed(for_screen=True), server.another_queue()
    try:
        choice = _shown(preferences)(
            _ports(
                run_dir,
                preferences,
                source=feed,
                turn=feed.turn,
                blocks=partial(read_blocks, lambda: queue),
                requests=_requests(lambda: queue, partial(_need_supervisor, run_dir)),
                file=LaterFile(run_dir, server.url, lambda: queue),
                stall_s=_stall_s(manifest.outlined(run_dir)),
                # Of a run on another machine nothing is known here.
                supervised=lambda: is_supervised(run_dir) or not run_dir.path.is_dir(),
                hindered=lambda: hindered(run_dir),
            )
        )
    finally:
        feed.close()
    return ExitCode.OK if preferences.browser else int(leave(server, run_dir, choice))


def _ports(run_dir: RunDir, preferences: Preferences, **own: Any) -> Ports:
    """Return the ports of a screen on a run, with what its files and its user's settings tell."""
    path, journal = run_dir.path, run_dir.journal
    curves = made_later("cqltui.results.curves", "CurveFiles", path)
    records = made_later("cqltui.results.taskrecord", "TaskRecords", path)
    return Ports(
        logs=FileLogs(path),
        curves=lambda wish: curves.read(wish),
        evaluation=made_later("cqltui.results.judged", "EvaluationFiles", run_dir),
        record=lambda subject: records.read(subject),
        past=made_later("cqltui.app.past", "JournalPast", journal),
        happened=made_later("cqltui.app.past", "JournalHappenings", journal),
        measure=made_later("cqltui.app.gauges", "Gauges", run_dir),
        speeds=partial(read_speeds, run_dir.history),
        report=partial(show_report, run_dir),
        remembered=load(),
        keep=keep,
        read_only=preferences.read_only,
        preferences=preferences,
        **own,
    )


def _requests(queue: "Callable[[], Queue]", supervised: Callable[[], None]) -> Requests:
    requests: Requests = made_later("cqltui.app.requests", "QueueRequests", queue, supervised)
    return requests


def _shown(preferences: Preferences) -> Callable[[Ports], LeaveChoice]:
    return run_in_browser if preferences.browser else run_ui


def _at_a_glance(run_dir: RunDir) -> tuple[float, RunState]:
    """Return `_stall_s`, and how the run stands."""
    said = outline(run_dir)
    return _stall_s(manifest.campaign_of(said)), at_a_glance(run_dir, said, GLANCE_S)


def _stall_s(campaign: Mapping[str, Any]) -> float:
    """After how long without a step the supervisor of the run calls a task stalled."""
    return decode.number(campaign.get("workers"), "stall_s", STALL_S)


def _need_supervisor(run_dir: RunDir) -> None:
    if not is_supervised(run_dir):
        raise CqltuiError("it is queued, but no supervisor runs: start the campaign again to have it trained")
