"""A server whose users were all killed ends by itself; one that has a user never does."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import psutil
import pytest

from cqltui.broker.server import keeper, leftover
from cqltui.broker.server.connect import read_connection
from cqltui.broker.server.handle import ServerHandle
from cqltui.broker.server.launch import socket_path
from cqltui.broker.server.server import KEEPER_S, EmbeddedServer
from tests.contract.helpers import eventually

GRACE_S = 0.4
PROMISED_S = 120.0
USE = f"""
import sys
from pathlib import Path
from cqltui.broker.server.server import EmbeddedServer
handle = EmbeddedServer(Path(sys.argv[1]), keeper_s={GRACE_S}).start()
with handle.connect() as client:
    print(client.incr("uses"), flush=True)
sys.stdin.readline()
"""
DIES = f"""
import os, signal, sys
from pathlib import Path
from cqltui.broker.server.server import EmbeddedServer
EmbeddedServer._wait_ready = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
EmbeddedServer(Path(sys.argv[1]), keeper_s={GRACE_S}).start()
"""


def users_of(run_dir: Path) -> int:
    """What a keeper asks whether the server has users."""
    return keeper.open_lock(run_dir / "server" / "users.lock")


def user(run_dir: Path) -> subprocess.Popen[bytes]:
    """A process that uses the server, until it is killed."""
    return subprocess.Popen(
        [sys.executable, "-c", USE, str(run_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    )


def uses(process: subprocess.Popen[bytes]) -> int:
    """How many have used the server when that process did."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def kill(*processes: subprocess.Popen[bytes]) -> None:
    """All at once."""
    for process in processes:
        process.kill()
    for process in processes:
        process.communicate()


def keepers(run_dir: Path) -> list[psutil.Process]:
    """The keepers of that run directory's server."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if words[3:5] == [keeper.__file__, str(run_dir / "server")]:
            found.append(process)
    return found


def is_gone(run_dir: Path) -> bool:
    """Whether neither server nor keeper is left."""
    return not EmbeddedServer(run_dir).alive() and not keepers(run_dir)


@pytest.fixture
def handle(tmp_path: Path) -> Iterator[ServerHandle]:
    """This process's share in a server with an impatient keeper."""
    made = EmbeddedServer(tmp_path, keeper_s=GRACE_S).start()
    eventually(lambda: len(keepers(tmp_path)) == 1)
    yield made
    made.leave()
    eventually(lambda: is_gone(tmp_path))


def check_kept(run_dir: Path, pid: int) -> None:
    """The server is not ended for several times the grace time."""
    end = time.monotonic() + 3 * GRACE_S
    while time.monotonic() < end:
        assert EmbeddedServer(run_dir).alive()
        assert psutil.pid_exists(pid)
        time.sleep(0.02)


def test_the_promise_is_kept_with_the_times_that_are_used() -> None:
    assert KEEPER_S * (1 + 2 / keeper.LOOKS) + keeper.STOP_S < PROMISED_S


def test_all_users_are_killed_at_once_and_the_server_ends_with_its_data(tmp_path: Path) -> None:
    users = [user(tmp_path) for _ in range(3)]
    assert sorted(map(uses, users)) == [1, 2, 3]
    kill(*users)
    eventually(lambda: is_gone(tmp_path))
    assert read_connection(tmp_path) is None
    assert not socket_path(tmp_path).exists()
    assert "bye bye" in (tmp_path / "server" / "server.log").read_text(), "an end in good order"
    again = EmbeddedServer(tmp_path).start()
    with again.connect() as client:
        assert client.get("uses") == b"3"
    assert again.leave()


def test_a_server_that_has_a_user_is_never_ended(tmp_path: Path, handle: ServerHandle) -> None:
    other = user(tmp_path)
    assert uses(other) == 1
    check_kept(tmp_path, handle.pid)
    kill(other)
    check_kept(tmp_path, handle.pid)
    assert len(keepers(tmp_path)) == 1


def test_whoever_comes_while_it_is_ended_gets_a_server_with_its_data(tmp_path: Path) -> None:
    for number in range(1, 9):
        handle = EmbeddedServer(tmp_path, keeper_s=GRACE_S).start()
        with handle.connect() as client:
            assert client.incr("uses") == number
        handle.detach()  # as if this process had been killed
        end = time.monotonic() + GRACE_S * (0.8 + number / 10)  # before, while, and after it is ended
        while time.monotonic() < end:
            time.sleep(0.001)
    eventually(lambda: is_gone(tmp_path))


def test_a_user_who_leaves_in_good_order_ends_both_at_once(tmp_path: Path) -> None:
    handle = EmbeddedServer(tmp_path, keeper_s=3600.0).start()
    assert handle.leave()
    assert not EmbeddedServer(tmp_path).alive()
    eventually(lambda: is_gone(tmp_path))


