"""How the embedded server is reached, and by whom."""

import os
import stat
import tempfile
import time
from pathlib import Path

import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cqltui.broker.server.connect import connect, connect_url
from cqltui.broker.server.handle import ServerHandle
from cqltui.broker.server.launch import socket_path
from cqltui.broker.server.server import EmbeddedServer
from cqltui.broker.server.url import shown_url
from cqltui.errors import InputError, ServerError


def test_nobody_else_can_read_or_enter(server: ServerHandle) -> None:
    folder = server.run_dir / "server"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(server.socket).parent.stat().st_mode) == 0o700
    for name in ("connection.json", "server.log", "lock", "users.lock", "alive.lock"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(Path(server.socket).stat().st_mode) == 0o600
    assert server.password not in " ".join(psutil.Process(server.pid).cmdline())
    assert server.password not in (folder / "server.log").read_text()


def test_it_listens_on_no_port_and_wants_a_password(server: ServerHandle) -> None:
    assert psutil.Process(server.pid).net_connections("inet") == [], "another user could hold all connections of a port"
    client = redis.Redis(unix_socket_path=server.socket, retry=Retry(NoBackoff(), 0))
    with client, pytest.raises(redis.AuthenticationError):
        client.ping()
    with connect_url(f"unix://:{server.password}@{server.socket}?db=0") as client:
        assert client.ping()
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}


def test_a_long_run_directory(tmp_path: Path) -> None:
    run_dir = tmp_path / ("x" * 120) / ("é '\" \\ y" * 8)
    handle = EmbeddedServer(run_dir).start()
    assert len(os.fsencode(handle.socket)) < 104
    assert (run_dir / "server" / "appendonlydir").is_dir()
    assert handle.leave()


def test_the_runtime_directory_is_used_if_short(
    tmp_path: Path, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Path(tempfile.mkdtemp(dir=short_dir))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    assert socket_path(tmp_path).parent == short / "cqltui"
    long = tmp_path / ("l" * 100)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    assert not socket_path(tmp_path).is_relative_to(long)


SECRET = "s3cr/et#x"


@pytest.mark.parametrize(
    "url",
    [
        f"redis://user:{SECRET}@127.0.0.1:1/0",
        "redis://user:hunter2@127.0.0.1:1/0",
        "redis://:hunter2@127.0.0.1:notaport/0",
        "http://user:hunter2@host/",
        "redis://user:hunter2@[::1/0",
        "unix://user:hunter2@/nowhere.sock",
        "rediss://user:hunter2@127.0.0.1:1/0?ssl_ca_certs=/nowhere",
        "redis://user:hunter2@127.0.0.1:1/0?socket_timeout=hunter2",
    ],
)
def test_no_password_in_any_error(url: str) -> None:
    started = time.monotonic()
    with pytest.raises((InputError, ServerError)) as caught:
        connect(url)
    assert time.monotonic() - started < 30
    error: BaseException | None = caught.value
    while error is not None:
        for secret in ("hunter2", "s3cr", "et#x"):
            assert secret not in str(error)
            assert secret not in repr(error)
        error = error.__cause__
    assert "hunter2" not in shown_url(url)


def test_a_wrong_password_is_named(server: ServerHandle) -> None:
    with pytest.raises(ServerError, match="refuses the user or password") as caught:
        connect_url(f"unix://:hunter2@{server.socket}?db=0")
    assert "hunter2" not in str(caught.value)
