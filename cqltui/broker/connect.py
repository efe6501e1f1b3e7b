"""Clients: short timeouts and no silent retries, since a call that is sent twice is the protocol's business."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cqltui.errors import InputError, ServerError

TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 2.0
CONNECTION_FILE = "connection.json"
URL_FORMS = "redis://[user:password@]host:port/db, rediss://... (TLS) or unix://[user:password@]/path?db=0"


def _settings() -> dict[str, Any]:
    return {
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,  # one form of answers with every server
        "decode_responses": False,
    }


def connect(target: str | Path) -> redis.Redis:
    """A client for a URL, or for the embedded server of a run directory. Raises InputError and ServerError."""
    if isinstance(target, str) and "://" in target:
        return connect_url(target)
    return connect_run_dir(Path(target))


def connect_run_dir(run_dir: Path) -> redis.Redis:
    """A client for the run directory's embedded server, by its socket, or its port should the socket be gone.

    Raises ServerError if no server is running there.
    """
    where = read_connection(run_dir)
    if where is None:
        raise ServerError(f"{run_dir}: nothing runs here (no server); the campaign's command goes on with it")
    client = client_of(where)
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        client.close()
        raise ServerError(f"{run_dir}: the server of this run directory does not answer: {error}") from error
    return client


def client_of(where: Mapping[str, Any], timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """A client for what a connection file says; nothing is sent yet."""
    settings = {**_settings(), "password": where["password"], "socket_timeout": timeout_s}
    if Path(where["socket"]).exists():
        return redis.Redis(unix_socket_path=where["socket"], **settings)
    return redis.Redis(host="127.0.0.1", port=where["port"], **settings)


def read_connection(run_dir: Path) -> dict[str, Any] | None:
    """The connection file: socket, port, password, pid, start_time. None if there is none that can be used."""
    try:
        value = json.loads((run_dir / "server" / CONNECTION_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    types = {"socket": str, "port": int, "password": str, "pid": int, "start_time": int | float}
    if not isinstance(value, dict) or not all(isinstance(value.get(key), kind) for key, kind in types.items()):
        return None
    return value


def connect_url(url: str) -> redis.Redis:
    """A client for the user's own server, which has answered a ping.

    Raises InputError for what is no such URL and ServerError if the server cannot be used; neither message, nor what
    they are raised from, holds a password.
    """
    try:
        settings = _settings()
        client = redis.Redis.from_url(url, **settings)
    except (ValueError, TypeError, AttributeError, redis.RedisError):
        # The library's messages may quote parts of the URL, and a password with a '#' or '/' is among them.
        raise InputError(
            f"the Redis URL is not of the form {URL_FORMS}; escape special signs in a password (%23 for #)"
        ) from None
    try:
        client.ping()
    except redis.AuthenticationError as error:
        client.close()
        raise ServerError(f"{shown_url(url)}: the server refuses the user or password: {error}") from None
    except (redis.RedisError, OSError, ValueError) as error:
        client.close()
        raise ServerError(f"{shown_url(url)}: the server cannot be used: {_without_secret(str(error), url)}") from None
    return client


def shown_url(url: str) -> str:
    """The URL without user, password and query, for messages and logs."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "the Redis URL"
    address = f"{host}:{port}" if port else host
    return f"{parts.scheme}://{address}{parts.path}"


def _without_secret(text: str, url: str) -> str:
    password = urlsplit(url).password
    return text.replace(password, "***") if password else text
