"""What the server has lost of its data: noticed by comparing its keys with each other, task by task."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from cqltui.broker.protocol import codec
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.scripts import Scripts
from cqltui.state.events import Event, Kind
from cqltui.state.model import Notice

PAGE = 500
"""Tasks a call: a few milliseconds of the server's time."""


class Found(Struct, frozen=True):
    """What an audit found, and could not make again from what the server has."""

    version: tuple[int, int]
    """(epoch, seq) of the newest event at that time."""
    lost: frozenset[str]
    """Tasks without a hash: lost, or never submitted."""
    resultless: frozenset[str]
    """Tasks that are done, without their result."""
    has_notices: bool
    """Whether the server holds any notice for the user."""


class Audits:
    """The part of the queue that finds losses."""

    keys: Keys
    _scripts: Scripts

    def audit(self, task_ids: Sequence[str]) -> Found:
        """Compare these tasks, at most some thousand, with the server's sets; what is missing there is made again."""
        epoch, seq, _, lost, resultless, notices = self._scripts.run("audit", *task_ids)
        return Found(
            version=(codec.whole(epoch), codec.whole(seq)),
            lost=frozenset(raw.decode() for raw in lost),
            resultless=frozenset(raw.decode() for raw in resultless),
            has_notices=bool(notices),
        )

    def restore_notices(self, notices: Iterable[Notice]) -> None:
        """Keep these, the oldest first, for late readers, unless the server has some."""
        known = [
            Event(Kind.NOTICE, said.ts, *said.version, data={"level": said.level, "text": said.text})
            for said in notices
        ]
        if known:
            self._scripts.run("notices", *(codec.encode_event(event) for event in reversed(known)))
