"""`rediss://`: a server that speaks TLS, and what is said of one that cannot be trusted or was addressed wrongly."""

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

from cqltui.broker.feed.feed import Feed
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.connect import connect_url
from cqltui.broker.server.epoch import open_epoch
from cqltui.cli import main
from cqltui.errors import ExitCode
from cqltui.state.model import Status
from tests.contract.helpers import after, claimed, eventually, task, worker
from tests.contract.servers import user_server
from tests.contract.tls import tls_binary, tls_server
from tests.integration.terminal import Terminal

PASSWORD = "p%ss/w:rd#1"
LOGIN = f":{quote(PASSWORD, safe='')}@"


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """By name, what the URLs below are made of: two servers' ports, and files with certificates."""
    binary = tls_binary()
    if binary is None:
        pytest.skip("no redis-server or valkey-server with TLS on PATH")
    folder, ca = tmp_path_factory.mktemp("tls"), trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    (folder / "junk.pem").write_text("no certificate\n")
    access = f"requirepass {PASSWORD}"
    with (
        tls_server(binary, folder / "here", "127.0.0.1", ca, access) as port,
        tls_server(binary, folder / "elsewhere", "elsewhere.example", ca, access) as other,
    ):
        yield {"login": LOGIN, "port": str(port), "other_port": str(other), "folder": str(folder)}


def test_the_queue_and_its_events_over_tls(places: dict[str, str], tmp_path: Path) -> None:
    url = "rediss://{login}127.0.0.1:{port}/0?ssl_ca_certs={folder}/ca.pem".format(**places)
    client = connect_url(url)
    open_epoch(client, tmp_path / "epoch")
    queue, feed = Queue(client), Feed(lambda: connect_url(url))
    seen = feed.poll(5)
    queue.enqueue(task("a"))
    assert claimed(queue, worker(queue)) == ["a"]

    def is_told() -> bool:
        seen.extend(feed.poll(1))
        return after(seen).tasks["a"].status is Status.RUNNING

    eventually(is_told)
    feed.close()
    client.close()


def test_a_screen_over_tls(places: dict[str, str], tmp_path: Path) -> None:
    url = "rediss://{login}127.0.0.1:{port}/1?ssl_ca_certs={folder}/ca.pem".format(**places)
    with connect_url(url) as client:
        open_epoch(client, tmp_path / "epoch")
        queue = Queue(client)
        queue.set_campaign({"name": "afar", "title": "Far away", "phases": [{"name": "p"}]})
        queue.enqueue(task("a", title="a task that is told over TLS"))
    terminal = Terminal([sys.executable, "-m", "cqltui", "attach"], tmp_path, {"REDIS_URL": url})
    try:
        terminal.wait(lambda text: "a task that is told over TLS" in text and "Far away" in text, "the run")
    finally:
        terminal.close()


CA = "?ssl_ca_certs={folder}/ca.pem"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("rediss://{login}127.0.0.1:{port}/0", "ssl_ca_certs=/path/ca.pem"),
        ("rediss://{login}127.0.0.1:{port}/0?ssl_ca_certs={folder}/other.pem", "name the CA that signed"),
        ("rediss://{login}127.0.0.1:{port}/0?ssl_ca_certs={folder}/none.pem", "a file that the URL names is missing"),
        ("rediss://{login}127.0.0.1:{port}/0?ssl_ca_certs={folder}/junk.pem", "holds no certificate"),
        ("rediss://{login}127.0.0.1:{other_port}/0" + CA, "use the host name that its certificate is for"),
        ("redis://{login}127.0.0.1:{port}/0", "the URL must begin with rediss://"),
        ("rediss://{login}127.0.0.1:{port}/99" + CA, "DB index is out of range"),
        ("rediss://:wrong{login}127.0.0.1:{port}/0" + CA, "refuses the user or password"),
        ("rediss://127.0.0.1:{port}/0" + CA + "&password=wrong", "refuses the user or password"),
        ("rediss://127.0.0.1:{port}/0" + CA, "refuses the user or password"),
    ],
)
def test_a_server_that_cannot_be_used_is_said_so(
    places: dict[str, str], url: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--redis-url", url.format(**places)]) == ExitCode.INTERNAL
    told = capsys.readouterr().err
    assert said in told
    for secret in ("p%ss", "p%25ss", "rd#1", "wrong"):
        assert secret not in told
    assert "Traceback" not in told


def test_tls_to_a_server_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with user_server(tmp_path) as port:
        url = f"rediss://127.0.0.1:{port}/0?socket_timeout=0.5&socket_connect_timeout=0.5"
        assert main(["status", "--redis-url", url]) == ExitCode.INTERNAL
    assert "the URL must begin with redis://" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["ssl_ca_certs", "ssl_cert_reqs"])
def test_options_of_tls_want_rediss(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--redis-url", f"redis://:secret@h/0?{name}=x"]) == ExitCode.INPUT
    told = capsys.readouterr().err
    assert f"{name} is for TLS: the URL must begin with rediss://" in told
    assert "secret" not in told
