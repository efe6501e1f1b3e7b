"""Quotas of workers a user, over all campaigns of a server: who may have how many, and who has how many.

The limits are a hash that only an admin may write where the server has users. A user is the server's own, of whom the
workers' (`anna-worker`) is a part, or where there is none the campaign's owner without the machine.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from msgspec import Struct
from redis.exceptions import NoPermissionError

from cqltui.broker.protocol.bounded import parts
from cqltui.broker.protocol.keys import LIMITS, PLACES, Keys
from cqltui.broker.protocol.records import RefusedError
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.protocol.trouble import sensible
from cqltui.state.plain import plain

WORKERS = "-worker"
"""Ends the name of the server's user for somebody's workers."""
NOBODY = "-"
"""Whose worker one is that campaigns share."""
MOST_USERS = 1000
"""That are listed."""
_PAGE = 1000


class Quota(Struct, frozen=True):
    """How many workers a user has, and may have. Texts are foreign."""

    user: str
    limit: int | None = None
    """None: any number."""
    by: str = ""
    """Who said so."""
    used: int | None = 0
    """None: this user of the server may not know."""
    places: frozenset[str] = frozenset()
    """prefix|worker of each, as far as there are not very many."""

    @property
    def refusal(self) -> str:
        """Why the user may have no further worker."""
        return (
            f"{self.rule}, and has as many; `cqltui quota --redis-url URL` lists them, and an admin of the server can "
            "allow more"
        )

    @property
    def rule(self) -> str:
        """What the quota says."""
        workers = "any number of workers" if self.limit is None else f"{self.limit:,} worker{'s' * (self.limit != 1)}"
        by = f" (set by {plain(self.by, 80)})" if self.by else ""
        return f"quota: user {plain(self.user, 64)} may have {workers} on this server{by}"


def user_of(client: redis.Redis) -> str:
    """Return the server's user whose the connection is; empty where it has no users, or of the embedded server."""
    name = client.connection_pool.connection_kwargs.get("username") or ""
    return "" if name == "default" else str(name).removesuffix(WORKERS)


def quota(answer: Sequence[Any]) -> Quota:
    """Return what the scripts tell: user, limit, who said so, how many there are, and which. Raises RefusedError."""
    with sensible():
        user, limit, by, *rest = answer
        count, *places = rest or [b""]
        return Quota(
            user.decode(errors="replace"),
            None if limit == b"" else int(limit),
            by.decode(errors="replace"),
            None if count == b"" else int(count),
            frozenset(place.decode(errors="replace") for place in places),
        )


class Quotas:
    """All quotas of a server, for who looks at them or sets them. Raises RedisError and ServerError."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def all(self) -> list[Quota]:
        """Return those of all users who have a limit or workers, by name, at most `MOST_USERS`."""
        with sensible():
            names = {name for name in self._client.execute_command("HGETALL", LIMITS) if name}
            names |= self._at_work()
            scripts = Scripts(self._client, Keys())
            try:
                return [quota(scripts.run("places", name)) for name in sorted(names)[:MOST_USERS]]
            finally:
                scripts.close()

    def _at_work(self) -> set[bytes]:
        found: set[bytes] = set()
        cursor = 0
        for _ in parts("its keys"):
            cursor, keys = self._client.execute_command("SCAN", cursor, "MATCH", f"{PLACES}*", "COUNT", _PAGE)
            found.update(key.removeprefix(PLACES.encode()) for key in keys)
            if cursor == 0 or len(found) >= MOST_USERS:
                break
        return found - {b""}

    def set(self, user: str, limit: int, by: str) -> None:
        """Let the user have so many workers at most. Those who work already stay."""
        with _for_admins():
            self._client.execute_command("HSET", LIMITS, user, f"{limit} {time.time():.0f} {by}")

    def remove(self, user: str) -> bool:
        """Let the user have any number; return False if that was so before."""
        with _for_admins():
            return bool(self._client.execute_command("HDEL", LIMITS, user))


@contextmanager
def _for_admins() -> Iterator[None]:
    try:
        yield
    except NoPermissionError as error:
        raise RefusedError(f"quotas are set by an admin of the server: this user may not write {LIMITS}") from error
