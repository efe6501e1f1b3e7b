"""`--no-ui --json`: one event a line on standard output, for programs."""

import json
import math
from collections.abc import Mapping
from typing import Any, TextIO

from cqltui.state.events import VERSION, Event, Kind
from cqltui.state.model import RunState


class JsonReporter:
    """Writes {v, epoch, seq, ts, kind, task, worker, token, attempt, data}, always all of them and in this order.

    Every event but ticks, as it came: also progress, and the snapshots that stand for what a reader missed. A reader
    that wants each lifecycle event once keeps the highest (epoch, seq); local kinds have seq 0.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def handle(self, before: RunState, event: Event, after: RunState) -> None:
        """Write the event. The states are not needed: `data` carries what changed, whole."""
        if event.kind is not Kind.TICK:
            print(to_line(event), file=self._out, flush=True)

    def tick(self, state: RunState, now: float) -> None:
        """Nothing happens between events."""

    def close(self) -> None:
        """Nothing is held open."""


def to_line(event: Event) -> str:
    """Return the event as one line of strict JSON in ASCII; numbers that JSON does not know are null."""
    message = {
        "v": VERSION,
        "epoch": event.epoch,
        "seq": event.seq,
        "ts": event.ts,
        "kind": event.kind.value,
        "task": event.task,
        "worker": event.worker,
        "token": event.token,
        "attempt": event.attempt,
        "data": event.data,
    }
    return json.dumps(_strict(message), allow_nan=False, separators=(",", ":"))


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_strict(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)
