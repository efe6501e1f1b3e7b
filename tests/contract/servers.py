"""Servers of a user's own: real processes with whatever configuration a test needs."""

import random
import socket
import socketserver
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cqltui.broker.server.launch import find_binary
from tests.contract.helpers import eventually


def free_port() -> int:
    """A port on 127.0.0.1 that nobody has just now, below those that the kernel gives to connections: while a server is
    away, one of them might get its port, even the one that tries to reach it."""
    while True:
        port = random.SystemRandom().randrange(10_000, 32_768)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


def once(url: str, **settings: Any) -> redis.Redis:
    """A client that tries once: by default the library retries a refused connection for seconds."""
    return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **settings)


def answers(url: str, **settings: Any) -> bool:
    """Whether a server is there; one that wants a password is."""
    with once(url, **settings) as client:
        try:
            client.ping()
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False
    return True


class Canned:
    """What answers is no server: it gives each command, by its first word, a reply as it goes over the wire."""

    def __init__(self, replies: Mapping[str, str]) -> None:
        self._replies = replies
        answer = self._answer

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while head := self.rfile.readline():
                    words = []
                    for _ in range(int(head[1:])):
                        length = int(self.rfile.readline()[1:])
                        words.append(self.rfile.read(length + 2)[:-2])
                    self.wfile.write(answer(words))

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"redis://127.0.0.1:{self._server.server_address[1]}/0"

    def _answer(self, words: Sequence[bytes]) -> bytes:
        name = words[0].decode().upper()
        unknown = self._replies.get("*", f"-ERR unknown command `{name}`, with args beginning with: ")
        reply = self._replies.get(name, unknown)
        return reply.encode() + b"\r\n"

    def __enter__(self) -> "Canned":
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def user_server(folder: Path, *lines: str, sentinel: bool = False) -> Iterator[int]:
    """The port of a server on 127.0.0.1, without data on disk; `lines` of its configuration are added."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    own = () if sentinel else ('save ""', "appendonly no")
    config = folder / "server.conf"
    config.write_text("\n".join((f"port {port}", "bind 127.0.0.1", f"dir {folder}", *own, *lines, "")))
    with (folder / "server.log").open("wb") as log:
        argv = [find_binary(), str(config), *(("--sentinel",) if sentinel else ())]
        process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=folder)
    try:
        eventually(lambda: answers(f"redis://127.0.0.1:{port}/0"))
        yield port
    finally:
        process.kill()
        process.wait(60)
