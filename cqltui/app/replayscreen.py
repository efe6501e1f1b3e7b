"""The screen on a recorded run. Loads Textual."""

import math
import time
from functools import partial

from cqltui.app.asof import LogsAsOf, record_as_of
from cqltui.app.recorded import extent
from cqltui.app.remembering import keep, load
from cqltui.app.replaying import NoRequests, Replaying, moment
from cqltui.errors import ExitCode
from cqltui.later import later
from cqltui.results.curves import CurveFiles
from cqltui.results.rundir import RunDir
from cqltui.results.taskrecord import TaskRecords
from cqltui.state.playhead import Playhead
from cqltui.ui.ports import Ports
from cqltui.ui.preferences import Preferences
from cqltui.ui.run import run_replay

show_report = later("cqltui.app.browsing", "show_report")


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
