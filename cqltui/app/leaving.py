"""What follows when the screen of a run is left."""

import sys

from redis.exceptions import RedisError

from cqltui.app.ending import read, see_out, tell
from cqltui.broker.server.access import Server
from cqltui.errors import ExitCode
from cqltui.results.rundir import RunDir
from cqltui.state.model import RunState, Wanted
from cqltui.state.select import run_status
from cqltui.supervisor.lock import is_supervised, place
from cqltui.ui.ports import LeaveChoice

GOING_ON = {
    "paused": "the run stays paused",
    "pausing": "the run is being paused",
    "draining": "the run drains",
    "stopping": "the run is being stopped",
    "offline": "the server does not answer just now, the run goes on",
}
WANTED = {LeaveChoice.DRAIN: Wanted.DRAINING, LeaveChoice.STOP: Wanted.STOPPED}


def after(server: Server, run_dir: RunDir, choice: LeaveChoice) -> int:
    """Do what was chosen when the screen was left, to its end; return the exit code."""
    if choice is LeaveChoice.BACKGROUND:
        return _left_alone(server, run_dir)
    wanted = WANTED[choice]
    try:
        return tell(run_dir, see_out(server, run_dir, wanted), wanted)
    except KeyboardInterrupt:
        print(f"what was asked goes on; see it with: cqltui attach {place(run_dir)}", file=sys.stderr)
        raise


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
