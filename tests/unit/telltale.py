"""Who is told in tests: a program that writes down what it gets, and an address on loopback."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

RECORDER = """
import json, os, sys
said = {"stdin": json.load(sys.stdin), "argv": sys.argv[1:]}
said["env"] = {k: v for k, v in os.environ.items() if k.startswith("CQLTUI_") or k == "MY_API_KEY"}
path = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "told.jsonl")
open(path, "a").write(json.dumps(said) + chr(10))
print("recorded", "\\x1b[31m")
"""
SECRET = "T0KEN-in-the-path"
NOTICE = json.dumps(
    {"event": "task.dead", "run_dir": "/runs/deep", "campaign": "deep", "text": "$(touch x); text", "time": "now"}
).encode()


def until(check: Callable[[], object]) -> None:
    """Wait for it, or fail."""
    end = time.monotonic() + 60
    while not check():
        assert time.monotonic() < end
        time.sleep(0.005)


def told(recorder: Path) -> list[dict[str, Any]]:
    """What it has written down."""
    path = recorder.with_name("told.jsonl")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


class Hook(HTTPServer):
    """An address on loopback that answers with these codes one after the other, then with 200."""

    def __init__(self, *codes: int, location: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.codes, self.location = list(codes), location
        self.got: list[tuple[str, str, bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/services/{SECRET}?key={SECRET}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        hook = self.server
        assert isinstance(hook, Hook)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        hook.got.append((self.path, self.headers["Content-Type"], body))
        code = hook.codes.pop(0) if hook.codes else 200
        self.send_response(code, SECRET)
        if hook.location:
            self.send_header("Location", hook.location)
        self.end_headers()

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(hook: Hook) -> Iterator[Hook]:
    """The address, served."""
    thread = threading.Thread(target=hook.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hook
    finally:
        hook.shutdown()
        thread.join()
        hook.server_close()
