"""Workers that several campaigns of a server share: each turn is at the campaign that is furthest behind its share.

What each campaign has had, in workers' seconds over its weight, the server keeps beside the campaigns; their own users
have no right to it. Lists of campaigns are made by one worker for all, since that looks at all names of keys.
"""

import redis

from cqltui.broker.protocol.census import namespaces
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.records import check_name
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.protocol.trouble import sensible

SHARED = "cqltui-shared"
"""The namespace of what is kept; no campaign is to have it."""
LISTED_S = 15.0
"""A campaign that is new on the server is served after so long at most, once a worker asks."""
_NAMELESS = "-"


class Shares:
    """One worker's turns. Not for several threads."""

    def __init__(self, client: redis.Redis, worker_id: str, listed_s: float = LISTED_S) -> None:
        self._client = client
        self._keys = Keys(SHARED)
        self._scripts = Scripts(client, self._keys)
        self._worker = check_name("worker", worker_id)
        self._listed_s = listed_s

    def choose(self, took_s: float = 0.0, skipped: frozenset[str] = frozenset()) -> str | None:
        """End the worker's turn, which took so long, if it has one, and begin the next; return its namespace, None if
        no campaign has work. `skipped`: namespaces that this worker cannot serve now.

        Raises RedisError and ServerError.
        """
        with sensible():
            chosen, stale = self._asked(took_s, skipped)
            if stale:
                self._list()
                if chosen is None:
                    chosen, _ = self._asked(0.0, skipped)
        return chosen

    def _asked(self, took_s: float, skipped: frozenset[str]) -> tuple[str | None, bool]:
        prefixes = (Keys(name).prefix for name in sorted(skipped))
        found, stale = self._scripts.run("share", self._worker, took_s, "choose", self._listed_s, *prefixes)
        prefix = found.decode()
        return (None if prefix == _NAMELESS else prefix.removesuffix(":")), bool(stale)

    def _list(self) -> None:
        names = [Keys(name).prefix or _NAMELESS for name in namespaces(self._client)]
        self._client.execute_command("HSET", self._keys.shares, "names", "\n".join(names))

    def beat(self, took_s: float) -> None:
        """Tell how long the turn has taken so far: it counts though it never comes to its end. Raises as `choose`."""
        with sensible():
            self._scripts.run("share", self._worker, took_s, "beat", self._listed_s)
