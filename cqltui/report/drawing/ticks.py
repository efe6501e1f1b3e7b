"""Where an axis has its ticks, and what is written there: short numbers, shares as percentages, hours in UTC."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cqltui.report.figure import Axis

MINUS = "\N{MINUS SIGN}"
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
    values = _logarithmic(low, high, most) if log else _linear(low, high, most)
    if axis.format == "percent":
        return [(value, f"{short(100 * value)}%") for value in values]
    return [(value, short(value)) for value in values]


def short(value: float) -> str:
    """Return a number in few characters: 0.05, 1,000, 44.1k, 2.5M, 1e−05."""
    size = abs(value)
    if size and (size < 1e-4 or size >= 1e12):
        text = f"{value:.3g}"
    elif size >= 1e9:
        text = f"{value / 1e9:.6g}G"
    elif size >= 1e6:
        text = f"{value / 1e6:.6g}M"
    elif size >= 1e4:
        text = f"{value / 1e3:.6g}k"
    else:
        text = f"{value:,.6g}" if size < 1e3 else f"{value:,.10g}"
    return text.replace("-", MINUS)


def _linear(low: float, high: float, most: int) -> Sequence[float]:
    span = high - low
    if not 0 < span < math.inf:
        return (low,)
    rough = span / max(1, most)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, min(last, first + 100) + 1)]


def _logarithmic(low: float, high: float, most: int) -> Sequence[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    decades = math.log10(high / low)
    for sizes in ((1, 2, 5), (1, 3), (1,)):
        if decades * len(sizes) <= most:
            found = [float(f"{size}e{power}") for power in range(first - 1, last + 1) for size in sizes]
            within = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
            return within if len(within) > 1 else _linear(low, high, most)
    stride = math.ceil((last - first + 1) / most)
    return [float(f"1e{power}") for power in range(first, last + 1, stride)]


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
