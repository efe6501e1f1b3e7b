"""Regular expressions that a user types. They are matched with thousands of foreign texts on the screen's own thread,
so they run in linear time: by RE2, in place of `re`, which backtracks."""

from collections.abc import Callable
from importlib import import_module

LONGEST = 200
"""Characters of an expression."""
_LINES = "(?m)"


class PatternError(ValueError):
    """What is wrong with an expression, in words."""


def searcher(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a text holds the expression, whatever the case; ^ and $ are those of each line.

    Raises PatternError.
    """
    if len(pattern) > LONGEST:
        raise PatternError(f"it has more than {LONGEST} characters")
    re2 = import_module("re2")  # when it is wanted: it takes 4 MB
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False  # to standard error, which is the screen
    try:
        compiled = re2.compile(_LINES + pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        words = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise PatternError(words.replace(_LINES, "")) from None
    return lambda text: compiled.search(text) is not None
