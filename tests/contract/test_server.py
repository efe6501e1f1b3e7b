"""The embedded server: started once, found again, never left behind, closed to others."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.connect import connect, read_connection
from cqltui.broker.server.epoch import open_epoch
from cqltui.broker.server.handle import ServerHandle
from cqltui.broker.server.launch import config_text, environment, socket_path
from cqltui.broker.server.server import EmbeddedServer
from cqltui.errors import ServerError
from tests.contract.helpers import eventually, task

HOLD = """
import sys
from pathlib import Path
from cqltui.broker.server.server import EmbeddedServer
handle = EmbeddedServer(Path(sys.argv[1])).start()
print(handle.pid, flush=True)
line = sys.stdin.readline()
if line.strip() == "leave":
    print(handle.leave(), flush=True)
"""

DIES = """
import os, signal, subprocess, sys
from pathlib import Path
from cqltui.broker.server.server import EmbeddedServer
subprocess.Popen.communicate = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
EmbeddedServer(Path(sys.argv[1])).start()
"""

READ_S, READ_KEYS = 3.0, 30_000
"""What a server is made to take for its data."""


def holder(run_dir: Path) -> subprocess.Popen[str]:
    """A process that holds a share in the server."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> str:
    """The next line that the process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str], word: str) -> str:
    """Ends the process by a word."""
    out, _ = process.communicate(word + "\n", timeout=90)
    return out.strip()


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_two_starters_end_with_one_server_and_the_last_leaver_ends_it(tmp_path: Path) -> None:
    processes = [holder(tmp_path) for _ in range(3)]
    pids = {int(said(process)) for process in processes}
    assert len(pids) == 1
    (pid,) = pids
    assert end(processes[0], "leave") == "False"
    processes[1].kill()
    processes[1].communicate()
    assert alive(pid)
    assert end(processes[2], "leave") == "True"
    assert not alive(pid)
    assert read_connection(tmp_path) is None
    assert not socket_path(tmp_path).exists()


def test_threads_of_one_process_share_one_server_too(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    one, two = server.start(), server.attach()
    assert one.pid == two.pid
    assert not one.leave()
    assert two.leave()
    assert not server.alive()
    with pytest.raises(ServerError, match="nothing runs here"):
        server.attach()


def test_killed_and_started_again_it_has_its_data(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    handle = server.start()
    client = handle.connect()
    open_epoch(client, tmp_path / "server" / "epoch")
    Queue(client).enqueue(task("a"))
    assert client.execute_command("WAITAOF", 1, 0, 5000)[0] == 1
    os.kill(handle.pid, signal.SIGKILL)
    eventually(lambda: not server.alive())
    assert Path(handle.socket).exists(), "left over, and no obstacle"
    again = server.start()
    assert again.pid != handle.pid
    assert Queue(client).ids() == ["a"], "clients from before find back"
    assert open_epoch(client, tmp_path / "server" / "epoch") == (1, False)
    assert again.set_aside is None
    client.close()
    assert not handle.leave()
    assert again.leave()


def test_a_start_waits_for_a_server_that_reads_much_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = EmbeddedServer(tmp_path).start()
    client = handle.connect()
    client.mset({f"key-{number}": number for number in range(READ_KEYS)})
    client.execute_command("BGREWRITEAOF")  # the file of one command becomes one of many keys
    eventually(lambda: client.info("persistence")["aof_base_size"] > READ_KEYS)
    handle.leave()

    def slow(folder: Path, where: Mapping[str, Any]) -> str:  # as if there were far more
        delay = f"key-load-delay {READ_S / READ_KEYS * 1e6:.0f}\nloading-process-events-interval-bytes 1024\n"
        return config_text(folder, where) + delay

    monkeypatch.setattr("cqltui.broker.server.server.config_text", slow)
    began = time.monotonic()
    again = EmbeddedServer(tmp_path).start(timeout_s=READ_S / 2)
    assert time.monotonic() - began > READ_S / 2
    assert again.connect().dbsize() == READ_KEYS
    again.leave()


def test_a_server_left_over_by_killed_users_is_found(tmp_path: Path) -> None:
    process = holder(tmp_path)
    pid = int(said(process))
    process.kill()
    process.communicate()
    assert alive(pid), "it outlives whoever started it"
    handle = EmbeddedServer(tmp_path).start()
    assert handle.pid == pid
    assert handle.leave()


def test_data_is_kept_over_an_orderly_end(tmp_path: Path) -> None:
    for ids in ([], ["a"]):
        handle = EmbeddedServer(tmp_path).start()
        with handle.connect() as client:
            assert Queue(client).ids() == ids
            Queue(client).enqueue(task("a"))
        assert handle.leave()


def test_foreign_files_in_the_way(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    socket_path(tmp_path).touch()
    wrong = {"socket": "/nowhere", "port": 1, "password": "p", "pid": os.getpid(), "start_time": 1.0}
    (folder / "connection.json").write_text(json.dumps(wrong))
    (folder / "lock").touch()
    handle = EmbeddedServer(tmp_path).start()
    with handle.connect() as client:
        assert client.ping()
    assert handle.leave()


def test_a_living_server_without_its_connection_file_is_not_doubled(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    handle = server.start()
    text = (tmp_path / "server" / "connection.json").read_text()
    (tmp_path / "server" / "connection.json").unlink()
    with pytest.raises(ServerError, match=f"process {handle.pid}.* is alive but cannot be used"):
        server.start(timeout_s=0.2)
    (tmp_path / "server" / "connection.json").write_text(text)
    assert handle.leave()


def test_a_server_that_hangs_is_said_so(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    handle = server.start()
    os.kill(handle.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ServerError, match="is alive but cannot be used"):
            server.start(timeout_s=0.2)
    finally:
        os.kill(handle.pid, signal.SIGCONT)
    assert handle.leave()


def test_it_is_in_a_session_of_its_own(server: ServerHandle) -> None:
    assert os.getsid(server.pid) != os.getsid(0)


def test_a_start_that_fails_shows_the_log(tmp_path: Path) -> None:
    script = tmp_path / "broken-server"
    script.write_text("#!/bin/sh\necho the disk is on fire >&2\nexit 1\n")
    script.chmod(0o700)
    with pytest.raises(ServerError, match="the disk is on fire"):
        EmbeddedServer(tmp_path / "run", str(script)).start()
    with pytest.raises(ServerError, match="cannot be started"):
        EmbeddedServer(tmp_path / "run", str(tmp_path / "missing")).start()


def _overwritten(data: bytes) -> bytes:
    return b"garbage garbage\r\n" + data[30:]


def _cut_off(data: bytes) -> bytes:
    return data[:-7]


def _rewrite(damage: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(damage(path.read_bytes()))


@pytest.mark.parametrize("damage", [_rewrite(_overwritten), _rewrite(_cut_off), Path.unlink])
def test_damaged_data_is_set_aside_and_a_new_epoch_begins(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    server = EmbeddedServer(tmp_path)
    epoch = tmp_path / "server" / "epoch"
    handle = server.start()
    with handle.connect() as client:
        assert open_epoch(client, epoch) == (1, False)
        Queue(client).enqueue_many([task(f"t{i}") for i in range(50)])
    assert handle.leave()
    damaged = list((tmp_path / "server" / "appendonlydir").glob("*.incr.aof"))
    for path in damaged:
        damage(path)
    assert damaged
    again = server.start()
    assert again.set_aside is not None
    kept = {path.name for path in again.set_aside.rglob("*")}
    assert kept
    assert {path.name for path in damaged} <= kept or damage is Path.unlink
    with again.connect() as client:
        assert Queue(client).ids() == []
        assert open_epoch(client, epoch) == (2, True)
        assert open_epoch(client, epoch) == (2, False)
    assert again.leave()


def _count_up(run_dir: str, n: int) -> None:
    handle = EmbeddedServer(Path(run_dir)).start()
    with handle.connect() as client:
        for _ in range(n):
            client.incr("count")
    handle.leave()


def test_users_that_come_and_go_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_count_up, args=(str(tmp_path), 20)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
        process.close()
    handle = EmbeddedServer(tmp_path).start()
    with handle.connect() as client:
        assert client.get("count") == b"80"
    assert handle.leave()


def test_no_run_no_server(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="nothing runs here"):
        connect(tmp_path)


def test_a_starter_that_is_killed_on_its_way_leaves_no_server_without_its_settings(tmp_path: Path) -> None:
    starter = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], check=False, timeout=90)
    assert starter.returncode == -signal.SIGKILL
    handle = EmbeddedServer(tmp_path).start()
    assert (tmp_path / "server" / "server.log").read_text().count("is starting") == 1, "the very one"
    with handle.connect() as client:
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("requirepass")["requirepass"]
    assert handle.leave()


def test_what_the_user_sets_of_the_servers_memory_prevails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    ours = environment()["GLIBC_TUNABLES"]
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=7")
    assert environment()["GLIBC_TUNABLES"] == f"{ours}:glibc.malloc.tcache_count=7"  # of two the last holds
    assert environment()["PATH"] == os.environ["PATH"]
