"""The past of a run from its journal, read on from where it was read to."""

import os
from pathlib import Path

from cqltui.broker.protocol import codec
from cqltui.state.lanes import Past
from cqltui.state.past import Chronicle
from trainer.files import open_regular

MOST_BYTES = 1 << 25
"""Read at once; what comes after is read the next time."""


class JournalPast:
    """Called in a thread of the screen's."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._read_to = 0
        self._chronicle = Chronicle()

    def __call__(self) -> Past:
        """Return what the journal tells by now; what was told before, where it cannot be read."""
        try:
            with open_regular(self._journal) as file:
                if file.seek(0, os.SEEK_END) < self._read_to:  # another run's
                    self._read_to, self._chronicle = 0, Chronicle()
                file.seek(self._read_to)
                content = file.read(MOST_BYTES)
        except OSError:
            return self._chronicle.past()
        whole = content.rfind(b"\n") + 1
        # A line that is longer than what is read at once is none of ours.
        self._read_to += whole or (len(content) if len(content) == MOST_BYTES else 0)
        for line in content[:whole].splitlines():
            event = codec.decode_event(line)
            if event is not None:
                self._chronicle.add(event)
        return self._chronicle.past()
