"""What the list of runs needs of the rest of the program."""

import time
from collections.abc import Callable, Sequence

from msgspec import Struct, field

from cqltui.results.overview import RunOverview
from cqltui.ui.preferences import Preferences


def _nothing(name: str) -> None:
    pass


class RunsPorts(Struct, frozen=True, kw_only=True):
    """What the list is given. All of it may block, and raise CqltuiError with a message for the user."""

    look: Callable[[], Sequence[RunOverview]]
    size_of: Callable[[str], int]
    """Bytes on the disk, by path."""
    archive: Callable[[str], str]
    delete: Callable[[str], None]
    compare: Callable[[Sequence[str], int], list[str]]
    """Paths and cells to lines."""
    theme_chosen: Callable[[str], None] = _nothing
    """Told the name of a theme that the user has taken."""
    clock: Callable[[], float] = time.time
    preferences: Preferences = field(default_factory=Preferences)
    read_only: bool = False
