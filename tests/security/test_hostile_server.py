"""A server that is none: what it answers is garbage, endless, or for ever to come. Whoever asks it hears so soon."""

import resource
import socketserver
import time
from collections.abc import Callable
from threading import Event, Thread

import pytest

from cqltui.broker import bounded
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
SECONDS = 9.0
GROWTH_KB = 400 << 10
Ask = Callable[..., str]


class Hostile(socketserver.ThreadingTCPServer):
    """Answers each piece that it is sent with the same bytes, or with a stream of them that has no end."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer: bytes, *, endless: bool = False, pause_s: float = 0.0) -> None:
        stop = self.stop = Event()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    while self.request.recv(65536) and not stop.is_set():
                        self.request.sendall(answer)
                        while endless and not stop.wait(pause_s):
                            self.request.sendall(b"x" if pause_s else b"x" * 65536)
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
