"""Events and JSON objects as bytes. What is read is foreign: whatever is malformed gives None, never an exception."""

from collections.abc import Mapping
from typing import Any, TypeGuard

import orjson

from cqltui.state import decode
from cqltui.state.decode import is_stamp
from cqltui.state.events import VERSION, Event, Kind
from cqltui.state.model import Wanted

_TOLD = frozenset(Kind) - {Kind.ANEW, Kind.SUMMARY}
"""Nobody else has a reader forget what it knows, or count what it does not."""
COUNT_DIGITS = 18
"""Of a count: what has more is none of ours, and Python refuses some thousands."""


def encode_object(value: Mapping[str, Any]) -> bytes:
    """Return a JSON object; NaN and infinities become null. Raises TypeError for what JSON has no form for."""
    return orjson.dumps(value)


def decode_object(raw: bytes | str | None) -> dict[str, Any] | None:
    """Return the JSON object in `raw`, None if there is none."""
    if raw is None:
        return None
    try:
        value = orjson.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def encode_event(event: Event) -> bytes:
    """Return the event as it goes over the wire."""
    return orjson.dumps(
        {
            "v": VERSION,
            "epoch": event.epoch,
            "seq": event.seq,
            "ts": event.ts,
            "kind": event.kind,
            "task": event.task,
            "worker": event.worker,
            "token": event.token,
            "attempt": event.attempt,
            "data": dict(event.data),
        }
    )


def decode_event(raw: bytes | str | None) -> Event | None:
    """Return the event in `raw`; None if it is malformed, of a later version of the format, or of an unknown kind."""
    value = decode_object(raw)
    if value is None or not _is_count(value.get("v")) or not 1 <= value["v"] <= VERSION:
        return None
    ts, kind, data = value.get("ts"), value.get("kind"), value.get("data", {})
    if not isinstance(kind, str) or kind not in _TOLD or not isinstance(data, dict):
        return None
    if isinstance(ts, bool) or not isinstance(ts, int | float) or not is_stamp(ts):
        return None
    task, worker, token = value.get("task", ""), value.get("worker", ""), value.get("token", "")
    epoch, seq, attempt = value.get("epoch", 0), value.get("seq", 0), value.get("attempt", 0)
    if not (type(task) is type(worker) is type(token) is str and _is_count(epoch) and _is_count(seq)):
        return None
    if not _is_count(attempt):
        return None
    return Event(Kind(kind), float(ts), epoch, seq, task, worker, token, attempt, data)


def whole(raw: bytes | None) -> int:
    """Return a count as Redis stores it; 0 if there is none."""
    return int(raw) if raw is not None and raw.isdigit() and len(raw) <= COUNT_DIGITS else 0


def number(text: str) -> int | float:
    """Return a number as Redis stores it; 0 for anything else that somebody may have typed."""
    return int(text) if text.isdecimal() and len(text) < 19 else decode.number({"": text}, "")


def wanted(raw: bytes | None) -> Wanted:
    """Return what is wanted of the whole run; running, if nothing that is known was stored."""
    try:
        return Wanted((raw or b"running").decode())
    except ValueError:
        return Wanted.RUNNING


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and value >= 0  # what JSON gives is of no subclass but bool