def test_a_keeper_makes_nothing_in_its_folder_once_its_starter_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who started a server that did not come up removes the folder, and finds it empty."""

    def part() -> int:
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        return 0

    monkeypatch.setattr(os, "fork", part)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    keeper.main(tmp_path, GRACE_S)
    assert list(tmp_path.iterdir()) == []


def test_a_keeper_that_comes_after_its_server_has_ended_ends_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = EmbeddedServer(tmp_path, keeper_s=3600.0).start()
    connection = tmp_path / "server" / keeper.CONNECTION_FILE
    said = connection.read_bytes()
    handle.leave()
    connection.write_bytes(said)  # as it was read a moment before
    monkeypatch.setattr(keeper, "UNKNOWN_S", 0.1)
    late = Thread(target=keeper.keep, args=(tmp_path / "server", 3600.0, users_of(tmp_path)), daemon=True)
    late.start()
    late.join(60.0)
    assert not late.is_alive()


def test_the_next_user_sees_to_a_keeper(tmp_path: Path, handle: ServerHandle) -> None:
    """Where it was killed, or the server is an earlier version's."""
    for come in (EmbeddedServer(tmp_path, keeper_s=GRACE_S).attach, EmbeddedServer(tmp_path, keeper_s=GRACE_S).start):
        (old,) = keepers(tmp_path)
        old.kill()
        eventually(lambda: not keepers(tmp_path))
        come().detach()
        eventually(lambda: len(keepers(tmp_path)) == 1)


def test_a_starter_that_is_killed_on_its_way_leaves_no_server(tmp_path: Path) -> None:
    starter = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], check=False, timeout=90)
    assert starter.returncode == -signal.SIGKILL
    assert EmbeddedServer(tmp_path).alive()
    eventually(lambda: is_gone(tmp_path))


def test_a_server_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = EmbeddedServer(tmp_path, keeper_s=3600.0).start()
    handle.detach()
    monkeypatch.setattr(keeper, "STOP_S", 0.2)
    os.kill(handle.pid, signal.SIGSTOP)
    keeper.keep(tmp_path / "server", 0.1, users_of(tmp_path))
    eventually(lambda: is_gone(tmp_path))


@pytest.mark.parametrize("answer", [PermissionError(), ProcessLookupError()])
def test_a_process_that_cannot_be_watched_is_told_by_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: OSError
) -> None:
    """A kernel without pidfd_open; a server in another container, where its number means nothing."""

    def refuse(self: keeper.Process, pid: int) -> None:
        raise answer

    handle = EmbeddedServer(tmp_path, keeper_s=3600.0).start()
    monkeypatch.setattr(keeper.Process, "__init__", refuse)
    handle.detach()
    keeper.keep(tmp_path / "server", 0.1, users_of(tmp_path))
    eventually(lambda: is_gone(tmp_path))
    assert read_connection(tmp_path) is None


@pytest.mark.parametrize("replaced", [False, True])
def test_a_user_of_a_file_that_was_removed_counts(tmp_path: Path, handle: ServerHandle, replaced: bool) -> None:
    file = tmp_path / "server" / "users.lock"
    file.unlink()
    if replaced:
        file.touch()
    check_kept(tmp_path, handle.pid)


def test_it_holds_nothing_of_whoever_started_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the user's own')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    handle = EmbeddedServer(tmp_path).start()
    (process,) = keepers(tmp_path)
    try:
        eventually(lambda: bool(process.open_files()))
        assert process.cwd() == "/"
        assert process.terminal() is None
        assert os.getsid(process.pid) not in (os.getsid(0), process.pid), "it cannot come to have a terminal either"
        assert {Path(file.path).parent for file in process.open_files()} <= {tmp_path / "server", Path("/dev")}
        assert process.memory_info().rss < 20e6
    finally:
        assert handle.leave()


def left_behind(pid: int) -> list[str]:
    """What the doctor says is to be done about that server."""
    return [finding.fix for finding in leftover.servers() if f"(process {pid})" in finding.found]


@pytest.mark.parametrize("removed", [False, True], ids=["in its run directory", "whose run directory was removed"])
def test_the_doctor_finds_a_server_that_was_left_behind(tmp_path: Path, removed: bool) -> None:
    run_dir = tmp_path / "run"
    handle = EmbeddedServer(run_dir, keeper_s=3600.0).start()
    eventually(lambda: len(keepers(run_dir)) == 1)
    assert left_behind(handle.pid) == [], "it is used"
    handle.detach()
    assert left_behind(handle.pid) == [], "it will end by itself"
    for process in keepers(run_dir):
        process.kill()
    eventually(lambda: not keepers(run_dir))
    if removed:
        shutil.rmtree(run_dir)
    (fix,) = left_behind(handle.pid)
    assert f"kill {handle.pid} " in fix
    os.kill(handle.pid, signal.SIGTERM)
    eventually(lambda: not psutil.pid_exists(handle.pid))
    assert left_behind(handle.pid) == []
