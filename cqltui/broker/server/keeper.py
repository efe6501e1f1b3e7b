"""Ends an embedded server whose users were all killed, as the last of them would have.

A process beside each server, run by the bare interpreter with nothing but the standard library: it is small, starts at
once, and no upgrade of what is installed disturbs it. It watches the server's process and looks now and then whether
somebody holds a share (users.lock). After `grace` seconds without any it takes that lock for itself, as the last user
who leaves does, and shuts the server down; whoever comes meanwhile waits and starts another. It holds `keeper.lock` as
long as it lives, so that each user of the server can see to it that there is one.
"""

import fcntl
import json
import math
import os
import re
import select
import signal
import socket
import stat
import struct
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

STOP_S = 20.0
"""Time for the server to end in good order; one that hangs is killed."""
STEP_S = 0.1
ASK_AGAIN_S = 0.5
FORMER_S = 5.0
"""Time for the keeper of a server that was killed to leave."""
LOOKS = 4
"""Within the grace time."""
UNKNOWN_S = 5.0
"""Between looks at a server whose process is not known: it may have ended before its keeper began."""
BINARIES = ("valkey-server", "redis-server")
CONNECTION_FILE = "connection.json"
LONGEST_FILE = 1 << 16
LONGEST_SOCKET = 107
"""Bytes of a socket's path, as Linux has room for."""
PASSWORD, USER = re.compile(r"[A-Za-z0-9_-]{16,128}"), re.compile(r"[A-Za-z0-9_-]{1,64}")
OWN_SOCKET = re.compile(r"/(cqltui|cqltui-[0-9]+|cqltui-alone-[^/]+)/[0-9a-f]{16}\.sock\Z")
"""How each of ours ends (`launch.socket_path`)."""
SOCKETS_ALONE = "cqltui-alone-"
"""Begins the name of a folder that holds the socket of one server and nothing else."""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
TOKEN = re.compile(r"[0-9a-f]{16}")
_NEWER = ("EVAL_RO", "EVALSHA_RO", "FUNCTION", "FCALL", "FCALL_RO")
"""Redis 6.2 lacks them."""
ABSENT_IN_OLDER = (*_NEWER, "SCRIPT")
"""Of `HIDDEN`. Redis 6.2 also writes SCRIPT into its append-only file by the name that it has, which the next start
would not know."""
_SAVING = ("SAVE", "BGSAVE", "BGREWRITEAOF")
HIDDEN = ("CONFIG", "ACL", "CLIENT", "SHUTDOWN", "EVAL", "EVALSHA", "SCRIPT", *_NEWER, *_SAVING)
"""Commands under another name at each start, which the connection file tells and no file can know before: a prepared
one runs no Lua, which would crash the server or never end, writes no other file, and neither pauses nor ends it. Our
own holds what scripts have done."""
_LOCAL_PEERCRED, _XUCRED = 1, 76
"""Of macOS: the option, and the size of what it gives."""


class Process:
    """The server's process, which is told from a later one of its number."""

    if sys.platform == "linux":

        def __init__(self, pid: int) -> None:
            """Open the process. Raises ProcessLookupError, and OSError where the kernel cannot watch (before 5.3)."""
            self._fd = os.pidfd_open(pid)

        def ended(self, wait_s: float) -> bool:
            """Return whether it has, at the latest after so long."""
            return bool(select.select([self._fd], [], [], wait_s)[0])

        def send(self, number: int) -> None:
            """Send it a signal."""
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, number)

    else:

        def __init__(self, pid: int) -> None:
            """Open the process. Raises ProcessLookupError."""
            self._pid, self._queue, self._ended = pid, select.kqueue(), False
            watch = select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)
            self._queue.control([watch], 0)

        def ended(self, wait_s: float) -> bool:
            """Return whether it has, at the latest after so long."""
            self._ended = self._ended or bool(self._queue.control(None, 1, wait_s))
            return self._ended

        def send(self, number: int) -> None:
            """Send it a signal."""
            if not self.ended(0):
                os.kill(self._pid, number)


