"""Whether a server is of a kind that can hold a queue: told by itself, before anything is asked of it."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import redis
from redis.exceptions import ResponseError

from cqltui.errors import InputError

OLDEST = (6, 2)
"""Of Redis: before, XRANGE has no exclusive ids. Every Valkey is newer."""


def check(client: redis.Redis, shown: str) -> None:
    """Raise InputError for a server that is too old, a Sentinel, a node of a cluster or a replica.

    `shown`: its URL for the message. Raises redis.RedisError if it does not answer.
    """
    said = _said(client)
    if said.get("mode") == "sentinel":
        raise InputError(f"{shown}: is a Sentinel, which holds no data: give the primary that it watches")
    if said.get("server") == "redis" and too_old(version := str(said.get("version"))):
        raise InputError(f"{shown}: {too_old_text(version)}")
    if said.get("mode") == "cluster":
        raise InputError(
            f"{shown}: is a node of a Redis Cluster, which cannot hold a queue: use a server outside of a cluster"
        )
    if said.get("role") in ("replica", "slave"):
        raise InputError(f"{shown}: is a replica, which takes no writes: give its primary{_primary(client)}")


SUPERVISOR, WORKER = 6, 2
"""Connections that they hold."""


def check_room(client: redis.Redis, shown: str, workers: int) -> None:
    """Raise InputError if the server does not take as many connections as a run with so many workers holds."""
    try:
        info = client.info("clients")
        most = int(str(info.get("maxclients") or client.config_get("maxclients")["maxclients"]))
    except (ResponseError, KeyError, ValueError):
        return  # no right to ask
    free, needed = most - (int(info["connected_clients"]) - 1), SUPERVISOR + WORKER * workers
    if free < needed:
        fit = (free - SUPERVISOR) // WORKER
        fewer = f", or give --workers {fit}" if fit > 0 else ""
        raise InputError(
            f"{shown}: the server takes {most} connections (maxclients), of which {max(0, free)} are free, and a run "
            f"with {workers} worker{'s' * (workers != 1)} holds {needed}: raise its maxclients{fewer}"
        )


def too_old(version: str) -> bool:
    """Return whether such a version of Redis lacks what the protocol needs; False for what is no version."""
    found = re.match(r"(\d{1,9})\.(\d{1,9})", version)
    return found is not None and (int(found[1]), int(found[2])) < OLDEST


def too_old_text(version: str) -> str:
    """Return what is wrong with a server of that version."""
    return f"Redis {version} is too old; use {OLDEST[0]}.{OLDEST[1]} or newer, or Valkey"


def _said(client: redis.Redis) -> Mapping[str, Any]:
    """server, version, mode and role, as HELLO tells: no user needs a right for it. Nothing of what is not told."""
    with suppress(ResponseError):
        answer = client.execute_command("HELLO")  # of a server that is none it may be anything
        pairs = answer.items() if isinstance(answer, dict) else zip(answer[::2], answer[1::2], strict=True)
        return {_text(name): _text(value) for name, value in pairs}
    with suppress(ResponseError):  # before Redis 6, or a proxy
        info = client.info()
        names = {"version": "redis_version", "mode": "redis_mode", "role": "role"}
        return {"server": "redis", **{name: info[known] for name, known in names.items() if known in info}}
    return {}


def _primary(client: redis.Redis) -> str:
    with suppress(ResponseError, KeyError):  # no right to ask
        info = client.info("replication")
        return f" ({info['master_host']}:{info['master_port']})"
    return ""


def _text(raw: object) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
