"""Quotas of workers a user: asked of a server, and set there."""

import argparse

from redis.exceptions import RedisError

from cqltui.app import options
from cqltui.app.asker import asker
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.quotas import Quota, Quotas
from cqltui.broker.protocol.trouble import told
from cqltui.broker.server.connect import connect_url
from cqltui.errors import InputError, ServerError


def on_server(arguments: argparse.Namespace) -> list[Quota]:
    """Do what is asked of the server that is meant, and return the quotas there, or that of who is meant. Raises
    InputError and ServerError."""
    url = options.redis_url(arguments.redis_url)
    if url is None:
        raise InputError("which server? Give --redis-url URL, or set REDIS_URL")
    user, namespace = arguments.user, arguments.namespace
    if user is not None and namespace is not None:
        raise InputError("--namespace asks for the user of that campaign: leave out USER")
    try:
        with connect_url(url) as client:
            if namespace is not None:
                return [Queue(client, namespace).quota()]
            quotas = Quotas(client)
            if arguments.limit is not None:
                quotas.set(user, arguments.limit, asker())
            elif arguments.remove:
                quotas.remove(user)
            found = quotas.all()
    except RedisError as error:
        hint = "" if user is not None else "; --namespace NAME asks for the user of one campaign"
        raise ServerError(f"{told(error)}{hint}") from error
    return found if user is None else [one for one in found if one.user == user] or [Quota(user)]
