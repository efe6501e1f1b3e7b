"""A share in the embedded server, and the server's end when the last share is given up."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis

from cqltui.broker import keeper
from cqltui.broker.connect import CONNECTION_FILE, client_of, read_connection
from cqltui.broker.locks import FileLock, is_held
from cqltui.identity import Life
from cqltui.machine import is_neighbour, life
from cqltui.state import decode

STOP_S = 20.0
"""Time for a server to end in good order."""
KILL_S = 5.0
_STEP_S = 0.02
_GLANCE_S = 0.005
"""The keeper takes the users' lock for a moment to see whether it is free."""
_ASK_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class ServerHandle:
    """One process's share in the server. Held until `leave`, or until the process ends."""

    run_dir: Path
    socket: str
    port: int
    password: str
    pid: int
    binary: str
    users: FileLock
    set_aside: Path | None = None
    """Where damaged data was moved to, if this start found it damaged."""

    def connect(self) -> redis.Redis:
        """A new client of the server that runs now, which may be a later one than the handle's; nothing is sent yet."""
        own = {"socket": self.socket, "port": self.port, "password": self.password}
        return client_of(read_connection(self.run_dir) or own)

    def leave(self) -> bool:
        """Gives up the share. The last user shuts the server down, its data safely written, waits for its end, and
        gets True."""
        try:
            if not self.users.try_exclusive():
                time.sleep(_GLANCE_S)
                if not self.users.try_exclusive():
                    return False
            _shut_down(self)
            return True
        finally:
            self.users.close()

    def detach(self) -> None:
        """Gives up the share and leaves the server running, whoever else uses it."""
        self.users.close()


def is_alive(folder: Path) -> bool:
    """Whether the server of that folder lives, answering or not: it holds `alive.lock` as long as it does."""
    return is_held(folder / "alive.lock")


def is_server(pid: int, folder: Path) -> bool:
    """Whether that process is this user's server of that folder: what a file names may be anything that lives."""
    try:
        process = psutil.Process(pid)
        return process.name() in keeper.BINARIES and is_neighbour(process) and folder.samefile(process.cwd())
    except (psutil.Error, OSError, ValueError):
        return False


def is_missed(folder: Path) -> bool:
    """Whether the server of that folder is dead while processes count on it: it was killed, not shut down."""
    if not (folder / "users.lock").exists() or is_alive(folder):
        return False
    lock = FileLock(folder / "users.lock")
    try:
        return not lock.try_exclusive()
    finally:
        lock.close()


def _shut_down(handle: ServerHandle) -> None:
    """Orderly; a server that hangs is killed, since its AOF holds what it has acknowledged up to a second ago."""
    folder = handle.run_dir / "server"
    deadline = time.monotonic() + STOP_S
    ask_at = 0.0
    while is_alive(folder):
        if time.monotonic() >= deadline:
            if not _kill(handle):
                return
            break
        if time.monotonic() >= ask_at:
            # Again and again: a server that writes its first AOF refuses to end.
            _ask_to_end(handle)
            ask_at = time.monotonic() + _ASK_AGAIN_S
        time.sleep(_STEP_S)
    (folder / CONNECTION_FILE).unlink(missing_ok=True)
    keeper.remove_socket(Path(handle.socket))


def _ask_to_end(handle: ServerHandle) -> None:
    client = handle.connect()
    try:
        client.execute_command("SHUTDOWN")
    except (redis.RedisError, OSError):
        pass  # it is the server's end that ends the connection; one that is gone already is as good
    finally:
        client.close()


def _kill(handle: ServerHandle) -> bool:
    """Whether it is dead now; one that cannot be told to be this very process is left alone."""
    where = read_connection(handle.run_dir) or {}
    said = decode.process(where.get("process"))
    if said.machine:
        pid, is_it = said.pid, life(said) is Life.ALIVE
    else:  # started by an earlier version
        pid = handle.pid
        try:
            is_it = abs(psutil.Process(pid).create_time() - where.get("start_time", 0.0)) < 1.0
        except psutil.Error:
            is_it = False
    is_it = is_it and is_server(pid, handle.run_dir / "server")
    if is_it:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + KILL_S
    while (lives := is_alive(handle.run_dir / "server")) and is_it and time.monotonic() < deadline:
        time.sleep(_STEP_S)
    return not lives
