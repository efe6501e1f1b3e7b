"""A run directory that somebody else has prepared: what is in its server's folder neither configures a server nor leads
out of it."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server import keeper
from cqltui.broker.server.connect import read_connection
from cqltui.broker.server.epoch import open_epoch
from cqltui.broker.server.handle import ServerHandle, _kill, _shut_down, end_cut_off
from cqltui.broker.server.launch import config_text
from cqltui.broker.server.locks import FileLock, is_held
from cqltui.broker.server.server import EmbeddedServer
from cqltui.errors import InputError, ServerError
from cqltui.machine import here, start_time
from tests.conftest import talkative
from tests.contract.helpers import eventually, task

PASSWORD = "known-to-who-made-the-file"
SOCKET = "/nowhere/cqltui-1000/0123456789abcdef.sock"
GOOD = {"socket": SOCKET, "port": 1, "password": PASSWORD, "pid": 1, "start_time": 1.0}


def prepare(run_dir: Path, **parts: object) -> Path:
    """A server's folder with a connection file."""
    folder = run_dir / "server"
    folder.mkdir(parents=True)
    (folder / "connection.json").write_text(json.dumps(GOOD | parts))
    return folder


def aof(*commands: str) -> bytes:
    """Commands as an append-only file has them."""
    words = [command.encode().split() for command in ("SELECT 0", "SET planted 1", *commands)]
    return b"".join(
        b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in command)
        for command in words
    )


def plant(folder: Path, content: bytes) -> None:
    """Data that the folder's next server finds."""
    data = folder / "appendonlydir"
    data.mkdir(parents=True)
    (data / "appendonly.aof.1.incr.aof").write_bytes(content)
    (data / "appendonly.aof.manifest").write_bytes(b"file appendonly.aof.1.incr.aof seq 1 type i\n")


def test_a_password_with_a_newline_does_not_configure_the_server(tmp_path: Path) -> None:
    marker = tmp_path / "marker.sock"
    prepare(tmp_path, password=f"{PASSWORD}\nunixsocket {marker}")
    handle = EmbeddedServer(tmp_path).start()
    try:
        assert not marker.exists()
        assert Path(handle.socket).exists()
        assert PASSWORD not in handle.password
    finally:
        handle.leave()


def test_whoever_made_the_file_does_not_know_the_password(tmp_path: Path) -> None:
    prepare(tmp_path)
    handle = EmbeddedServer(tmp_path).start()
    try:
        assert handle.password != PASSWORD
    finally:
        handle.leave()


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "short"},
        {"password": "with space" * 3},
        {"password": 'quote"' * 4},
        {"password": "x" * 129},
        {"password": PASSWORD + "\n"},
        {"password": 7},
        {"socket": "relative.sock"},
        {"socket": "/with\nnewline.sock"},
        {"socket": "/with\0zero.sock"},
        {"socket": "/" + "x" * 200},
        {"socket": "/\ud800"},
        {"socket": [SOCKET]},
        {"socket": "/run/redis/redis.sock"},
        {"socket": "/nowhere/cqltui-agent/0123456789abcdef.sock"},
        {"socket": "/nowhere/cqltui/0123456789abcdef.sock/../agent.sock"},
        {"names": []},
        {"names": "EVAL"},
        {"names": {"EVAL": 1}},
        {"names": {"EVAL": "EVAL x\r\n"}},
        {"names": {"eval": "EVAL"}},
        {"names": {"AUTH": "WATCH", "PING": "FLUSHALL"}},
        {"names": {"PING": "PING-0123456789abcdef"}},
        {"names": {"EVAL": "FLUSHALL"}},
        {"names": {"EVAL": "CONFIG-0123456789abcdef"}},
        {"names": {"EVAL": "EVAL"}},
        {"names": {"EVAL": "EVAL-0123456789ABCDEF"}},
        {"hidden": "x\r\n"},
        {"hidden": 7},
        {"pid": -1},
        {"pid": 2**40},
        {"pid": 1.5},
        {"start_time": float("nan")},
        {"start_time": float("inf")},
        {"start_time": "1"},
    ],
    ids=str,
)
def test_nothing_is_taken_that_we_would_not_have_written(tmp_path: Path, wrong: dict[str, Any]) -> None:
    folder = prepare(tmp_path)
    assert read_connection(tmp_path) == GOOD
    (folder / "connection.json").write_text(json.dumps(GOOD | wrong))
    assert read_connection(tmp_path) is None


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "7", '"x"', "\xff", "", "{" + " " * (1 << 17) + "}"])
def test_a_connection_file_that_is_none(tmp_path: Path, text: str) -> None:
    folder = prepare(tmp_path)
    (folder / "connection.json").write_text(text, encoding="latin-1")
    assert read_connection(tmp_path) is None


