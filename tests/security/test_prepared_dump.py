"""A dump at the start of a prepared append-only file is not read: its functions would be run."""

from pathlib import Path

import pytest

from cqltui.broker.server.datafiles import are_ours
from cqltui.broker.server.server import EmbeddedServer
from tests.conftest import talkative
from tests.contract.helpers import eventually

LIBRARY = "#!lua name=planted\nredis.register_function('f', function() return 1 end)"
REDIS = b"REDIS0010\xfa\tredis-ver\x067.0.15\xfa\nredis-bits\xc0@\xfa\x05ctime\xc2\x45\x97\x08k\xfa\x08aof-base\xc0\x01"
VALKEY = b"VALKEY080\xfa\nvalkey-ver\x059.1.2\xfa\x08used-mem\xc2 \xe0\x0e\x00"
SUM = bytes(8)
BASE = "appendonlydir/appendonly.aof.1.base.rdb"


def write(folder: Path, name: str, content: bytes) -> Path:
    """A file in a server's folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content", [b"", b"*1\r\n$4\r\nPING\r\n", b"#TS:1\r\n", REDIS + b"\xff" + SUM, VALKEY + b"\xff" + SUM]
)
@pytest.mark.parametrize("name", [BASE, "appendonly.aof"])
def test_what_our_servers_write_is_read(tmp_path: Path, name: str, content: bytes) -> None:
    write(tmp_path, "appendonlydir/appendonly.aof.manifest", b"file appendonly.aof.1.base.rdb seq 1 type b\n")
    write(tmp_path, name, content)
    assert are_ours(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        REDIS,
        REDIS[:-1],
        REDIS + b"\xf5\x04text\xff" + SUM,
        REDIS + b"\xf6\x04text\xff" + SUM,
        REDIS + b"\xfe\x00\x00\x01a\x01b\xff" + SUM,
        REDIS + b"\xfa\x03lua\x08return 1\xff" + SUM,
        REDIS + b"\xfa\x05ctime\x40\x01x\xff" + SUM,
        REDIS + b"\xfa\x05ctime\x3f\xff" + SUM + bytes(54) + b"\xf5\x04text\xff" + SUM,
        REDIS + b"\xfa" * 2000,
        b"REDIS" + b"\xff" + SUM,
        b"\xf5\x04text",
        b"garbage",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("name", [BASE, "appendonlydir/appendonly.aof.1.incr.aof", "appendonly.aof"])
def test_another_dump_is_not(tmp_path: Path, name: str, content: bytes) -> None:
    write(tmp_path, name, content)
    assert not are_ours(tmp_path)


def test_a_function_of_a_prepared_dump_is_not_loaded(tmp_path: Path) -> None:
    with talkative():
        theirs = EmbeddedServer(tmp_path / "theirs").start()
    with theirs.connect() as client:
        if "function" not in {name.lower() for name in map(str, client.command())}:
            pytest.skip("the server has no functions")
        client.execute_command("FUNCTION", "LOAD", LIBRARY)
        client.execute_command("CONFIG", "SET", "aof-use-rdb-preamble", "yes")
        client.execute_command("BGREWRITEAOF")
        eventually(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
    data = tmp_path / "theirs" / "server" / "appendonlydir"
    eventually(lambda: any(LIBRARY.encode() in path.read_bytes() for path in data.glob("*.rdb")))
    assert theirs.leave()
    (tmp_path / "run" / "server").mkdir(parents=True)
    data.rename(tmp_path / "run" / "server" / "appendonlydir")
    handle = EmbeddedServer(tmp_path / "run").start()
    with handle.connect() as client:
        assert client.execute_command("FUNCTION", "LIST") == []
    assert handle.set_aside is not None, "it is kept, and the queue made again from the run directory"
    assert handle.leave()


def test_no_dump_is_written(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    handle = server.start()
    with handle.connect() as client:
        client.execute_command("SET", "known", 1)
        client.execute_command("BGREWRITEAOF")
        eventually(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
        eventually(lambda: any(b"known" in path.read_bytes() for path in server.dir.glob("appendonlydir/*.base.aof")))
    assert handle.leave()
    again = server.start()
    assert again.set_aside is None
    with again.connect() as client:
        assert client.execute_command("GET", "known") == b"1"
    assert again.leave()
