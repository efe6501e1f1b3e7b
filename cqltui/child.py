"""How this program starts itself as another process."""

import sys
from collections.abc import Sequence

PYTHON = (sys.executable, "-P")
"""Begins the command line of every Python process of ours. Without -P the current folder comes first on a module's
path, and a user's own queue.py there is taken for the standard library's. A PYTHONPATH counts as ever."""

BARE_PYTHON = (sys.executable, "-I", "-S")
"""The standard library alone: small, starts at once, and no upgrade of what is installed disturbs it."""


def words_of(command_line: Sequence[str]) -> list[str]:
    """What follows `PYTHON` in a command line of ours; an earlier version began with the interpreter alone."""
    rest = list(command_line[1:])
    return rest[1:] if rest[:1] == [PYTHON[1]] else rest
