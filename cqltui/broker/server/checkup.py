"""Is a server fit for a campaign? What is looked at, and how to fix what is not as it should be."""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum

import redis
from msgspec import Struct
from redis.exceptions import NoPermissionError

from cqltui.broker.protocol import trouble
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.records import RefusedError
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.protocol.trouble import Trouble
from cqltui.broker.server import fitness
from cqltui.broker.server.connect import connect_url
from cqltui.broker.server.url import shown_url
from cqltui.errors import RIGHTS, CqltuiError

LOOKED_AT = 1000
"""Entries of the queue that are looked at one by one."""


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(Struct, frozen=True):
    """One thing looked at."""

    level: Level
    what: str
    found: str
    fix: str = ""


def user_server(url: str, keys: Keys) -> Iterator[Finding]:
    """Yield whether the user's server can be reached, keeps what it is given, and is free of other tools' entries."""
    try:
        with connect_url(url) as client:
            protocol(client, keys)
            fitness.check_room(client, shown_url(url), 1)
            yield Finding(Level.OK, "your server", f"does what the protocol needs{_version(client)}")
            yield from settings(client)
            yield from left_over(client, keys)
    except NoPermissionError as error:
        yield Finding(Level.ERROR, "your server", f"its user may not do what is needed: {error}", RIGHTS)
    except (redis.RedisError, OSError, CqltuiError, *trouble.NONSENSE) as error:
        found = str(error) if isinstance(error, OSError | CqltuiError) else trouble.told(error)
        away = trouble.kind(error) is Trouble.AWAY
        fix = "start it, or correct or unset REDIS_URL" if away else "or unset REDIS_URL, and use the embedded server"
        yield Finding(Level.ERROR, "your server", found, fix)


def protocol(client: redis.Redis, keys: Keys) -> None:
    """Take a step of the protocol that reads, writes and publishes, and leave nothing of it. Raises redis.RedisError
    and ServerError if the server does not do it."""
    name = secrets.token_hex(8)
    try:
        if not Scripts(client, keys).run("checkup", name):
            raise RefusedError("the server does not keep what a script writes")
    finally:
        with suppress(redis.RedisError):  # of a script that was cut short
            client.execute_command("DEL", *(keys.checkup(name) + part for part in ("", ":queue", ":events")))


def _version(client: redis.Redis) -> str:
    """Return its version, if the user may ask."""
    try:
        return f", version {client.info('server')['redis_version']}"
    except NoPermissionError:
        return ""


def settings(client: redis.Redis) -> Iterator[Finding]:
    """Yield whether the server keeps what it is given."""
    try:
        policy, persistent = (_setting(client, name) for name in ("maxmemory-policy", "appendonly"))
    except redis.ResponseError as error:  # no right to CONFIG, or no such command, as hosted servers have it
        fix = "ask its owner for maxmemory-policy noeviction and appendonly yes"
        yield Finding(Level.WARNING, "settings", f"cannot be read: {error}", fix)
        return
    if policy != "noeviction":
        fix = "redis-cli config set maxmemory-policy noeviction"
        yield Finding(Level.ERROR, "eviction", f"{policy}: the server may drop queued tasks when it is full", fix)
    if persistent != "yes":
        fix = "redis-cli config set appendonly yes"
        yield Finding(Level.WARNING, "persistence", "no append-only file: a crash loses the queue's last minutes", fix)


def _setting(client: redis.Redis, name: str) -> str:
    return _text(client.execute_command("CONFIG", "GET", name)[1])


def left_over(client: redis.Redis, keys: Keys) -> Iterator[Finding]:
    """Yield what other tools, or older versions of one, left under our names."""
    kind = _text(client.execute_command("TYPE", keys.queue))
    if kind not in ("none", "zset"):
        fix = f"redis-cli rename {keys.queue} {keys.queue}.old"
        yield Finding(Level.ERROR, keys.queue, f"is a {kind}, expected a sorted set", fix)
        return
    negative = client.execute_command("ZCOUNT", keys.queue, "-inf", "(0")
    if negative:
        fix = f"redis-cli zremrangebyscore {keys.queue} -inf '(0'"
        found = f"{negative} entries with a negative score, as older tools write them"
        yield Finding(Level.WARNING, keys.queue, found, fix)
    unknown = [_text(raw) for raw in client.execute_command("ZRANGE", keys.queue, 0, LOOKED_AT - 1)]
    unknown = [name for name in unknown if not _is_task(client, keys, name)]
    if unknown:
        fix = f"if no other tool needs them: redis-cli zrem {keys.queue} {' '.join(map(ascii, unknown[:3]))}"
        found = f"{len(unknown)} entries are no tasks of a campaign, such as {unknown[0]!a}"
        yield Finding(Level.WARNING, keys.queue, found, f"{fix}; or set [redis] namespace")
    tasks = client.execute_command("ZCARD", keys.queue)
    yield Finding(Level.OK, keys.queue, f"{tasks} entries are queued")


def _is_task(client: redis.Redis, keys: Keys, name: str) -> bool:
    """Return whether a task of that name is known, with a hash of its own or untouched."""
    return bool(
        client.execute_command("EXISTS", keys.task(name)) or client.execute_command("HGET", keys.untouched, name)
    )


def _text(raw: bytes | str) -> str:
    return raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
