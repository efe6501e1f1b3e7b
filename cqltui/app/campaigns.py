"""The campaigns on a server, and how each stands."""

import argparse

from redis.exceptions import RedisError

from cqltui.app import options
from cqltui.broker.protocol.census import Standing, namespaces, standing
from cqltui.broker.protocol.trouble import told
from cqltui.broker.server.connect import connect_url
from cqltui.errors import InputError, ServerError


def on_server(arguments: argparse.Namespace) -> list[Standing]:
    """Return those on the server that is meant, by name, or the one of `--namespace`. Raises InputError and
    ServerError."""
    url = options.redis_url(arguments.redis_url)
    if url is None:
        raise InputError("which server? Give --redis-url URL, or set REDIS_URL")
    try:
        with connect_url(url) as client:
            names = namespaces(client) if arguments.namespace is None else [arguments.namespace]
            return [standing(client, name) for name in names]
    except RedisError as error:
        hint = "; --namespace NAME looks at one campaign alone" if arguments.namespace is None else ""
        raise ServerError(f"{told(error)}{hint}") from error
