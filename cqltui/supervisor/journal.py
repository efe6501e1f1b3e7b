"""journal.jsonl: every lifecycle event once and in order, also those that came while no supervisor listened."""

import os
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from cqltui.broker.protocol import codec
from cqltui.state.events import Event, Kind
from trainer.files import plain_file

TAIL_BYTES = 1 << 20


class Journal:
    """Appends events; knows from the file itself which was the last."""

    def __init__(self, path: Path) -> None:
        """Open the file. A last line that a killed writer left unfinished is cut off."""
        self._file = open(path, "ab+", opener=plain_file)  # noqa: SIM115
        self.version = self._last()
        """(epoch, seq) of the newest event written."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def follows(self, event: Event) -> bool:
        """Return whether nothing is missing between the newest event written and this one."""
        return (event.epoch, event.seq) <= (self.version[0], self.version[1] + 1)

    def append(self, events: Iterable[Event]) -> None:
        """Write those that are new, and where the server had lost some before them, that."""
        for event in events:
            if (event.epoch, event.seq) > self.version:
                if event.epoch == self.version[0] and event.seq > self.version[1] + 1:
                    self._write(_gap(self.version[1] + 1, event))
                self._write(event)
        self._file.flush()

    def _write(self, event: Event) -> None:
        try:
            line = codec.encode_event(event)
        except TypeError:  # brackets nested deeper than are written: nobody of ours has sent them
            line = codec.encode_event(replace(event, data={}))
        self._file.write(line + b"\n")
        self.version = event.epoch, event.seq

    def _last(self) -> tuple[int, int]:
        size = self._file.seek(0, os.SEEK_END)
        start = self._file.seek(max(0, size - TAIL_BYTES))
        tail = self._file.read()
        whole = tail[: tail.rfind(b"\n") + 1]
        self._file.truncate(start + len(whole))
        known = (codec.decode_event(line) for line in reversed(whole.splitlines()))
        return next(((event.epoch, event.seq) for event in known if event is not None), (0, 0))


def _gap(first: int, event: Event) -> Event:
    """Return what stands for the events from that number to the one before this event."""
    last = event.seq - 1
    text = f"the server had lost its events {first} to {last}; task.json holds what became of the tasks"
    return Event(Kind.NOTICE, event.ts, event.epoch, last, data={"level": "warning", "text": text, "from": first})
