"""The campaigns on a server, and how each stands."""

import argparse
from collections.abc import Callable
from functools import partial

from redis.exceptions import RedisError

from cqltui.app import options
from cqltui.broker.protocol.census import Standing, namespaces, standing
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.quotas import Quota, Quotas
from cqltui.broker.protocol.trouble import told
from cqltui.broker.server.connect import connect_url
from cqltui.errors import InputError, ServerError


def on_server(arguments: argparse.Namespace) -> tuple[list[Standing], list[Quota]]:
    """Return those on the server that is meant, by name, or the one of `--namespace`, and the quotas of users. Raises
    InputError and ServerError."""
    url = options.redis_url(arguments.redis_url)
    if url is None:
        raise InputError("which server? Give --redis-url URL, or set REDIS_URL")
    try:
        with connect_url(url) as client:
            names = namespaces(client) if arguments.namespace is None else [arguments.namespace]
            whose = Quotas(client).all if arguments.namespace is None else partial(_of_one, Queue(client, names[0]))
            return [standing(client, name) for name in names], _readable(whose)
    except RedisError as error:
        hint = "; --namespace NAME looks at one campaign alone" if arguments.namespace is None else ""
        raise ServerError(f"{told(error)}{hint}") from error


def _readable(ask: Callable[[], list[Quota]]) -> list[Quota]:
    """Return those that this user of the server may read."""
    try:
        return [one for one in ask() if one.limit is not None]
    except (RedisError, ServerError):  # no right to them, or keys of another kind: `cqltui quota` says which
        return []


def _of_one(queue: Queue) -> list[Quota]:
    return [queue.quota()]
