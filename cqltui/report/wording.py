"""How the report's tables, captions and texts write what several of them say."""

from collections.abc import Sequence
from datetime import UTC, datetime


def capital(text: str) -> str:
    """Return text as it begins a sentence or a heading: `TD loss`, `Learning rate`."""
    return text[:1].upper() + text[1:]


def counted(count: int, word: str) -> str:
    """Return `1 task` or `1,000 tasks`."""
    return f"{count:,} {word}{'s' if count != 1 else ''}"


def listed(words: Sequence[str]) -> str:
    """Return `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def moment(ts: float) -> str:
    """Return a time of seconds since 1970 as `2026-11-27 06:41:21`, in UTC; empty for none."""
    try:
        return f"{datetime.fromtimestamp(ts, UTC):%Y-%m-%d %H:%M:%S}" if ts > 0 else ""
    except (OverflowError, OSError, ValueError):
        return ""
