"""What is told of the run to somebody who looks at something else: the bell, the terminal's title, and a toast."""

import time
from collections.abc import Callable

from cqltui.state import alerts
from cqltui.state.alerts import Told
from cqltui.state.plain import plain
from cqltui.ui.frame import Frame

TITLE_CHARS = 80


def clock(ts: float) -> str:
    """Return a moment as people read it."""
    return time.strftime("%a %H:%M", time.localtime(ts))


class Outward:
    """Looks once a second. What there was when the screen was opened is on it, and not told."""

    def __init__(
        self, tell: Callable[[str, str], object], ring: Callable[[], object], entitle: Callable[[str], object]
    ) -> None:
        """`tell` takes a text and how bad it is; `ring` rings the bell, `entitle` sets the terminal's title."""
        self._tell, self._ring, self._entitle = tell, ring, entitle
        self._told: Told | None = None
        self._second = -1
        self._title = ""
        self._seen: tuple[object, ...] = ()
        """What tells whether anything has happened since."""

    def show(self, frame: Frame) -> None:
        """Tell what is new, if it is time to look."""
        state = frame.state
        is_new = self.entitle(frame)
        if is_new is None or (not is_new and (state.finished_ts or not state.campaign.notify.late_ts)):
            return
        if self._told is None:
            self._told = alerts.seen(state, frame.estimate, frame.now)
            return
        found, self._told = alerts.look(state, frame.estimate, frame.as_of, self._told, clock)
        for alert in found:
            self._tell(alert.text, "warning" if alert.bad else "information")
        if found and state.campaign.notify.bell:
            self._ring()

    def entitle(self, frame: Frame) -> bool | None:
        """Say in the terminal's title how far the run is. Return whether anything has happened since, None if it is not
        time to look."""
        state = frame.state
        if frame.waiting or not (state.tasks or state.page) or int(frame.now) == self._second:
            return None
        self._second = int(frame.now)
        seen = (state.epoch, state.seq, len(state.tasks), state.finished_ts)
        is_new, self._seen = seen != self._seen, seen
        if is_new:
            done, total = alerts.done_of(state)
            self._title = plain(f"cqltui {state.campaign.name} {done}/{total}", TITLE_CHARS)
        self._entitle(self._title)  # a screen that was suspended has lost it
        return is_new
