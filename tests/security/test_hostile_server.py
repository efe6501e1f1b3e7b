"""A server that is none: what it answers is garbage, endless, or for ever to come. Whoever asks it hears so soon."""

import os
import re
import resource
import socket
import socketserver
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from threading import Event, Thread

import hiredis
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from redis.exceptions import ConnectionError

from cqltui.broker.protocol import bounded
from cqltui.cli import main
from cqltui.errors import ExitCode

GARBAGE = (
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\x00\xff\xfe" * 100 + b"\r\n",
    b":1\r\n",
    b"$-1\r\n",
    b"*-1\r\n",
    b"*0\r\n",
    b"+OK\r\n",
    b"$5\r\nhello\r\n",
    b"*2\r\n:1\r\n*1\r\n$-1\r\n",
    b"*2\r\n$6\r\nserver\r\n$5\r\nredis\r\n",
    b"*4294967294\r\n",
    b"*99999999999999999999\r\n",
    b"$-5\r\n",
    b"*1\r\n" * 40,
    b"-" + b"E" * 100_000 + b"\r\n",
    b"-MOVED 1 \r\n",
    b"-ASK \r\n",
)
SECONDS = 90.0
GROWTH_KB = 400 << 10
Ask = Callable[..., str]


class Hostile(socketserver.ThreadingTCPServer):
    """Answers each piece that it is sent with the same bytes, or with a stream of `more` that has no end."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer: bytes, *, endless: bool = False, pause_s: float = 0.0, more: bytes = b"x") -> None:
        stop = self.stop = Event()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    while self.request.recv(65536) and not stop.is_set():
                        self.request.sendall(answer)
                        while endless and not stop.wait(pause_s):
                            self.request.sendall(more if pause_s else more * (65536 // len(more)))
                except OSError:
                    pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"redis://127.0.0.1:{self.server_address[1]}/0"
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """End it and its streams."""
        self.stop.set()
        self.shutdown()
        self.server_close()


@pytest.fixture
def asked(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs a command against a server, and expects a clear error within seconds and without memory growing."""

    def ask(server: Hostile, *command: str) -> str:
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        try:
            code = main([*command, "--redis-url", server.url])
        finally:
            server.close()
        answer = capsys.readouterr()
        said = answer.out + answer.err
        assert time.monotonic() - began < SECONDS
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH_KB
        assert code in (ExitCode.UNFINISHED, ExitCode.INPUT, ExitCode.INTERNAL), said
        assert "Traceback" not in said, said
        assert "internal error" not in said, said
        assert len(said) < 20_000
        return said

    return ask


@pytest.mark.parametrize("answer", GARBAGE, ids=[ascii(answer)[2:22] for answer in GARBAGE])
def test_garbage(asked: Ask, answer: bytes) -> None:
    assert asked(Hostile(answer), "status")


@pytest.mark.usefixtures("probed_once")
def test_garbage_at_the_doctors(asked: Ask) -> None:
    assert "error" in asked(Hostile(b"*2\r\n:1\r\n*1\r\n$-1\r\n"), "doctor")


@pytest.mark.parametrize("answer", [b"+", b"-ERR ", b"$1000000000000\r\n", b"*9\r\n$100\r\n"], ids=ascii)
def test_an_answer_without_end(asked: Ask, monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    monkeypatch.setattr(bounded, "ANSWER_BYTES", 8 << 20)
    monkeypatch.setattr(bounded, "VALUE_BYTES", 16 << 20)
    assert asked(Hostile(answer, endless=True), "status")


def test_an_answer_that_is_for_ever_to_come(asked: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "ANSWER_S", 1.0)
    assert "too slowly" in asked(Hostile(b"+PO", endless=True, pause_s=0.05), "status")


def test_an_answer_that_comes_by_and_by_without_an_end(asked: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "SLOWEST_BYTES_S", 1)  # fast enough
    monkeypatch.setattr(bounded, "LONGEST_S", 1.0)
    assert "too slowly" in asked(Hostile(b"+PO", endless=True, pause_s=0.05), "status")
    monkeypatch.setattr(bounded, "LONGEST_VALUE_S", 1.0)
    assert "too slowly" in asked(Hostile(b"$10000\r\n", endless=True, pause_s=0.05), "status")


@pytest.mark.parametrize(
    "more", [b"*0\r\n", b"%0\r\n", b"~0\r\n", b"*1\r\n:1\r\n", b"$-1\r\n*0\r\n", b":1\r\n"], ids=ascii
)
def test_an_answer_of_many_small_parts(asked: Ask, monkeypatch: pytest.MonkeyPatch, more: bytes) -> None:
    """30 million empty lists take 120 MB on the way, and 2.3 GB in memory."""
    if more == b":1\r\n":
        monkeypatch.setattr(bounded, "LINES", 300_000)
    said = asked(Hostile(b"*30000000\r\n", endless=True, more=more), "status")
    assert re.search(r"its answer has more than 250,000 lists or \S+ lines", said)


def test_parts_are_counted_wherever_an_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "LISTS", 100)
    monkeypatch.setattr(bounded, "LINES", 1000)
    for size in (1, 2, 3, 7):
        for whole, fits in (
            (b"*100\r\n" + b"*0\r\n" * 100, True),
            (b"*101\r\n" + b"*0\r\n" * 101, False),
            (b"*499\r\n" + b"$1\r\nx\r\n" * 499, True),
            (b"*500\r\n" + b"$1\r\nx\r\n" * 500, False),
            (b"$2000\r\n" + b"*\n" * 1000 + b"\r\n", True),
        ):
            reader, nothing = hiredis.Reader(notEnoughData=False), False
            counted = bounded._Reader(reader, nothing, bytearray)
            assert counted.gets() is nothing
            pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
            with nullcontext() if fits else pytest.raises(ConnectionError, match="100 lists or 1,000 lines"):
                for piece in pieces:
                    counted.feed(piece, 0, len(piece))
                    answer = counted.gets()
                assert answer is not nothing


