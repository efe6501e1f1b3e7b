"""A server's folder as somebody else may have prepared it."""

import json
from pathlib import Path

PASSWORD = "known-to-who-made-the-file"
SOCKET = "/nowhere/cqltui-1000/0123456789abcdef.sock"
GOOD = {"socket": SOCKET, "port": 1, "password": PASSWORD, "pid": 1, "start_time": 1.0}


def prepare(run_dir: Path, **parts: object) -> Path:
    """A server's folder with a connection file."""
    folder = run_dir / "server"
    folder.mkdir(parents=True)
    (folder / "connection.json").write_text(json.dumps(GOOD | parts))
    return folder


def aof(*commands: str) -> bytes:
    """Commands as an append-only file has them."""
    words = [command.encode().split() for command in ("SELECT 0", "SET planted 1", *commands)]
    return b"".join(
        b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in command)
        for command in words
    )


def plant(folder: Path, content: bytes) -> None:
    """Data that the folder's next server finds."""
    data = folder / "appendonlydir"
    data.mkdir(parents=True)
    (data / "appendonly.aof.1.incr.aof").write_bytes(content)
    (data / "appendonly.aof.manifest").write_bytes(b"file appendonly.aof.1.incr.aof seq 1 type i\n")