def keep(folder: Path, grace_s: float, users: int) -> None:
    """Stay beside the server of that folder until it has ended, or has been ended. `users`: of `open_lock`."""
    shares = [users]
    where: dict[str, Any] = {}
    server: Process | None = None
    unused_since: float | None = None
    while True:
        where = read_connection(folder) or where
        server = server or _process(folder, where)
        if server is None:  # without a pid it is being started
            time.sleep(min(grace_s / LOOKS, UNKNOWN_S if where.get("pid") else STEP_S))
        elif server.ended(grace_s / LOOKS):
            return
        if not _take_all(shares, folder / "users.lock"):
            unused_since = None
            continue
        if server is None and not _is_alive(folder):
            return
        unused_since = unused_since or time.monotonic()
        if time.monotonic() - unused_since >= grace_s:
            _end(folder, where, server)
            return
        _free(shares)


def open_lock(path: Path) -> int:
    """Return a descriptor of the file, which is made if need be. Raises OSError."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _process(folder: Path, where: dict[str, Any]) -> Process | None:
    """Return the server's process; None if it is not known, known by a number of another container, or not a server of
    ours: what the file names may be ended."""
    said = where.get("process")
    try:
        if isinstance(said, dict) and _is_int(said["pid"], 1) and said["pid_namespace"] == _pid_namespace():
            process = Process(said["pid"])
            return process if _is_server(said["pid"], folder) else None
    except (OSError, KeyError, TypeError):
        pass
    return None


def _is_server(pid: int, folder: Path) -> bool:
    """Return whether a process is this user's server of that folder, in which it works. Raises OSError.

    Elsewhere than on Linux nothing but the system's own rule, that only one's own processes may be ended.
    """
    if sys.platform != "linux":
        return True
    process = Path(f"/proc/{pid}")
    is_named = (process / "comm").read_text(encoding="utf-8", errors="replace").strip() in BINARIES
    return is_named and process.stat().st_uid == os.geteuid() and (process / "cwd").samefile(folder)


def _pid_namespace() -> int:
    """In which this process has its number; 0 where there is no such thing."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino if sys.platform == "linux" else 0
    except OSError:
        return 0


def _take_all(shares: list[int], path: Path) -> bool:
    """Return whether nobody holds a share; then nobody gets one until they are freed. A file that was put in the place
    of the first counts as well, since users of both may live."""
    with suppress(OSError):
        if path.stat().st_ino not in {os.fstat(share).st_ino for share in shares}:
            shares.append(os.open(path, os.O_RDWR | os.O_NOFOLLOW))
    if all(_take(share) for share in shares):
        return True
    _free(shares)
    return False


def _free(shares: list[int]) -> None:
    for share in shares:
        fcntl.flock(share, fcntl.LOCK_UN)


def _take(lock: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _is_alive(folder: Path) -> bool:
    """Return whether a server of that folder lives: it holds this lock as long as it does."""
    with suppress(FileNotFoundError):
        lock = os.open(folder / "alive.lock", os.O_RDWR | os.O_NOFOLLOW)
        with os.fdopen(lock, "wb", buffering=0):  # which closes it
            return not _take(lock)
    return False


def read_connection(folder: Path) -> dict[str, Any] | None:
    """Return what the connection file of a server's folder says: socket, password, names, pid, start_time. None if
    there is no such file, or it holds anything that we would not have written: a run directory may come from somebody
    else."""
    try:
        value = json.loads(_content(folder / CONNECTION_FILE))
        return value if _is_sound(value) else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):  # the last: of deep brackets
        return None


def _content(path: Path) -> bytes:
    """Of a plain file of ordinary length: nothing else is opened, or waited for. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LONGEST_FILE:
            raise OSError(f"{path}: is no plain file of at most {LONGEST_FILE} bytes")
        if found.st_uid not in (path.parent.stat().st_uid, os.geteuid(), 0):
            raise OSError(f"{path}: was put there by another user (uid {found.st_uid})")
        return file.read(LONGEST_FILE)


def _is_sound(value: dict[str, Any]) -> bool:
    """Return whether all parts are sound. Raises LookupError, TypeError, AttributeError and ValueError for other parts
    or types."""
    path, started = value["socket"], value["start_time"]
    return (
        PASSWORD.fullmatch(value["password"]) is not None
        and (value.get("username") is None or USER.fullmatch(value["username"]) is not None)
        and path.startswith("/")
        and CONTROL.search(path) is None
        and OWN_SOCKET.search(path) is not None
        and len(os.fsencode(path)) <= LONGEST_SOCKET
        and _is_int(value["pid"], 0)
        and isinstance(started, int | float)
        and math.isfinite(started)
        and all(_is_hidden(name, other) for name, other in names(value).items())
    )


def _is_hidden(name: str, other: str) -> bool:
    """Return whether a command may have that other name: of any other, or by one that means something elsewhere, a
    server that is not the run's would be told to do what we do not ask for. Raises AttributeError and TypeError."""
    return name in HIDDEN and other.startswith(f"{name}-") and TOKEN.fullmatch(other[len(name) + 1 :]) is not None


