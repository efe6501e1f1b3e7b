"""A run directory that somebody else has prepared: what is in its server's folder neither configures a server nor leads
out of it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.connect import read_connection
from cqltui.broker.server.epoch import open_epoch
from cqltui.broker.server.launch import config_text
from cqltui.broker.server.locks import FileLock
from cqltui.broker.server.server import EmbeddedServer
from cqltui.errors import InputError, ServerError
from tests.contract.helpers import task
from tests.security.prepared import GOOD, PASSWORD, SOCKET, aof, plant, prepare


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


@pytest.mark.parametrize("kind", ["pipe", "endless"])
def test_nobody_waits_for_an_epoch_or_a_number_that_never_ends(tmp_path: Path, kind: str) -> None:
    """In a process of its own: to open a pipe waits for whoever writes to it, without an end."""
    for name in ("epoch", "server.pid"):
        if kind == "pipe":
            os.mkfifo(tmp_path / name)
        else:
            (tmp_path / name).symlink_to("/dev/zero")
    code = (
        "import sys; from pathlib import Path; from cqltui.broker.server import epoch, handle\n"
        "from cqltui.errors import ServerError\n"
        "folder = Path(sys.argv[1]); print(handle.read_pid(folder))\n"
        "try: epoch._read(folder / 'epoch')\n"
        "except ServerError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    assert (
        done.stdout == f"0\n{tmp_path / 'epoch'}: cannot be read: it is a device or a pipe; expected a regular file\n"
    )


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
