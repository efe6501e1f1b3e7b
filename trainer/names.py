"""Names in a message: those that are known, and the nearest to one that is not. Free of torch."""

import difflib
import re
from collections.abc import Collection, Iterable

LONGEST = 100
"""Characters of a name that are compared and shown."""
MOST = 20
"""A message lists at most so many names."""
_SHOWN_AS_IT_IS = re.compile(rf"[\w.\-\[\]]{{1,{LONGEST}}}")


def nearest(name: str, known: Collection[str]) -> str | None:
    """Return the known name that was meant, whatever its case; None if none is near."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name[:LONGEST].casefold(), by_folded, n=1)
    return by_folded[near[0]] if near else None


def suggestion(name: str, known: Collection[str]) -> str:
    """Return the end of a message about an unknown name: the nearest known one, or all of them; empty if none is
    known."""
    if not known:
        return ""
    near = nearest(name, known)
    return f"; known: {listed(known)}" if near is None else f"; did you mean {_shown(near)}?"


def listed(names: Iterable[str]) -> str:
    """Return the names for a message; a long list is cut."""
    shown = [_shown(name) for name in names]
    more = len(shown) - MOST
    return ", ".join(shown[:MOST]) + (f" and {more} more" if more > 0 else "")


def _shown(name: str) -> str:
    return name if _SHOWN_AS_IT_IS.fullmatch(name) else repr(name[:LONGEST])