def names(where: Mapping[str, Any]) -> dict[str, str]:
    """Return what the server of this connection file calls commands that are renamed at each start. Raises
    AttributeError."""
    if "names" in where:
        return dict(where["names"].items())
    return {name: f"{name}-{where['hidden']}" for name in ("CONFIG", "ACL") if "hidden" in where}  # earlier versions


def _is_int(value: object, least: int, most: int = 2**31 - 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def remove_socket(path: Path) -> None:
    """Remove a server's socket, and its folder if it was made for this one alone (`launch.socket_path`); what is no
    socket of ours stays, whatever a connection file says."""
    if OWN_SOCKET.search(str(path)) is None:
        return
    with suppress(OSError):
        found = path.lstat()
        if stat.S_ISSOCK(found.st_mode) and found.st_uid == os.geteuid():
            path.unlink()
    with suppress(OSError):
        if path.parent.name.startswith(SOCKETS_ALONE):
            path.parent.rmdir()


def _end(folder: Path, where: dict[str, Any], server: Process | None) -> None:
    """Have it end in good order, its data written; kill it if it hangs."""

    def has_ended(wait_s: float) -> bool:
        if server is not None:
            return server.ended(wait_s)
        time.sleep(wait_s)
        return not _is_alive(folder)

    def ask() -> None:
        if not _ask_to_end(folder, where) and server is not None:
            server.send(signal.SIGTERM)

    deadline = time.monotonic() + STOP_S
    ask()
    while not has_ended(ASK_AGAIN_S):
        if time.monotonic() < deadline:
            ask()  # again: a server that writes its first append-only file refuses to end
        elif server is not None:
            server.send(signal.SIGKILL)
        else:
            return
    with suppress(OSError):
        (folder / CONNECTION_FILE).unlink()
    if where:
        remove_socket(Path(where["socket"]))


def _ask_to_end(folder: Path, where: dict[str, Any]) -> bool:
    """SHUTDOWN, over its socket; whether it could be said."""
    if not where:
        return False
    words = (("AUTH", where["password"]), (names(where).get("SHUTDOWN", "SHUTDOWN"),))
    text = "".join(f"*{len(w)}\r\n" + "".join(f"${len(x.encode())}\r\n{x}\r\n" for x in w) for w in words)
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(ASK_AGAIN_S)
        client.connect(where["socket"])
        if is_trusted(client, folder):
            client.sendall(text.encode())
            while client.recv(4096):
                pass
            return True
    return False


def is_trusted(made: socket.socket, folder: Path | None) -> bool:
    """Return whether the process at the other end of a Unix socket may be told the password, as far as the system
    tells: this user's or root's; where the server's folder is another user's, who says which socket it is, theirs
    alone. Raises OSError."""
    uid, own = peer(made), (os.geteuid(), 0)
    owner = folder.stat().st_uid if folder is not None else own[0]
    return uid is None or (uid in own if owner in own else uid == owner)


def peer(made: socket.socket) -> int | None:
    """Return the user of the process that listens at the other end; None where the system does not tell. Raises
    OSError."""
    if sys.platform == "linux":
        told = made.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
        return int(struct.unpack("iII", told)[1])
    if sys.platform == "darwin":
        return int(struct.unpack_from("II", made.getsockopt(0, _LOCAL_PEERCRED, _XUCRED))[1])
    return None


def main(folder: Path, grace_s: float) -> None:
    """Go on in a process that is nobody's child, unless there is a keeper already."""
    # While our starter waits: whoever removes the folder after that is not to find something new in it.
    lock, users = open_lock(folder / "keeper.lock"), open_lock(folder / "users.lock")
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    give_up_at = time.monotonic() + FORMER_S
    while not _take(lock):
        if time.monotonic() > give_up_at:
            return
        time.sleep(STEP_S)
    keep(folder, grace_s, users)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
