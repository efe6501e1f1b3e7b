"""The past of a run from its journal: what the timeline marks, and what has happened."""

from pathlib import Path

from cqltui.app.journalfile import JournalFile
from cqltui.state.happened import Happening, Teller, extended
from cqltui.state.lanes import Past
from cqltui.state.past import Chronicle

TAIL_BYTES = 4 << 20
"""The end of a journal that is read at first: some thousand events."""
CHECKPOINT = b'"kind":"task.checkpoint"'
"""In lines that tell nothing to a reader of what has happened, and are many."""


class JournalPast:
    """Called in a thread of the screen's."""

    def __init__(self, journal: Path) -> None:
        self._file = JournalFile(journal)
        self._chronicle = Chronicle()

    def __call__(self) -> Past:
        """Return what the journal tells by now; what was told before, where it cannot be read."""
        anew, events = self._file.news()
        if anew:
            self._chronicle = Chronicle()
        for event in events:
            self._chronicle.add(event)
        return self._chronicle.past()


class JournalHappenings:
    """What has happened, put together, the newest last. Called in a thread of the screen's."""

    def __init__(self, journal: Path) -> None:
        self._file = JournalFile(journal, TAIL_BYTES)
        self._teller = Teller()
        self._told: tuple[Happening, ...] = ()

    def __call__(self) -> tuple[Happening, ...]:
        """Return what the journal tells by now; the same object while there is nothing new."""
        anew, events = self._file.news(CHECKPOINT)
        if anew:
            self._teller, self._told = Teller(), ()
        if found := [one for event in events for one in self._teller.tell(event)]:
            self._told = extended(self._told, found)
        return self._told
