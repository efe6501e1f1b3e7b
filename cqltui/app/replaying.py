"""A recorded run as a screen's source of events, with a clock of its own that the screen steers."""

import re
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from cqltui.app import recorded
from cqltui.errors import CqltuiError, InputError
from cqltui.results.curves import CurveSubject
from cqltui.results.rundir import RunDir
from cqltui.results.traces import AttemptTrace
from cqltui.state.events import Event, Kind
from cqltui.state.lanes import Past
from cqltui.state.model import TaskCommand, Wanted
from cqltui.state.playhead import Playhead
from cqltui.state.replay import Replay

EVERY_S = 0.2
"""Between two tellings, by the wall's clock."""
REFUSED = "a replay shows what was, and changes nothing"
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")
_SINCE = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?")
DAY_S = 86_400.0


class Replaying:
    """Polled by one thread of the screen's, steered by another."""

    def __init__(self, run_dir: RunDir, head: Playhead, wall: Callable[[], float] = time.monotonic) -> None:
        self._run_dir, self._wall = run_dir, wall
        self._head = head
        self._replay: Replay | None = None
        self._told_s = float("-inf")
        self._moved = threading.Event()
        self._closed = False

    # For the thread that reads

    def poll(self, timeout_s: float) -> list[Event]:
        """Return what has happened by now; all from the beginning, if the clock was set back."""
        if not self._moved.is_set():
            rest_s = EVERY_S - (self._wall() - self._told_s) if self._head.goes(self._wall()) else timeout_s
            self._moved.wait(min(max(rest_s, 0.0), timeout_s))
        self._moved.clear()
        ts = self._head.ts(self._wall())
        replay = self._replay
        if self._closed or (replay is not None and replay.ts == ts):
            return []
        self._told_s = self._wall()
        if replay is not None and replay.ts < ts:
            return replay.until(ts)
        self._replay = replay = self._begun()
        return [Event(Kind.ANEW, ts), *replay.until(ts)]

    def _begun(self) -> Replay:
        history = recorded.samples(self._run_dir)
        has_history = next(recorded.samples(self._run_dir), None) is not None
        return Replay(
            recorded.events(self._run_dir),
            history,
            partial(AttemptTrace, self._run_dir),
            has_history=has_history,
            finished_ts=recorded.finished_ts(self._run_dir),
        )

    def close(self) -> None:
        """Wait no longer."""
        self._closed = True
        self._moved.set()

    # For the screen

    @property
    def head(self) -> Playhead:
        """Where it is, and how fast it goes."""
        return self._head

    def now(self) -> float:
        """Return the moment of the run."""
        return self._head.ts(self._wall())

    def toggle(self) -> None:
        """Pause, or go on."""
        self._move(self._head.toggled(self._wall()))

    def faster(self, step: int) -> None:
        """Take the next speed, or the one before."""
        self._move(self._head.faster(self._wall(), step))

    def seek(self, ts: float) -> None:
        """Go to another moment."""
        self._move(self._head.sought(self._wall(), ts))

    def _move(self, head: Playhead) -> None:
        self._head = head
        self._moved.set()

    # For other threads that read

    def past(self) -> Past:
        """Return what the timeline shows beside the state."""
        return self._replay.past if self._replay is not None else Past()

    def reached(self, subject: CurveSubject) -> int | None:
        """Return how many epochs of a curve belong to the past; None: all that there are."""
        return self._replay.epoch_of(subject.task_id, subject.token) if self._replay is not None else 0


class NoRequests:
    """Refuses everything."""

    def task(self, command: TaskCommand, task_id: str, priority: int | None = None) -> None:
        """Refuse."""
        raise CqltuiError(REFUSED)

    def want(self, wanted: Wanted, instead_of: Wanted | None = None) -> None:
        """Refuse."""
        raise CqltuiError(REFUSED)

    def workers(self, count: int, instead_of: int | None = None) -> None:
        """Refuse."""
        raise CqltuiError(REFUSED)

    def look_at(self, task_ids: Sequence[str]) -> None:
        """Do nothing: no worker listens."""


def moment(text: str, begin_ts: float, end_ts: float) -> float:
    """Return the moment that is meant: "22:10", the first such time of the run, or "1h20m" after its begin. Raises
    InputError for one that is not in the run."""
    if (clock := _CLOCK.fullmatch(text)) is not None:
        hour, minute, second = (int(part or 0) for part in clock.groups())
        if hour < 24 and minute < 60 and second < 60:
            day = time.localtime(begin_ts)
            found = time.mktime((day.tm_year, day.tm_mon, day.tm_mday, hour, minute, second, 0, 0, -1))
            return _within(text, found + DAY_S if found < begin_ts - 60 else found, begin_ts, end_ts)
    elif text and (since := _SINCE.fullmatch(text)) is not None:
        days, hours, minutes, seconds = (int(part or 0) for part in since.groups())
        return _within(text, begin_ts + ((days * 24 + hours) * 60 + minutes) * 60 + seconds, begin_ts, end_ts)
    raise InputError(f"--at {text}: expected a time of day such as 22:10, or one since the begin such as 1h20m")


def _within(text: str, ts: float, begin_ts: float, end_ts: float) -> float:
    if not begin_ts - 60 <= ts <= end_ts + 60:
        first, last = (time.strftime("%d %b %H:%M:%S", time.localtime(ts)) for ts in (begin_ts, end_ts))
        raise InputError(f"--at {text}: not in this run, which is recorded from {first} to {last}")
    return min(max(ts, begin_ts), end_ts)
