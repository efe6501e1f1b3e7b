"""A server whose socket is gone serves those who are connected and lets nobody in: it is started anew with its data."""

import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from cqltui.app.run_server import open_known
from cqltui.broker.server.connect import connect, read_connection
from cqltui.broker.server.handle import STOP_S, is_cut_off
from cqltui.broker.server.locks import is_alive, is_held
from cqltui.broker.server.server import EmbeddedServer
from cqltui.errors import ServerError
from cqltui.machine import here, start_time
from cqltui.results.rundir import RunDir
from tests.contract.helpers import eventually

CONTAINER = replace(here(), machine="0" * 32, pid_namespace=1)


def test_a_server_whose_socket_is_gone_is_started_anew_with_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_dir: Path
) -> None:
    """As at a logout, which removes the user's runtime directory; so the next socket is elsewhere."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", tempfile.mkdtemp(dir=short_dir))
    server = EmbeddedServer(tmp_path)
    handle = server.start()
    assert not is_cut_off(tmp_path / "server")
    with handle.connect() as client:
        assert client.set("known", 1)
        shutil.rmtree(os.environ["XDG_RUNTIME_DIR"])
        assert is_cut_off(tmp_path / "server")
        with pytest.raises(ServerError, match="its owner's next command starts it again"):
            connect(tmp_path)
        again = server.start()
        assert (again.pid, again.socket) != (handle.pid, handle.socket)
        assert start_time(handle.pid) is None
        assert client.execute_command("GET", "known") == b"1", "a client that was there finds it again"
    assert "bye bye" in (tmp_path / "server" / "server.log").read_text(), "an end in good order"
    eventually(lambda: is_held(tmp_path / "server" / "keeper.lock"))
    assert not handle.leave()
    assert again.leave()


def test_the_last_to_leave_ends_a_server_whose_socket_is_gone(tmp_path: Path) -> None:
    handle = EmbeddedServer(tmp_path).start()
    Path(handle.socket).unlink()
    begun = time.monotonic()
    assert handle.leave()
    assert time.monotonic() - begun < STOP_S, "it was asked to, and not killed after a while"
    assert read_connection(tmp_path) is None


@pytest.mark.parametrize("who", [CONTAINER, None], ids=["a container's", "unknown"])
def test_a_server_whose_socket_is_gone_is_left_alone_unless_it_is_known(tmp_path: Path, who: Any) -> None:
    handle = EmbeddedServer(tmp_path).start()
    file, where = tmp_path / "server" / "connection.json", read_connection(tmp_path) or {}
    process = to_builtins(replace(who, pid=handle.pid)) if who else None
    file.write_text(json.dumps(where | {"process": process, "start_time": 1.0}))
    kept = Path(handle.socket).with_suffix(".kept")
    Path(handle.socket).rename(kept)
    with pytest.raises(ServerError, match="is alive but cannot be used"):
        EmbeddedServer(tmp_path).start(timeout_s=0.1)
    assert psutil.pid_exists(handle.pid)
    kept.rename(handle.socket)
    file.write_text(json.dumps(where))
    assert handle.leave()


def test_a_server_that_is_killed_while_a_command_looks_for_it_is_brought_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = EmbeddedServer(tmp_path).start()
    RunDir(tmp_path).campaign_json.write_text('{"campaign": {"name": "small"}}')

    def killed(folder: Path) -> bool:
        os.kill(handle.pid, signal.SIGKILL)
        eventually(lambda: not is_alive(folder))
        return False

    monkeypatch.setattr("cqltui.app.run_server.is_cut_off", killed)
    found = open_known(RunDir(tmp_path), None)
    assert found.queue.client.ping()
    handle.detach()
    found.leave()
    assert not is_alive(tmp_path / "server")


@pytest.mark.parametrize("told", [True, False], ids=["as an earlier version told", "its starter was killed"])
def test_a_server_that_is_told_of_otherwise_is_started_anew(tmp_path: Path, told: bool) -> None:
    handle = EmbeddedServer(tmp_path).start()
    file, where = tmp_path / "server" / "connection.json", read_connection(tmp_path) or {}
    del where["process"]
    file.write_text(
        json.dumps(where if told else where | {"pid": 0, "start_time": 0.0})
    )  # an earlier version's, or none
    Path(handle.socket).unlink()
    again = EmbeddedServer(tmp_path).start()
    assert again.pid != handle.pid
    handle.detach()
    assert again.leave()
