"""Is a server fit for a campaign? What is looked at, and how to mend what is not as it should be."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import redis

from cqltui.broker.connect import connect_url
from cqltui.broker.keys import Keys
from cqltui.errors import CqltuiError


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    level: Level
    what: str
    found: str
    mend: str = ""


def user_server(url: str, keys: Keys) -> Iterator[Finding]:
    """Whether the user's server can be reached, keeps what it is given, and is free of other tools' entries."""
    try:
        client = connect_url(url)
        version = client.info("server")["redis_version"]
        yield Finding(Level.OK, "your server", f"answers, version {version}")
        yield from settings(client)
        yield from left_over(client, keys)
    except (redis.RedisError, OSError, CqltuiError) as error:
        yield Finding(Level.ERROR, "your server", str(error), "start it, or mend or unset REDIS_URL")


def settings(client: redis.Redis) -> Iterator[Finding]:
    """Whether the server keeps what it is given."""
    policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "")
    if policy != "noeviction":
        mend = "redis-cli config set maxmemory-policy noeviction"
        yield Finding(Level.ERROR, "eviction", f"{policy}: the server may drop queued tasks when it is full", mend)
    if client.config_get("appendonly").get("appendonly") != "yes":
        mend = "redis-cli config set appendonly yes"
        yield Finding(Level.WARNING, "persistence", "no append-only file: a crash loses the queue's last minutes", mend)


def left_over(client: redis.Redis, keys: Keys) -> Iterator[Finding]:
    """What older tools or campaigns left under our names."""
    kind = client.type(keys.queue)
    name = kind.decode() if isinstance(kind, bytes) else str(kind)
    if name not in ("none", "zset"):
        mend = f"redis-cli rename {keys.queue} {keys.queue}.old"
        yield Finding(Level.ERROR, keys.queue, f"is a {name}, expected a sorted set", mend)
        return
    if name == "zset":
        negative = client.zcount(keys.queue, "-inf", "(0")
        if negative:
            mend = f"redis-cli zremrangebyscore {keys.queue} -inf (0"
            found = f"{negative} entries with a negative score, as older tools write them"
            yield Finding(Level.WARNING, keys.queue, found, mend)
        yield Finding(Level.OK, keys.queue, f"{client.zcard(keys.queue)} tasks are queued")
