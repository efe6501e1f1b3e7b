"""A share in the embedded server, and the server's end when the last share is given up."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import TYPE_CHECKING

import redis
from msgspec import Struct

from cqltui.broker.server import keeper
from cqltui.broker.server.connect import CONNECTION_FILE, client_of, read_connection
from cqltui.broker.server.locks import FileLock, is_alive, is_held
from cqltui.identity import Life
from cqltui.later import Later
from cqltui.machine import is_neighbour, life
from cqltui.state import decode
from trainer.files import read_regular

if TYPE_CHECKING:
    import psutil
else:
    psutil = Later("psutil")

STOP_S = 20.0
"""Time for a server to end in good order."""
KILL_S = 5.0
_STEP_S = 0.02
_PID_BYTES = 100
_GLANCE_S, _LOOKS = 0.005, 2
"""The keeper takes the users' lock for a moment to see whether it is free; a look at who has it takes it too."""
_ASK_AGAIN_S = 0.5
_APPEAR_S = 1.0
"""A server has its socket long before, and its keeper is gone by then."""


class ServerHandle(Struct, frozen=True):
    """One process's share in the server. Held until `leave`, or until the process ends."""

    run_dir: Path
    socket: str
    password: str
    pid: int
    binary: str
    users: FileLock
    set_aside: Path | None = None
    """Where damaged data was moved to, if this start found it damaged."""
    fresh_ts: float = 0.0
    """When the server was started, in seconds since 1970, if nobody had a share in it then; else 0."""

    def connect(self) -> redis.Redis:
        """Return a new client of the server that runs now, which may be a later one than the handle's; nothing is sent
        yet."""
        own = {"socket": self.socket, "password": self.password}
        return client_of(read_connection(self.run_dir) or own, self.run_dir / "server")

    def leave(self) -> bool:
        """Give up the share. The last user shuts the server down, its data safely written, waits for its end, and
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
        """Give up the share and leave the server running, whoever else uses it."""
        self.users.close()


def is_server(pid: int, folder: Path) -> bool:
    """Return whether that process is this user's server of that folder: what a file names may be anything that
    lives."""
    try:
        process = psutil.Process(pid)
        return process.name() in keeper.BINARIES and is_neighbour(process) and folder.samefile(process.cwd())
    except (psutil.Error, OSError, ValueError):
        return False


def has_users(folder: Path) -> bool:
    """Return whether some process has a share in the server of that folder. Whoever has the lock alone has none: it
    looks for a moment whether there are users, or ends the server."""
    if not (folder / "users.lock").exists():
        return False
    lock = FileLock(folder / "users.lock")
    try:
        for _ in range(_LOOKS):
            if lock.try_exclusive() or not lock.try_shared() or lock.try_exclusive():
                return False
            time.sleep(_GLANCE_S)  # another process may have looked just then
        return True
    finally:
        lock.close()


def await_end(folder: Path) -> None:
    """Wait for the end of a server that is being ended, by its last user or by its keeper. Raises ServerError if that
    takes too long."""
    if (folder / "users.lock").exists():
        lock = FileLock(folder / "users.lock")
        try:
            lock.wait(time.monotonic() + STOP_S + KILL_S, shared=True)
        finally:
            lock.close()


def is_missed(folder: Path) -> bool:
    """Return whether the server of that folder is dead while processes count on it: it was killed, not shut down."""
    return not is_alive(folder) and has_users(folder)


def is_cut_off(folder: Path) -> bool:
    """Return whether the server of that folder lives and nobody can reach it: its socket is gone, as after a logout
    that has removed the user's runtime directory. Connections that were made before are served on."""
    where = keeper.read_connection(folder)
    return where is not None and not os.path.lexists(where["socket"]) and is_alive(folder)


def end_cut_off(run_dir: Path) -> None:
    """End a server that nobody can reach, so that another goes on with its data; one that cannot be told to be this
    user's is left alone. For whoever holds `lock`, so that nobody else is about to start one."""
    folder = run_dir / "server"
    deadline = time.monotonic() + _APPEAR_S
    while is_cut_off(folder) and not (read_connection(run_dir) or {}).get("pid") and time.monotonic() < deadline:
        time.sleep(_STEP_S)  # its starter was killed a moment ago
    if not is_cut_off(folder) or _process(run_dir) is None or not _end(run_dir, lambda: _signal(run_dir, SIGTERM)):
        return
    deadline = time.monotonic() + _APPEAR_S
    while is_held(folder / "keeper.lock") and time.monotonic() < deadline:
        time.sleep(_STEP_S)  # its keeper leaves too, and is not to be taken for the next one's


def _shut_down(handle: ServerHandle) -> None:
    if _end(handle.run_dir, lambda: _ask_to_end(handle)):
        (handle.run_dir / "server" / CONNECTION_FILE).unlink(missing_ok=True)
        keeper.remove_socket(Path(handle.socket))


def _end(run_dir: Path, ask: Callable[[], object]) -> bool:
    """Orderly; a server that hangs is killed, since its AOF holds what it has acknowledged up to a second ago. Whether
    it is dead now."""
    deadline = time.monotonic() + STOP_S
    ask_at = 0.0
    while is_alive(run_dir / "server"):
        if time.monotonic() >= deadline:
            return _kill(run_dir)
        if time.monotonic() >= ask_at:
            # Again and again: a server that writes its first AOF refuses to end.
            ask()
            ask_at = time.monotonic() + _ASK_AGAIN_S
        time.sleep(_STEP_S)
    return True


def _ask_to_end(handle: ServerHandle) -> None:
    if is_cut_off(handle.run_dir / "server"):
        _signal(handle.run_dir, SIGTERM)
        return
    client = handle.connect()
    try:
        client.execute_command("SHUTDOWN")
    except (redis.RedisError, OSError):
        pass  # it is the server's end that ends the connection; one that is gone already is as good
    finally:
        client.close()


def _kill(run_dir: Path) -> bool:
    """Return whether it is dead now; one that cannot be told to be this very process is left alone."""
    is_it = _signal(run_dir, SIGKILL)
    deadline = time.monotonic() + KILL_S
    while (lives := is_alive(run_dir / "server")) and is_it and time.monotonic() < deadline:
        time.sleep(_STEP_S)
    return not lives


def _signal(run_dir: Path, number: int) -> bool:
    """Return whether the server's process is known, and was sent the signal if it lives."""
    pid = _process(run_dir)
    with suppress(ProcessLookupError):
        if pid is not None:
            os.kill(pid, number)
    return pid is not None


def _process(run_dir: Path) -> int | None:
    """Return the server's process; None if it cannot be told to be this very one."""
    where = read_connection(run_dir) or {}
    said = decode.process(where.get("process"))
    if said.machine:
        pid, is_it = said.pid, life(said) is Life.ALIVE
    elif where.get("pid"):  # started by an earlier version
        pid = where["pid"]
        try:
            is_it = abs(psutil.Process(pid).create_time() - where["start_time"]) < 1.0
        except psutil.Error:
            is_it = False
    else:  # its starter was killed before it could tell
        pid, is_it = read_pid(run_dir / "server"), True
    return pid if is_it and is_server(pid, run_dir / "server") else None


def read_pid(folder: Path) -> int:
    """Return the process that the server itself has written down; 0 if there is none."""
    try:
        return int(read_regular(folder / "server.pid", _PID_BYTES).decode("ascii", "replace").strip())
    except (OSError, ValueError):
        return 0
