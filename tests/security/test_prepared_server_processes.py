"""A run directory that somebody else has prepared: which servers, processes and sockets it names is not believed."""

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

from cqltui.broker.server import keeper
from cqltui.broker.server.connect import read_connection
from cqltui.broker.server.handle import ServerHandle, _kill, _shut_down, end_cut_off
from cqltui.broker.server.locks import FileLock, is_held
from cqltui.broker.server.server import EmbeddedServer
from cqltui.errors import ServerError
from cqltui.machine import here, start_time
from tests.conftest import talkative
from tests.contract.helpers import eventually
from tests.security.prepared import GOOD, PASSWORD, plant, prepare


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
