"""Time on the axes of a run's figures. Clocks are set back, and a run goes on after a day: both would spoil an axis."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from msgspec import Struct

from cqltui.report.figure import Axis
from cqltui.report.material import Floats
from cqltui.report.wording import counted
from cqltui.state import decode

JITTER_S = 5.0
"""Clocks of one machine's processes, and lines that were written at once, may be so far out of order."""
PAUSE_S = 300.0
"""A history has a line every ten seconds: where there is none for so long, nobody supervised the run."""
HOUR = 3_600.0


class Clock(Struct, frozen=True):
    """Seconds since 1970 -> a place on the axis."""

    start: float
    gaps: tuple[tuple[float, float], ...] = ()
    """When nobody supervised the run, in order."""
    short: bool = False
    """Whether the axis leaves the gaps out: hours of running in place of the time of day."""

    @property
    def axis(self) -> Axis:
        """The axis that `at` has places on."""
        if self.short:
            return Axis(f"hours since the start, without {counted(len(self.gaps), 'interruption')}")
        return Axis("time (UTC)", format="time")

    def at(self, times: Floats | Sequence[float]) -> Floats:
        """Return the places of these times."""
        return self.running(times) / HOUR if self.short else np.asarray(times, dtype=np.float64)

    def running(self, times: Floats | Sequence[float]) -> Floats:
        """Return seconds since the start that the run was supervised."""
        found = np.asarray(times, dtype=np.float64)
        away = sum((np.clip(found, begin, end) - begin for begin, end in self.gaps), np.zeros_like(found))
        return found - self.start - away

    @property
    def note(self) -> str:
        """A sentence on the gaps, or nothing."""
        if not self.gaps:
            return ""
        longest = max(end - begin for begin, end in self.gaps)
        return f" The run was not supervised {counted(len(self.gaps), 'time')}, for at most {duration(longest)}."


def in_order(times: Sequence[float]) -> tuple[Floats, int]:
    """Return times that were written down one after the other so that none is before the one ahead of it, and how
    often the clock was set back: what comes after that is moved on by as much. A single time out of order is damaged,
    and takes the place of the one ahead of it."""
    found: list[float] = []
    moved, back = 0.0, 0
    for place, time in enumerate(times):
        now, ahead = time + moved, found[-1] if found else -math.inf
        following = times[place + 1] + moved if place + 1 < len(times) else max(now, ahead)
        early = now < ahead - JITTER_S
        if following >= ahead - JITTER_S and (early or now > following + JITTER_S):
            now = ahead if found else following  # the next is in order without this one
        elif early:
            moved += ahead - now
            back += 1
        found.append(max(ahead, now))
    return np.array(found, dtype=np.float64), back


def clock_of(times: Floats) -> Clock:
    """Return the clock by the ordered times of a history's lines: where the gaps take more than half of the axis, it
    leaves them out."""
    if not len(times):
        return Clock(0.0)
    gaps = tuple((one, other) for one, other in pairwise(times.tolist()) if other - one > PAUSE_S)
    away = sum(other - one for one, other in gaps)
    return Clock(float(times[0]), gaps, away > (times[-1] - times[0]) / 2)


def stamped(lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the lines that say when they are of; the others are damaged."""
    return [line for line in lines if decode.stamp(line, "ts") > 0]


def back_note(count: int) -> str:
    """Return a sentence on how often the clock was set back, or nothing."""
    return f" The clock was set back {counted(count, 'time')}: later times are moved on by as much." if count else ""


def duration(seconds: float) -> str:
    """Return a duration in a few words: 45 s, 12.5 min, 3.2 h, 2.1 days."""
    for size, unit in ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min")):
        if abs(seconds) >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
