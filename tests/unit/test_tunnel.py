"""A tunnel that is kept up. What holds it is a stand-in that says what ssh would; tests/cluster has a real one."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from cqltui.broker.server.guests import Entry
from cqltui.broker.server.url import tunnel_url
from cqltui.errors import ServerError
from cqltui.placement import tunnel
from cqltui.placement.protocol import PlacementError
from cqltui.placement.there import READY
from cqltui.placement.tunnel import Tunnel

LIMIT_S = 60.0
HOLD = f"""#!/bin/sh
# Answers each connection file with {READY}, as long as there is no file "cut", and says when it is ended.
echo "$1 $2" >> begun
while [ ! -e cut ] && read -r line; do
  [ -e mute ] && sleep 60
  echo "$line" >> told
  echo {READY}
  [ -e falls ] && rm falls && break
done
[ -e cut ] && echo "connection refused" >&2 && exit 255
echo ended >> begun
"""


class Engine:
    """A host to which `hold` leads."""

    host = "lab"

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, 0

    def ends(self) -> tuple[str, Path]:
        """Return another socket each time."""
        self.asked += 1
        return f"/there/{self.asked}", Path("/there")

    def tunnel(self, sockets: tuple[str, str]) -> Sequence[str]:
        """Return the words of the stand-in."""
        return [str(self.folder / "hold"), *sockets]

    def named(self, error: PlacementError) -> PlacementError:
        """Return it with the host."""
        return PlacementError(f"lab: {error}")


class Server:
    """The server that the tunnels lead to, which may be another by and by."""

    def __init__(self) -> None:
        self.socket, self.password, self.is_away = "/here/1", "one", False
        self.refused = threading.Event()

    def admit(self) -> Entry:
        """Let a guest in."""
        if self.is_away:
            self.refused.set()
            raise ServerError("the server is away")
        return Entry(self.socket, {"password": self.password}, {})

    def is_stale(self, entry: Entry) -> bool:
        """Whether the guest is to be let in anew."""
        return (entry.socket, entry.told["password"]) != (self.socket, self.password)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in is, and works."""
    program = tmp_path / "hold"
    program.write_text(HOLD)
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for name in ("LOOK_S", "FIRST_S", "LONGEST_S"):
        monkeypatch.setattr(tunnel, name, 0.02)
    return tmp_path


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def held(folder: Path, server: Server) -> Iterator[Callable[[], Tunnel]]:
    """Begins the tunnel, which is ended."""
    begun: list[Tunnel] = []

    def begin() -> Tunnel:
        begun.append(Tunnel(Engine(folder), server.admit, server.is_stale))  # type: ignore[arg-type]
        return begun[-1]

    yield begin
    for one in begun:
        one.close()
        one.join()


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def until(check: Callable[[], object], what: str) -> None:
    end = time.monotonic() + LIMIT_S
    while not check():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def test_it_stands_once_the_connection_file_is_there_and_ends_by_its_input(
    folder: Path, held: Callable[[], Tunnel]
) -> None:
    found = held()
    assert found.url() == tunnel_url(Path("/there"))
    assert [json.loads(line) for line in lines(folder / "told")] == [{"password": "one", "socket": "/there/1"}]
    found.close()
    found.join()
    assert lines(folder / "begun") == ["/there/1 /here/1", "ended"]


def test_one_that_falls_is_built_anew_and_both_are_told(
    folder: Path, held: Callable[[], Tunnel], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (folder / "falls").touch()
    found = held()
    until(lambda: len(lines(folder / "told")) == 2, "the second")
    until(lambda: "it stands again" in caplog.text, "that it is told")
    assert "tunnel between lab and the server: lab: it was cut: ssh has ended" in caplog.text
    assert found.url() == tunnel_url(Path("/there"))
    assert [line for line in lines(folder / "begun") if line != "ended"] == ["/there/1 /here/1", "/there/2 /here/1"]


def test_what_ssh_complains_of_is_why_there_is_none(
    folder: Path, held: Callable[[], Tunnel], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "cut").touch()
    monkeypatch.setattr(tunnel, "OPEN_S", 0.5)
    found = held()
    with pytest.raises(PlacementError, match=r"no tunnel between lab and the server: lab: connection refused"):
        found.url()
    until(lambda: len(lines(folder / "begun")) > 3, "that it is tried again and again")
    assert caplog.text.count("connection refused") == 1, "told once"
    (folder / "cut").unlink()
    until(lambda: lines(folder / "told"), "the tunnel")


def test_one_whose_other_end_is_mute_is_given_up(
    folder: Path, held: Callable[[], Tunnel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "OPEN_S", 0.1)
    monkeypatch.setattr(tunnel, "END_S", 0.1)
    (folder / "mute").touch()
    found = held()
    until(lambda: len(lines(folder / "begun")) > 1, "another try")
    with pytest.raises(PlacementError, match="nothing answers at its other end"):
        found.url()


def test_another_password_is_told_through_it_and_another_socket_takes_another(
    folder: Path, held: Callable[[], Tunnel], server: Server
) -> None:
    held().url()
    server.is_away, server.password = True, "two"
    assert server.refused.wait(LIMIT_S)
    server.is_away = False
    until(lambda: len(lines(folder / "told")) == 2, "the password")
    assert json.loads(lines(folder / "told")[1]) == {"password": "two", "socket": "/there/1"}
    assert lines(folder / "begun") == ["/there/1 /here/1"], "a server that is away for a moment costs no tunnel"
    server.socket = "/here/2"
    until(lambda: lines(folder / "begun")[-1] == "/there/2 /here/2", "the other tunnel")


def test_without_ssh_it_says_so(held: Callable[[], Tunnel], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "OPEN_S", 0.1)
    (folder / "hold").unlink()
    with pytest.raises(PlacementError, match="there is no program"):
        held().url()
