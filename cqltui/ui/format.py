"""Numbers and times as people read them. Pure, but for the time zone."""

import time

NONE = "–"
LONGEST_S = 1e11
"""Three thousand years: a longer time comes of nonsense."""
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def clock(ts: float | None, now: float) -> str:
    """Local clock time, with the weekday when it is another day than `now`, with the date beyond six days."""
    if not ts:
        return NONE
    try:
        there, here = time.localtime(ts), time.localtime(now)
    except (OverflowError, ValueError, OSError):  # an estimate from nonsense
        return NONE
    if there[:3] == here[:3]:
        return time.strftime("%H:%M", there)
    return time.strftime("%a %H:%M" if abs(ts - now) < 6 * 86_400 else "%d %b %H:%M", there)


def between(ends: tuple[float, float] | None, now: float) -> str:
    """Return the clock times of a range, 17:55-18:20, the day once; empty without one, and within one minute."""
    if ends is None:
        return ""
    low, high = clock(ends[0], now), clock(ends[1], now)
    day, _, first = low.rpartition(" ")
    if day == high.rpartition(" ")[0]:
        high = high[len(day) :].lstrip()
    return "" if high in (first, NONE) else f"{low}-{high}"


def stamp(ts: float) -> str:
    """Local clock time to the second."""
    try:
        return time.strftime("%H:%M:%S", time.localtime(ts)) if ts else NONE
    except (OverflowError, ValueError, OSError):
        return NONE


def duration(seconds: float | None) -> str:
    """Return a duration in its two largest units: 42s, 3m 07s, 1h 34m, 2d 03h."""
    if seconds is None or not abs(seconds) <= LONGEST_S:
        return NONE
    whole = max(0, round(seconds))
    if not whole and seconds > 0:
        return "<1s"
    minutes, secs = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}h"
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {secs:02}s" if minutes else f"{secs}s"


def number(value: float | None) -> str:
    """Return a metric in at most seven characters: 0.0949, 12.35, 1.2e-05."""
    if value is None:
        return NONE
    size = abs(value)
    if size >= 1e5 or 0 < size < 1e-3:
        return f"{value:.1e}"
    return f"{value:.4f}" if size < 10 else f"{value:.2f}" if size < 1_000 else f"{value:.0f}"


def count(value: float) -> str:
    """Return a whole number with thousands set apart."""
    return f"{value:,.0f}"


def scaled(value: float) -> str:
    """Return a large number in three digits and a unit: 950, 12.3 k, 4.56 G."""
    for size, unit in _UNITS:
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f}"


def priority(value: float) -> str:
    """Return a priority without needless zeros."""
    return f"{value:g}"
