"""A small redis-cli, since the embedded server wants a password and redis-cli may not be installed."""

import sys
from collections.abc import Sequence
from typing import Any, TextIO

import redis
from redis.exceptions import ResponseError

from cqltui.state.plain import plain

ERROR_CHARS = 2_000

_STREAMING = frozenset({"MONITOR", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "SYNC", "PSYNC"})
_STATUSES = frozenset({b"OK", b"PONG", b"QUEUED"})
_ESCAPES = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x07: "\\a", 0x08: "\\b"}


def main(argv: Sequence[str], client: redis.Redis, out: TextIO | None = None, *, formatted: bool | None = None) -> int:
    """Send one command and print the answer as redis-cli does: `(integer) 3`, `1) "a"` on a terminal, plain values
    otherwise (`formatted` None: as `out` is one). Returns 0, or 1 for an error. Connection errors are the caller's."""
    out = out or sys.stdout
    if not argv:
        print("(error) ERR no command given, for example: zcard training_queue", file=out)
        return 1
    if argv[0].upper() in _STREAMING:
        print(f"(error) ERR {argv[0]} does not end; this client sends single commands", file=out)
        return 1
    connection = client.connection_pool.get_connection()
    try:
        connection.send_command(*(word.encode("utf-8", "surrogateescape") for word in argv))
        answer = connection.read_response()
    except ResponseError as error:
        answer = error
    finally:
        client.connection_pool.release(connection)
    pretty = out.isatty() if formatted is None else formatted
    for line in _pretty(answer) if pretty else _plain(answer):
        print(line, file=out)
    return 1 if isinstance(answer, Exception) else 0


def quoted(raw: bytes) -> str:
    """Return the bytes in double quotes, with everything escaped that a terminal might take for more than text."""
    return '"' + "".join(_ESCAPES.get(c) or (chr(c) if 0x20 <= c < 0x7F else f"\\x{c:02x}") for c in raw) + '"'


def _error(error: Exception) -> str:
    """With the code in front, which the library takes off."""
    code = getattr(error, "status_code", None)
    return plain(f"(error) {code} {error}" if code else f"(error) {error}", ERROR_CHARS)


def _pretty(value: Any, indent: str = "") -> list[str]:
    if value is None:
        return ["(nil)"]
    if isinstance(value, Exception):
        return [_error(value)]
    if isinstance(value, int):
        return [f"(integer) {value}"]
    if isinstance(value, bytes):
        return [value.decode() if value in _STATUSES else quoted(value)]
    if isinstance(value, list):
        return _numbered(value, indent)
    return [quoted(str(value).encode())]


def _numbered(items: list[Any], indent: str) -> list[str]:
    if not items:
        return ["(empty array)"]
    width = len(str(len(items)))
    lines = []
    for number, item in enumerate(items, 1):
        head = f"{number:>{width}}) "
        first, *rest = _pretty(item, indent + " " * len(head))
        lines.append((indent if number > 1 else "") + head + first)
        lines += rest
    return lines


def _plain(value: Any) -> list[str]:
    if value is None:
        return [""]
    if isinstance(value, Exception):
        return [_error(value)]
    if isinstance(value, list):
        return [line for item in value for line in _plain(item)]
    return [value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)]
