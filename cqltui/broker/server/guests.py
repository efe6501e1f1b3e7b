"""Who may use the embedded server from elsewhere: a user of the server's for each block of workers, with what a worker
needs and no more.

It runs the protocol's own scripts, which are loaded before it is let in, and none of its own making: it has EVALSHA,
and neither EVAL nor SCRIPT LOAD. The server keeps its users in memory: one that was started anew has none.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from msgspec import Struct
from msgspec.structs import replace

from cqltui.broker.protocol import trouble
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.scripts import source
from cqltui.broker.server.acl import WORKER, Role
from cqltui.broker.server.connect import connect_run_dir, read_connection
from cqltui.errors import ServerError

PREFIX = "cqltui-block-"
"""Begins the names of these users."""
NEEDED = ("EVALSHA",)
"""Of the commands that have another name at each start of the server, those that a guest is told."""


GUEST = Role(PREFIX, WORKER.scripts, WORKER.calls - {"script|load"})


class Entry(Struct, frozen=True):
    """How a guest gets in: what a connection file there says, but for the socket, which is another one there."""

    socket: str
    """The server's, here."""
    told: Mapping[str, Any]
    server: Mapping[str, Any]
    """What the server's own connection file said then."""

    def at(self, socket: str) -> dict[str, Any]:
        """Return the content of a connection file for a guest to whom the server is at this socket."""
        return {**self.told, "socket": socket}


class Guests:
    """The guests of a run's server. For several threads."""

    def __init__(self, run_dir: Path, namespace: str = "") -> None:
        self._run_dir, self._keys = run_dir, Keys(namespace)
        self._passwords: dict[str, str] = {}

    def admit(self, block: str) -> Entry:
        """Let a block's workers in; those of an earlier password are sent away. Raises ServerError."""
        password = self._passwords.setdefault(block, secrets.token_urlsafe(32))
        user = PREFIX + block
        where = read_connection(self._run_dir)
        with _said(), connect_run_dir(self._run_dir) as client:
            for name in WORKER.scripts:
                client.execute_command("SCRIPT LOAD", source(name))
            client.execute_command(*rules(user, self._keys, password).split())
        if where is None:
            raise ServerError(f"{self._run_dir}: the server has just gone")
        told = {"username": user, "password": password, "pid": 0, "start_time": 0.0}
        names = {name: other for name, other in where.get("names", {}).items() if name in NEEDED}
        return Entry(where["socket"], {**told, "names": names}, where)

    def is_stale(self, entry: Entry) -> bool:
        """Return whether another server has come since, which knows no guests yet."""
        where = read_connection(self._run_dir)
        return where is not None and any(where.get(key) != entry.server.get(key) for key in ("names", "socket"))

    def dismiss(self) -> list[str]:
        """Send all away, a former supervisor's too; who they were. Raises ServerError."""
        with _said(), connect_run_dir(self._run_dir) as client:
            known = [name.decode() if isinstance(name, bytes) else str(name) for name in client.acl_users()]
            if found := [name for name in known if name.startswith(PREFIX)]:
                client.execute_command("ACL DELUSER", *found)  # which ends their connections
        return found


def rules(user: str, keys: Keys, password: str) -> str:
    """Return the words that make a block's user."""
    return replace(GUEST, user=user).rules(keys, password)


@contextmanager
def _said() -> Iterator[None]:
    """Raise ServerError for what the library raises."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise ServerError(trouble.told(error)) from error
