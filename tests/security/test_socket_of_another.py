"""Another user's process in the place of the embedded server's socket: it is not told the password."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from cqltui.broker.server import keeper
from cqltui.broker.server.connect import client_of
from cqltui.broker.server.server import EmbeddedServer

THEIRS = 12345
PASSWORD = "known-to-the-owner-alone"
LISTENS = """
import os, socket, sys
made = socket.socket(socket.AF_UNIX)
made.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
if int(sys.argv[2]) != os.getuid():
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
made.listen()
print("listens", flush=True)
while True:
    one, _ = made.accept()
    one.settimeout(5)
    print("heard", len(one.recv(4096)), flush=True)
    one.close()
"""

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="only root can start another user's process"),
    pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="the system does not tell who listens"),
]


@pytest.fixture
def path(short_dir: Path) -> Iterator[Path]:
    """For a socket."""
    made = short_dir / "s"
    yield made
    made.unlink(missing_ok=True)


def listener(path: Path, uid: int) -> subprocess.Popen[str]:
    """A process of that user that listens there, and says how much it hears."""
    command = [sys.executable, "-S", "-c", LISTENS, str(path), str(uid)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/")
    assert process.stdout is not None
    assert process.stdout.readline() == "listens\n"
    return process


def heard(process: subprocess.Popen[str]) -> int:
    """Bytes that came over the next connection."""
    assert process.stdout is not None
    return int(process.stdout.readline().removeprefix("heard "))


@pytest.mark.parametrize("uid", [THEIRS, os.getuid()], ids=["another's", "ours"])
@pytest.mark.parametrize("who", ["client", "keeper"])
def test_only_a_server_of_ours_is_told_the_password(tmp_path: Path, path: Path, uid: int, who: str) -> None:
    where: dict[str, Any] = {"socket": str(path), "password": PASSWORD}
    with listener(path, uid) as process:
        try:
            if who == "keeper":
                assert keeper._ask_to_end(tmp_path, where) is (uid != THEIRS)
            else:
                with client_of(where, tmp_path) as client, pytest.raises(redis.ConnectionError) as caught:
                    client.ping()
                assert ("a process of another user (uid 12345) listens there" in str(caught.value)) is (uid == THEIRS)
                assert PASSWORD not in str(caught.value)
            assert (heard(process) == 0) is (uid == THEIRS)
        finally:
            process.kill()


def test_the_owner_of_a_run_is_trusted_with_its_password(tmp_path: Path, path: Path) -> None:
    """Root looks at a user's run: the password is that user's."""
    os.chown(tmp_path, THEIRS, THEIRS)
    with listener(path, THEIRS) as process, socket.socket(socket.AF_UNIX) as made:
        made.connect(str(path))
        assert keeper.peer(made) == THEIRS
        assert keeper.is_trusted(made, tmp_path)
        assert not keeper.is_trusted(made, path.parent)
        process.kill()


def test_no_text_about_a_client_holds_the_password(tmp_path: Path) -> None:
    handle = EmbeddedServer(tmp_path).start()
    with handle.connect() as client:
        assert client.ping()
        connection = client.connection_pool.get_connection()
        for thing in (client, client.connection_pool, connection):
            assert handle.password not in repr(thing)
        client.connection_pool.release(connection)
    assert handle.leave()
