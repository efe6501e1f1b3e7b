"""What is wrong when a server does not do what it was asked: it is away, it cannot just now, or it refuses for good."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import NamedTuple

from redis import exceptions as lib

from cqltui.broker.protocol.records import RefusedError, ServerFullError, UnableError
from cqltui.errors import RIGHTS, InputError, ServerError

LOOKED_AT = 10_000
"""Characters of an error that are searched for what it is."""
SHOWN = 300
"""Characters of the server's own words."""


class Trouble(Enum):
    """What to expect of asking again."""

    AWAY = "away"
    """No answer, or it is starting, loading or busy: it is waited for."""
    UNABLE = "unable"
    """It answers and cannot do it just now (it is full, or its disk is): it is waited for, and the user is told why."""
    REFUSED = "refused"
    """It will say so each time, until somebody changes something: rights, a key's type, the server that was named."""


class _Sign(NamedTuple):
    found: str
    """Pattern in the error's code and text."""
    error: type[ServerError]
    """How we call it; plain ServerError: it is away."""
    what: str = ""
    fix: str = ""


_NO_ROOM = _Sign(
    "max number of clients",
    UnableError,
    "the server takes no more connections (maxclients)",
    "raise its maxclients, or end other clients",
)
_SIGNS = (
    _Sign(r"\b(LOADING|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN)\b", ServerError),
    _Sign(r"\bOOM\b", ServerFullError, "the server is full (maxmemory)", "raise its maxmemory, or make room"),
    _Sign(
        r"\bMISCONF\b",
        UnableError,
        "the server cannot save its data and takes no writes (MISCONF)",
        "make room on its disk; its log says what is wrong",
    ),
    _Sign(
        r"\bNOREPLICAS\b",
        UnableError,
        "the server takes no writes with so few replicas (NOREPLICAS)",
        "bring them back, or lower its min-replicas-to-write",
    ),
    _NO_ROOM,
    _Sign(
        r"\bNOPERM\b|The user executing the script can't|ACL failure in script",
        RefusedError,
        "the server's user may not do what is needed (NOPERM)",
        RIGHTS,
    ),
    _Sign(
        r"\b(NOAUTH|WRONGPASS)\b", RefusedError, "the server refuses the user or password", "correct them in the URL"
    ),
    _Sign(
        r"\bWRONGTYPE\b",
        RefusedError,
        "a key of the queue holds something else (WRONGTYPE); was it overwritten by hand?",
        "rename that key, or choose another [redis] namespace",
    ),
    _Sign(
        r"\bREADONLY\b",
        RefusedError,
        "the server is a read-only replica (READONLY)",
        "name its primary in the URL",
    ),
    _Sign(
        r"\b(MOVED|ASK|CROSSSLOT)\b",
        RefusedError,
        "the server is a node of a Redis Cluster",
        "use a server that is none",
    ),
    _Sign(
        "nknown ([Rr]edis )?command",
        RefusedError,
        "the server lacks a command of the protocol",
        "use Redis 6.2 or newer, or Valkey, with EVALSHA allowed",
    ),
    _Sign("", RefusedError, "the server refused a step of the queue"),
)
"""The first that fits counts. A script's error quotes the code of the command in it."""
_CODES: tuple[tuple[type[lib.RedisError], str], ...] = (
    (lib.OutOfMemoryError, "OOM"),
    (lib.NoPermissionError, "NOPERM"),
    (lib.ReadOnlyError, "READONLY"),
    (lib.AskError, "MOVED"),
    (lib.ClusterCrossSlotError, "CROSSSLOT"),
    (lib.TryAgainError, "TRYAGAIN"),
    (lib.ClusterDownError, "CLUSTERDOWN"),
    (lib.AuthenticationError, "NOAUTH"),
    (lib.AuthorizationError, "NOPERM"),
)
"""Of these the library takes the code off the text."""


NONSENSE = (ValueError, TypeError, AttributeError, LookupError, AssertionError, RecursionError, ArithmeticError)
"""What reading an answer raises that no Redis server gives, in the library or here."""


@contextmanager
def sensible() -> Iterator[None]:
    """Raise RefusedError for what comes, within, of an answer that no Redis server gives."""
    try:
        yield
    except NONSENSE as error:
        raise RefusedError(f"{told(error)} ({type(error).__name__})") from error


def kind(error: Exception) -> Trouble:
    """Return what to expect of asking again after this error: the library's, the operating system's, or ours."""
    match named(error) if isinstance(error, lib.RedisError) else error:
        case RefusedError() | InputError():  # the latter: a server of a kind that cannot be used
            return Trouble.REFUSED
        case UnableError():
            return Trouble.UNABLE
    return Trouble.AWAY


def told(error: Exception) -> str:
    """Return what is wrong by its name and what to do about it, as one sentence for the user."""
    if isinstance(error, NONSENSE):
        return "the server does not answer as a Redis server does"
    if kind(error) is Trouble.AWAY:
        return f"the server does not answer: {error}"
    return str(named(error) if isinstance(error, lib.RedisError) else error)


def named(error: lib.RedisError) -> ServerError:
    """Return the library's error as one of ours, of the class that says what it is."""
    sign = _sign(error)
    if sign is None or not sign.what:
        return ServerError(str(error)[:LOOKED_AT])
    return sign.error(f"{sign.what}: {str(error)[:SHOWN]}" + (f"; {sign.fix}" if sign.fix else ""))


def _sign(error: lib.RedisError) -> _Sign | None:
    """Return what the error is a sign of; None for a connection's troubles, whose texts quote host names and whatever
    else."""
    text = str(error)[:LOOKED_AT]
    code = next((code for known, code in _CODES if isinstance(error, known)), "")
    if not code and not isinstance(error, lib.ResponseError):
        return _NO_ROOM if re.match(_NO_ROOM.found, text) else None
    return next(sign for sign in _SIGNS if re.search(sign.found, f"{code} {text}"))
