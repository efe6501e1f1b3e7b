"""A prepared run directory that names a server of whoever looks at it: that one obeys nothing."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from cqltui.broker.server import keeper
from cqltui.broker.server.launch import find_binary
from cqltui.broker.server.locks import FileLock
from cqltui.cli import main
from tests.contract.helpers import eventually

THEIRS = 12345
SOCKET = "0123456789abcdef.sock"


@pytest.fixture
def own(short_dir: Path) -> Iterator[redis.Redis]:
    """A client of a server of the user's, without a password, at a path as ours have it."""
    folder = short_dir / f"cqltui-{os.getuid()}"
    folder.mkdir(mode=0o700)
    path = folder / SOCKET
    command = [find_binary(), "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        eventually(path.exists)
        with redis.Redis(unix_socket_path=str(path)) as client:
            client.set("mine", "kept")
            yield client
    finally:
        process.terminate()
        process.wait()
        path.unlink(missing_ok=True)
        folder.rmdir()


def prepared(run_dir: Path, own: redis.Redis, **parts: object) -> Path:
    """A run whose connection file leads to the user's server; the server's folder."""
    folder = run_dir / "server"
    folder.mkdir(parents=True)
    place = own.connection_pool.connection_kwargs["path"]
    where = {"socket": place, "password": "p" * 43, "pid": 1, "start_time": 1.0, **parts}
    (folder / keeper.CONNECTION_FILE).write_text(json.dumps(where))
    (run_dir / "campaign.json").write_text(json.dumps({"campaign": {"name": "x", "redis": {}}}))
    (folder / "alive.lock").touch()
    return folder


@pytest.mark.parametrize(
    "names",
    [
        {"AUTH": "WATCH", "PING": "FLUSHALL"},
        {"AUTH": "PING", "EVALSHA": "FLUSHALL", "HGET": "SET"},
        {"EVALSHA": "EVALSHA-0123456789abcdef"},
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize("command", ["status", "attach --no-ui"])
@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_a_server_of_who_looks_at_a_run_obeys_nothing(
    tmp_path: Path, own: redis.Redis, names: dict[str, str], command: str, whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqltui.broker.server.server.ATTACH_S", 0.2)
    run_dir = tmp_path / "run"
    folder = prepared(run_dir, own, names=names)
    alive = FileLock(folder / "alive.lock")
    assert alive.try_exclusive()
    if whose == "theirs":
        if os.getuid() != 0:
            pytest.skip("only root can make a file another user's")
        for path in (run_dir, *run_dir.rglob("*")):
            os.chown(path, THEIRS, THEIRS)
    own.config_resetstat()
    name, *rest = command.split()
    main([name, "--run-dir", str(run_dir), *rest])
    alive.close()
    assert own.get("mine") == b"kept"
    told = {name.removeprefix("cmdstat_") for name in own.info("commandstats")} - {"get", "info", "config|resetstat"}
    assert told <= {"auth"}, "which such a server refuses"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file another user's")
def test_in_anothers_folder_a_server_of_ours_is_not_the_runs(tmp_path: Path, own: redis.Redis) -> None:
    folder = prepared(tmp_path / "run", own)
    connection = own.connection_pool.get_connection()
    made: Any = connection._sock
    assert keeper.is_trusted(made, folder)
    os.chown(folder, THEIRS, THEIRS)
    assert not keeper.is_trusted(made, folder), "nor one of root's, as it is here"
    own.connection_pool.release(connection)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file another user's")
def test_a_connection_file_that_another_has_put_into_our_folder_is_not_read(tmp_path: Path, own: redis.Redis) -> None:
    folder = prepared(tmp_path / "run", own)
    assert keeper.read_connection(folder) is not None
    os.chown(folder / keeper.CONNECTION_FILE, THEIRS, THEIRS)
    assert keeper.read_connection(folder) is None
    os.chown(folder, THEIRS, THEIRS)
    assert keeper.read_connection(folder) is not None, "it is theirs to say where their server is"
