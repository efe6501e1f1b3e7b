"""Which server a command on a run means."""

import argparse
import errno

from redis.exceptions import RedisError

from cqltui.app import options
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.trouble import told
from cqltui.broker.server.access import Server
from cqltui.broker.server.handle import is_cut_off, is_missed
from cqltui.broker.server.ownership import expect_ours, foreign, take
from cqltui.broker.server.url import tunnel_folder
from cqltui.errors import CqltuiError, InputError, ServerError
from cqltui.machine import machine_id
from cqltui.results.rundir import RunDir, is_writable
from cqltui.state import decode
from cqltui.state.plain import plain
from cqltui.supervisor import manifest
from cqltui.supervisor.lock import is_supervised


def open_run(arguments: argparse.Namespace, *, start: bool = False, look: bool = False) -> tuple[Server, RunDir | None]:
    """Return the server of an existing run, for commands on it, and its directory if it is named here.

    `start`: an embedded server that does not run is started; one that was killed under its users, or has lost its
    socket, always is. `look`: for a command that changes nothing, and needs no right to write. Raises InputError and
    ServerError.
    """
    url = options.redis_url(arguments.redis_url)
    if url is not None and arguments.run_dir is None:
        server = Server(None, url, arguments.namespace or "")
        if not server.queue.campaign():
            server.leave()
            raise InputError("there is no campaign on this server; if it has a [redis] namespace, give --namespace")
        return server, None
    found = options.existing_run(arguments.run_dir)
    return open_known(found, url, start=start, look=look), found


def open_known(found: RunDir, url: str | None, *, start: bool = False, look: bool = False) -> Server:
    """As `open_run`, for this run. `url`: of the user's own server, if one is given."""
    is_own, namespace = manifest.is_own_server(found), manifest.namespace(found)
    if url is not None and tunnel_folder(url) is not None:
        is_own = True  # of the run, but reached as one elsewhere
    if is_own and url is None:
        raise InputError(f"{found.path}: this run is on your own server: give --redis-url, or set REDIS_URL")
    use_url = url if is_own else None
    if look and (not is_writable(found) or foreign(found.path)):
        return _of_run(Server(found.path, use_url, namespace, look=True), found, look=look)
    if use_url is None:
        expect_ours(found.path)
    start = start or is_missed(found.server)
    try:
        start = start or is_cut_off(found.server)
        if start and use_url is None:
            options.expect_run(found)
            take(found.path)
        server = Server(found.path, use_url, namespace, start=start)
    except (OSError, ServerError) as error:
        if not start and is_missed(found.server):  # it was killed just then
            return open_known(found, url, start=True, look=look)
        why = error.__cause__ if isinstance(error, ServerError) else error
        if not isinstance(why, OSError) or why.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        whose = f"{found.path}: {why.strerror}: the run is another user's, or on a disk that is read-only"
        raise InputError(f"{whose}; it can be looked at: status, attach, logs") from error
    return _of_run(server, found, look=look)


def opened(run_dir: RunDir) -> Server:
    """Return the embedded server of a run that is looked at. Raises InputError, and ServerError whatever the server
    answers."""
    try:
        return open_known(run_dir, None, look=True)
    except RedisError as error:
        raise ServerError(told(error)) from error


def reopened(run_dir: RunDir) -> Server | None:
    """Return the server of a run that somebody goes on with; None while nobody does, or it has yet to start."""
    if not is_supervised(run_dir):
        return None
    try:
        return open_known(run_dir, None, look=True)
    except (CqltuiError, RedisError, OSError):
        return None


def _of_run(server: Server, run_dir: RunDir, *, look: bool) -> Server:
    """Return the user's own server, once it is known not to hold the run that this directory is a copy of, which lies
    elsewhere on this machine."""
    if server.embedded:
        return server
    other = _elsewhere(server.queue, run_dir)
    if other is None:
        return server
    server.leave()
    text = f"{run_dir.path}: the server holds the run in {plain(other)}, of which this is a copy: name that one"
    raise ServerError(text) if look else InputError(text)


def _elsewhere(queue: Queue, run_dir: RunDir) -> str | None:
    """Return where the run lies that a server holds, if that is another directory of this machine which is there; else
    None. Raises RedisError and ServerError."""
    said = queue.campaign()
    other = decode.campaign(said)
    if other is None or not other.run_dir or decode.process(said.get("process")).machine != machine_id():
        return None
    try:
        return None if run_dir.path.samefile(other.run_dir) else other.run_dir
    except (OSError, ValueError):  # it is there no more
        return None
