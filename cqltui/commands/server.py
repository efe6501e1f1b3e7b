"""Which server a command on a run means."""

import argparse

from cqltui.broker.access import Server
from cqltui.broker.handle import is_missed
from cqltui.commands import options
from cqltui.errors import InputError
from cqltui.results.rundir import RunDir, read_json


def open_run(arguments: argparse.Namespace, *, start: bool = False) -> tuple[Server, RunDir | None]:
    """The server of an existing run, for commands on it, and its directory if it is named here.

    `start`: an embedded server that does not run is started; one that was killed under its users always is. Raises
    InputError and ServerError.
    """
    url = options.redis_url(arguments.redis_url)
    if url is not None and arguments.run_dir is None:
        server = Server(None, url, arguments.namespace or "")
        if server.queue.snapshot().data["meta"].get("campaign") is None:
            server.leave()
            raise InputError("there is no campaign on this server; if it has a [redis] namespace, give --namespace")
        return server, None
    found = options.existing_run(arguments.run_dir)
    said = (read_json(found.campaign_json) or {}).get("campaign", {}).get("redis", {})
    if said.get("url") and url is None:
        raise InputError(f"{found.path}: this run is on your own server: give --redis-url, or set REDIS_URL")
    use_url = url if said.get("url") else None
    start = start or is_missed(found.server)
    return Server(found.path, use_url, str(said.get("namespace", "")), start=start), found
