"""The Lua scripts, each one atomic step of the protocol. Sent once, then called by their digest."""

import re
from functools import cache
from hashlib import sha1
from importlib import resources
from typing import Any

import redis
from redis.exceptions import NoScriptError, ResponseError

from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.line import Line
from cqltui.broker.protocol.records import FencedError, UnregisteredError
from cqltui.broker.protocol.trouble import named

_ALIGNED = frozenset({"realign", "reconcile", "level"})
"""Scripts that also need what brings the index in line."""
_COUNTED = frozenset({"register", "unregister", "places"})
"""And those that know of quotas."""
_MANY = frozenset({"enqueue", "submit"})
"""And those that take many tasks."""
_FUNCTION = re.compile(r"local function (\w+)")


@cache
def source(name: str) -> str:
    """Return the whole text of a script: its own part, after what it uses of the common parts.

    Only that: the server makes each function anew at every call, used or not.
    """
    own = _text(name)
    common = _text("forms") + _text("untouched") + _text("common") + (_text("align") if name in _ALIGNED else "")
    common += _text("quotas") if name in _COUNTED else ""
    common += _text("many") if name in _MANY else ""
    taken, words = [own], _words(own)
    for part in reversed(_parts(common)):  # what is used stands before what uses it
        function = _FUNCTION.match(part)
        if function is None or function[1] in words:
            taken.append(part)
            words |= _words(part)
    return "".join(reversed(taken))


def _text(name: str) -> str:
    return (resources.files("cqltui.broker.protocol") / "lua" / f"{name}.lua").read_text(encoding="utf-8")


def _words(text: str) -> set[str]:
    """Return the names in the code, its comments left out."""
    return set(re.findall(r"\w+", re.sub(r"--.*", "", text)))


def _parts(text: str) -> list[str]:
    """Return the text cut at its functions, each with its end; in the order of the text."""
    return re.split(r"(?m)^(?=local function )|(?<=^end\n)", text)


@cache
def digest(name: str) -> str:
    """Return what the server calls the script by."""
    return sha1(source(name).encode(), usedforsecurity=False).hexdigest()


class Scripts:
    """Calls scripts on one server for one namespace.

    Errors of the connection come through as redis.ConnectionError and redis.TimeoutError: whoever calls decides
    whether to try again, and a call may have been carried out before its answer was lost.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._line = Line(client)
        self._keys = keys

    def close(self) -> None:
        """Give the connection that is held between calls back to the client's pool."""
        self._line.close()

    def run(self, name: str, *args: str | bytes | int | float) -> Any:
        """Return the script's answer. Raises FencedError, UnregisteredError, and ServerError as `trouble.named` has
        it."""
        try:
            try:
                return self._line.call("EVALSHA", digest(name), 0, self._keys.prefix, *args)
            except NoScriptError:
                self._line.call("SCRIPT", "LOAD", source(name))  # over the same connection: servers have a limit
                return self._line.call("EVALSHA", digest(name), 0, self._keys.prefix, *args)
        except ResponseError as error:
            raise _translated(error) from error


def _translated(error: ResponseError) -> Exception:
    text = str(error)
    if "FENCED worker" in text:
        return FencedError("another process has registered under this worker's id")
    if "UNREGISTERED worker" in text:
        return UnregisteredError("the server does not know this worker: it must register again")
    return named(error)