def test_a_link_or_a_pipe_in_the_place_of_the_connection_file(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    (folder / "connection.json").rename(tmp_path / "elsewhere.json")
    (folder / "connection.json").symlink_to(tmp_path / "elsewhere.json")
    assert read_connection(tmp_path) is None
    (folder / "connection.json").unlink()
    os.mkfifo(folder / "connection.json")
    assert read_connection(tmp_path) is None, "and nobody waits for what never comes"


@pytest.mark.parametrize("part", ["password", "socket"])
def test_a_configuration_is_one_word_a_value(tmp_path: Path, part: str) -> None:
    where = {"socket": "/s", "password": "p", "names": {}}
    assert 'requirepass "a b\\" c"' in config_text(tmp_path, where | {"password": 'a b" c'})
    with pytest.raises(ServerError, match="control characters"):
        config_text(tmp_path, where | {part: "/x\nloadmodule /y"})


@pytest.mark.parametrize(
    "command",
    [
        "MODULE LOAD /nowhere/module.so",
        "replicaof 127.0.0.1 1",
        "SLAVEOF 127.0.0.1 1",
        "DEBUG SET-ACTIVE-EXPIRE 0",
        "CONFIG SET bind 0.0.0.0",
        "CONFIG SET dir /",
        "ACL SETUSER default nopass",
        "RESTORE key 0 garbage",
        "SYNC",
        "EVAL return(1) 0",
        "EVALSHA 0000000000000000000000000000000000000000 0",
        "EVAL_RO return(1) 0",
        "SCRIPT DEBUG YES",
        "FUNCTION FLUSH",
        "FCALL f 0",
        "CLIENT PAUSE 100000000",
        "SHUTDOWN NOSAVE",
        "WAIT 1 0",
        "SAVE",
        "BGSAVE",
        "BGREWRITEAOF",
    ],
)
def test_a_prepared_append_only_file_is_not_obeyed(tmp_path: Path, command: str) -> None:
    server = EmbeddedServer(tmp_path)
    plant(server.dir, aof(command))
    handle = server.start()
    try:
        assert handle.set_aside is not None, "it is kept, and the queue made again from the run directory"
        with handle.connect() as client:
            assert client.info("replication")["role"] == "master"
            assert not client.exists("planted")
            assert open_epoch(client, server.dir / "epoch")
            Queue(client).enqueue(task("a"))
        assert psutil.Process(handle.pid).net_connections("inet") == []
    finally:
        handle.leave()


def test_the_server_has_no_command_that_a_password_would_allow(tmp_path: Path) -> None:
    handle = EmbeddedServer(tmp_path).start()
    try:
        with redis.Redis(unix_socket_path=handle.socket, password=handle.password) as client:
            for words in (
                "MODULE LIST",
                "REPLICAOF NO ONE",
                "SLAVEOF NO ONE",
                "DEBUG JMAP",
                "CONFIG GET dir",
                "ACL LIST",
                "EVAL return(1) 0",
                "SCRIPT LIST",
                "CLIENT LIST",
                "FUNCTION LIST",
                "SHUTDOWN",
            ):
                with pytest.raises(Exception, match="unknown command"):
                    client.execute_command(*words.split())
    finally:
        handle.leave()


@pytest.mark.parametrize("name", ["lock", "users.lock", "alive.lock", "server.log", "epoch", "appendonlydir", ""])
def test_a_link_in_the_servers_folder_is_not_followed(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    if name in ("", "appendonlydir"):
        victim.mkdir(mode=0o755)
    else:
        victim.write_text("mine\n")
        victim.chmod(0o644)
    folder = tmp_path / "run" / "server"
    folder.parent.mkdir()
    if name:
        folder.mkdir()
    (folder / name if name else folder).symlink_to(victim)
    before = victim.stat()
    with pytest.raises(InputError, match="is a link"):
        EmbeddedServer(tmp_path / "run").start()
    after = victim.stat()
    assert (before.st_mode, before.st_size, before.st_mtime_ns) == (after.st_mode, after.st_size, after.st_mtime_ns)


def test_a_lock_does_not_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "made")
    with pytest.raises(OSError, match="symbolic"):
        FileLock(tmp_path / "lock")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("way", ["start", "attach"])
def test_anothers_server_is_not_taken_for_the_runs(tmp_path: Path, way: str) -> None:
    theirs = EmbeddedServer(tmp_path / "theirs").start()
    folder = prepare(tmp_path / "run")
    (folder / "connection.json").write_bytes((tmp_path / "theirs" / "server" / "connection.json").read_bytes())
    (folder / "alive.lock").touch(0o644)
    held = os.open(folder / "alive.lock", os.O_RDONLY)  # which is enough for a lock
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        if way == "attach":
            with pytest.raises(ServerError, match="nothing runs here"):
                EmbeddedServer(tmp_path / "run").attach()
        else:
            mine = EmbeddedServer(tmp_path / "run").start()
            assert mine.pid != theirs.pid
            assert mine.leave()
    finally:
        os.close(held)
        theirs.leave()


@pytest.mark.parametrize("who", ["user", "keeper"])
def test_the_last_to_leave_deletes_no_file_that_a_connection_file_names(tmp_path: Path, who: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = prepare(tmp_path, socket=str(victim))
    if who == "keeper":
        keeper._end(folder, GOOD | {"socket": str(victim)}, None)
    else:
        users = FileLock(folder / "users.lock")
        _shut_down(ServerHandle(tmp_path, str(victim), PASSWORD, 0, "", users))
        users.close()
    assert victim.read_text() == "mine"


@pytest.fixture
def bystander() -> Any:
    """A process of this user that has nothing to do with it."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def test_a_process_that_a_connection_file_names_is_not_ended(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    # Everything about it is right, but that it is no server.
    said = {
        "machine": here().machine,
        "boot": here().boot,
        "pid_namespace": here().pid_namespace,
        "uid": os.getuid(),
        "pid": bystander.pid,
        "started": start_time(bystander.pid),
    }
    folder = prepare(tmp_path, pid=bystander.pid, process=said)
    _kill(tmp_path)
    old = {**GOOD, "pid": bystander.pid, "start_time": psutil.Process(bystander.pid).create_time()}
    (folder / "connection.json").write_text(json.dumps(old))
    _kill(tmp_path)
    alive = FileLock(folder / "alive.lock")
    assert alive.try_exclusive()
    end_cut_off(tmp_path)
    alive.close()
    with pytest.raises(subprocess.TimeoutExpired):
        bystander.wait(0.2)
    assert keeper._process(folder, {**GOOD, "process": said}) is None


def test_a_server_that_hangs_is_ended_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqltui.broker.server.handle.STOP_S", 0.2)
    handle = EmbeddedServer(tmp_path).start()
    where = read_connection(tmp_path)
    assert where is not None
    assert keeper._process(tmp_path / "server", where) is not None, "the keeper knows it too"
    os.kill(handle.pid, signal.SIGSTOP)
    assert handle.leave()
    eventually(lambda: not psutil.pid_exists(handle.pid) or psutil.Process(handle.pid).status() == "zombie")


def test_a_socket_in_a_folder_of_its_own_takes_it_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / f"{keeper.SOCKETS_ALONE}x"
    folder.mkdir()
    own, other = folder / f"{'0' * 16}.sock", tmp_path / "agent.sock"
    monkeypatch.chdir(tmp_path)  # the paths are too long
    for path in (own, other):
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path.relative_to(tmp_path)))
        keeper.remove_socket(path)
    assert not folder.exists()
    assert other.exists(), "of another program"


def by_a_link(place: Path) -> None:
    """As somebody else would."""
    (place.parent / "theirs").mkdir()
    place.symlink_to(place.parent / "theirs")


def open_to_all(place: Path) -> None:
    """As somebody else would, if they could."""
    place.mkdir()
    place.chmod(0o777)


def of_another(place: Path) -> None:
    """As somebody else does."""
    if os.getuid() != 0:
        pytest.skip("only root can make a folder another user's")
    place.mkdir(mode=0o700)
    os.chown(place, 12345, 12345)


@pytest.mark.parametrize("squat", [by_a_link, open_to_all, of_another, Path.touch])
def test_a_squatted_socket_folder_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, squat: Callable[[Path], object], short_dir: Path
) -> None:
    temporary = Path(tempfile.mkdtemp(dir=short_dir))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr("cqltui.broker.server.launch.TEMPORARY", temporary, raising=False)
    squat(temporary / f"cqltui-{os.getuid()}")
    handle = EmbeddedServer(tmp_path / "run").start()
    folder = Path(handle.socket).parent
    assert folder.parent == temporary
    assert folder.name.startswith("cqltui-alone-")
    assert folder.stat().st_mode & 0o777 == 0o700
    with handle.connect() as client:
        assert client.ping()
    assert handle.leave()
    assert not folder.exists(), "it is left as it was"


def test_a_server_that_runs_a_script_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqltui.broker.server.server.READING_S", 1.0)
    script = b"while true do end"
    plant(tmp_path / "server", b"*3\r\n$4\r\nEVAL\r\n$%d\r\n%b\r\n$1\r\n0\r\n" % (len(script), script))
    with talkative(), pytest.raises(ServerError, match="does not answer"):
        EmbeddedServer(tmp_path).start(timeout_s=2.0)
    eventually(lambda: not is_held(tmp_path / "server" / "alive.lock"))


def test_a_server_that_lacks_a_command_is_started_without_renaming_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Redis 6.2 lacks FUNCTION; it also writes SCRIPT into its file, by a name that the next one would not know."""
    monkeypatch.setattr("cqltui.broker.server.launch.ABSENT_IN_OLDER", ("NEVER-HEARD-OF", "SCRIPT"))
    monkeypatch.setattr("cqltui.broker.server.launch.HIDDEN", ("CONFIG", "EVAL", "EVALSHA", "SCRIPT", "NEVER-HEARD-OF"))
    handle = EmbeddedServer(tmp_path).start()
    where = read_connection(tmp_path)
    assert where is not None
    assert sorted(where["names"]) == ["CONFIG", "EVAL", "EVALSHA"]
    with handle.connect() as client:
        assert Queue(client).ids() == []
        assert client.config_get("port") == {"port": "0"}
    assert handle.leave()