def test_what_follows_an_answer_uncalled_for_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first byte may be within a list that has begun."""
    monkeypatch.setattr(bounded, "LISTS", 100)
    counted = bounded._Reader(hiredis.Reader(notEnoughData=False), False, bytearray)
    begin = b"$1\r\nx\r\n*1000\r\n*0"
    counted.feed(begin, 0, len(begin))
    assert [counted.gets(), counted.gets()] == [b"x", False]
    rest = b"$-1\r\n" + b"*0\r\n" * 200
    counted.feed(b"\r\n", 0, 2)
    with pytest.raises(ConnectionError, match="lists"):
        counted.feed(rest, 0, len(rest))


def test_what_nobody_has_asked_for(asked: Ask) -> None:
    """Messages of the protocol's third version, each of which is passed over, a second's wait after the other."""
    assert "it sends what nobody has asked for" in asked(
        Hostile(b"", endless=True, pause_s=0.2, more=b">1\r\n+x\r\n"), "status"
    )


WAITED_FOR = ("pipe", "device", "huge")


@pytest.mark.parametrize("name", ["ssl_ca_certs", "ssl_certfile", "ssl_keyfile"])
@pytest.mark.parametrize("kind", WAITED_FOR)
def test_a_url_names_nothing_that_is_waited_for(
    tmp_path: Path, name: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(1 << 30)
    began = time.process_time()
    assert main(["status", "--redis-url", f"rediss://user:hunter2@127.0.0.1:1/0?{name}={path}"]) == ExitCode.INPUT
    said = capsys.readouterr().err
    assert f"rediss://127.0.0.1:1/0: {name}: {path}: it " in said
    assert "hunter2" not in said
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("ssl_ca_path=/", "unknown option 'ssl_ca_path'; known: client_name, db, password"),
        ("ssl_validate_ocsp=1", "unknown option 'ssl_validate_ocsp'"),
        ("ssl_ocsp_expected_cert=x", "unknown option"),
        ("max_connections=1", "unknown option"),
        ("socket_timeout=1e9", "socket_timeout: expected seconds, above 0 and at most 60"),
        ("socket_connect_timeout=nan", "socket_connect_timeout: expected seconds, above 0 and at most 60"),
        ("socket_timeout=", "socket_timeout: expected seconds"),
    ],
)
def test_a_url_has_known_options(query: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--redis-url", f"rediss://127.0.0.1:1/0?{query}"]) == ExitCode.INPUT
    assert said in capsys.readouterr().err


def test_a_keys_password_is_not_asked_for(tmp_path: Path) -> None:
    """OpenSSL would ask on the terminal, whatever standard input is."""
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "own.pem")
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    form = Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
    (tmp_path / "own.key").write_bytes(key.private_bytes(*form))
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"rediss://127.0.0.1:{server.getsockname()[1]}/0?ssl_certfile={tmp_path}/own.pem&ssl_keyfile={tmp_path}/own.key"
        terminal, ours = os.openpty()
        code = f"import sys; from cqltui.cli import main; sys.exit(main(['status', '--redis-url', {url!r}]))"
        command = [sys.executable, "-c", f"import os, fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); {code}"]
        try:
            ended = subprocess.run(
                command, stdin=ours, capture_output=True, text=True, timeout=90, check=False, start_new_session=True
            )
        finally:
            os.close(ours)
            os.close(terminal)
    assert ended.returncode in (ExitCode.INPUT, ExitCode.INTERNAL), ended.stderr
    assert "ssl_password" in ended.stderr
