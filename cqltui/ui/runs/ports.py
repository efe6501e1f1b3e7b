"""What the list of runs needs of the rest of the program."""

import time
from collections.abc import Callable, Sequence
from dataclasses import field

from cqltui.results.overview import RunOverview
from cqltui.ui.preferences import Preferences
from cqltui.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsPorts:
    """What the list is given. All of it may block, and raise CqltuiError with a message for the user."""

    look: Callable[[], Sequence[RunOverview]]
    size_of: Callable[[str], int]
    """Bytes on the disk, by path."""
    archive: Callable[[str], str]
    delete: Callable[[str], None]
    compare: Callable[[Sequence[str], int], list[str]]
    """Paths and cells to lines."""
    clock: Callable[[], float] = time.time
    preferences: Preferences = field(default_factory=Preferences)
    read_only: bool = False
