"""Clients: short timeouts and no silent retries, since a call that is sent twice is the protocol's business."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cqltui.broker.protocol import trouble
from cqltui.broker.protocol.bounded import BoundedParser
from cqltui.broker.server import fitness, keeper
from cqltui.broker.server.local import LocalConnection, Place
from cqltui.broker.server.locks import is_held
from cqltui.broker.server.url import check_url, passwords, shown_url, tunnel_folder, wrong_form
from cqltui.errors import InputError, ServerError

try:
    from redis.driver_info import DriverInfo

    _DRIVER: dict[str, Any] = {"driver_info": DriverInfo()}  # else each connection reads it from the installed package
except ImportError:  # before 7.1 it is a constant
    _DRIVER = {}

TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 2.0
CONNECTION_FILE = keeper.CONNECTION_FILE

_IS_TLS = "if it speaks TLS, the URL must begin with rediss://"
_IS_PLAIN = "if it does not speak TLS, the URL must begin with redis://"
_MENDS = (("Connection reset by peer", _IS_TLS), ("Connection closed by server", _IS_TLS))
_TLS_MENDS = (
    ("is not valid for", "use the host name that its certificate is for"),
    ("certificate has expired", "its owner must renew it"),
    ("CERTIFICATE_VERIFY_FAILED", "name the CA that signed its certificate: rediss://...?ssl_ca_certs=/path/ca.pem"),
    ("NO_CERTIFICATE_OR_CRL_FOUND", "the file that ssl_ca_certs names holds no certificate (PEM)"),
    ("No such file", "a file that the URL names is missing (ssl_ca_certs, ssl_certfile or ssl_keyfile)"),
    ("PEM lib", "ssl_certfile and ssl_keyfile must be PEM, and an encrypted key needs its ssl_password"),
    ("WRONG_VERSION_NUMBER", _IS_PLAIN),
    ("Timeout", _IS_PLAIN),
)
"""What the texts of the library and of OpenSSL hold, and what to do then: the first that fits."""


def _settings() -> dict[str, Any]:
    return {
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        # Not for a time-out: a subscription would be made anew for a message of which a part is yet to come.
        "retry": Retry(NoBackoff(), 0, supported_errors=(redis.ConnectionError,)),
        "protocol": 2,  # one form of answers with every server
        "decode_responses": False,
        "parser_class": BoundedParser,
        **_DRIVER,
    }


def connect(target: str | Path) -> redis.Redis:
    """Return a client for a URL, or for the embedded server of a run directory. Raises InputError and ServerError."""
    if isinstance(target, str) and "://" in target:
        return connect_url(target)
    return connect_run_dir(Path(target))


def connect_run_dir(run_dir: Path) -> redis.Redis:
    """Return a client for the run directory's embedded server.

    Raises ServerError if no server is running there.
    """
    where = read_connection(run_dir)
    if where is None and is_closed(run_dir):
        raise ServerError(f"{run_dir}: the run is another user's, and its server lets nobody else in")
    if where is None or not is_held(run_dir / "server" / "alive.lock"):  # a copy's file names the original's server
        raise ServerError(f"{run_dir}: nothing runs here (no server); the campaign's command goes on with it")
    if not Path(where["socket"]).exists():
        raise ServerError(
            f"{run_dir}: the server's socket is gone ({where['socket']}); its owner's next command starts it again"
        )
    client = client_of(where, run_dir / "server")
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        client.close()
        raise ServerError(f"{run_dir}: {trouble.told(error)}") from error
    return client


def is_closed(run_dir: Path) -> bool:
    """Return whether there is a server's folder that is closed to this user."""
    folder = run_dir / "server"
    return folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK)


def client_of(where: Mapping[str, Any], folder: Path | None = None, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """Return a client for what a connection file says; nothing is sent yet. `folder`: as of `Place`."""
    settings = {**_settings(), "socket_timeout": timeout_s}
    return redis.Redis.from_pool(
        redis.ConnectionPool(connection_class=LocalConnection, place=Place(where, folder), **settings)
    )


def read_connection(run_dir: Path) -> dict[str, Any] | None:
    """Return the connection file: socket, password, names, pid, start_time. None if there is none that can be used."""
    return keeper.read_connection(run_dir / "server")


def connect_url(url: str) -> redis.Redis:
    """Return a client for the user's own server, which has answered a ping.

    Raises InputError for what is no such URL or a server of a kind that cannot be used, ServerError (of the class that
    `trouble.named` gives) if it cannot be used now; neither message, nor what they are raised from, holds a password.
    """
    if (folder := tunnel_folder(url)) is not None:
        return _connect_tunnel(folder)
    check_url(url)
    is_tls = url.startswith("rediss:")
    try:
        # A key's password that the URL lacks is not asked for on the terminal: it is none.
        client = redis.Redis.from_url(url, **_settings(), **({"ssl_password": ""} if is_tls else {}))
    except (ValueError, TypeError, AttributeError, redis.RedisError):
        # The library's messages may quote parts of the URL, and a password with a '#' or '/' is among them.
        raise wrong_form() from None
    try:
        client.ping()
        fitness.check(client, shown_url(url))
    except InputError:
        client.close()
        raise
    except (redis.RedisError, OSError, *trouble.NONSENSE) as error:
        client.close()
        found = trouble.named(error) if isinstance(error, redis.RedisError) else ServerError(trouble.told(error))
        text = str(found)
        for password in passwords(url):
            text = text.replace(password, "(hidden)")
        if trouble.kind(found) is trouble.Trouble.AWAY:
            text = _with_fix(f"the server cannot be used: {text}", tls=is_tls)
        raise type(found)(f"{shown_url(url)}: {text}") from None
    return client


def _connect_tunnel(folder: Path) -> redis.Redis:
    """Return a client for the server at the other end of a tunnel. Raises ServerError."""
    where = keeper.read_connection(folder)
    if where is None:
        raise ServerError(f"{folder}: no tunnel to the run's server ends here now")
    client = client_of(where, folder)
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        client.close()
        raise ServerError(f"through the tunnel that ends in {folder}: {trouble.told(error)}") from error
    return client


def eviction(client: redis.Redis) -> str | None:
    """Return what to say of a server that drops keys when it is full; None of one that does not, or will not say."""
    try:
        memory = client.execute_command("INFO", "memory")
    except redis.ResponseError:  # no right to ask
        return None
    limit, policy = memory.get("maxmemory", 0), memory.get("maxmemory_policy", "noeviction")
    if not limit or policy == "noeviction":
        return None
    return (
        f"the server may drop tasks and results when it is full (maxmemory-policy {policy}, maxmemory "
        f"{memory.get('maxmemory_human', limit)}): redis-cli config set maxmemory-policy noeviction"
    )


def _with_fix(text: str, *, tls: bool) -> str:
    """Return why a server cannot be reached, and what to do about it."""
    fix = next((fix for sign, fix in (_TLS_MENDS if tls else _MENDS) if sign in text), "")
    return f"{text}{fix and f'; {fix}'}"
