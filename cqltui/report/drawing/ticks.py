"""Where an axis has its ticks, and what is written there: short numbers, shares as percentages, hours in UTC."""

import math
from datetime import UTC, datetime, timedelta

from cqltui.report.figure import Axis
from cqltui.report.scales import linear, logarithmic, short

MINUTE, HOUR, DAY = 60, 3_600, 86_400
TIME_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(minutes * MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * HOUR for hours in (1, 2, 3, 6, 12)),
    *(days * DAY for days in (1, 2, 7, 14, 30, 90, 365, 3_650, 36_500, 365_000)),
)
LATEST = 2.5e11
"""Seconds since 1970: in the year 9892. Calendars end soon after."""
Ticks = list[tuple[float, str]]


def ticks(axis: Axis, low: float, high: float, most: int, *, log: bool = False) -> Ticks:
    """Return (value, text) of at most about `most` ticks between the ends of an axis, in ascending order."""
    if axis.categories:
        stride = max(1, math.ceil(len(axis.categories) / most))
        return [(float(at), name) for at, name in enumerate(axis.categories) if at % stride == 0]
    if axis.format == "time" and 0 <= low <= high <= LATEST:
        return _times(low, high, most)
    values = logarithmic(low, high, most) if log else linear(low, high, most)
    if axis.format == "percent":
        return [(value, f"{short(100 * value)}%") for value in values]
    return [(value, short(value)) for value in values]


def _times(low: float, high: float, most: int) -> Ticks:
    step = next((size for size in TIME_STEPS if (high - low) / size <= most), TIME_STEPS[-1])
    found: Ticks = []
    shown = ""
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=number * step)
        day = f"{moment.day} {moment:%b}" if step < 300 * DAY else f"{moment.year}"
        clock = f"{moment:%H:%M:%S}" if step < MINUTE else f"{moment:%H:%M}"
        # The day stands at the first tick, and wherever another one begins.
        text = day if step >= DAY else clock if day == shown else f"{clock}\n{day}"
        shown = day
        found.append((float(number * step), text))
    return found
