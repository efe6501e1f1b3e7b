"""A run directory whose files have other names (hard links): of a file of the user's, or in a backup (`cp -al`). What
is written to the run changes none of them, and nothing of the run is lost."""

import errno
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cqltui.app.joining import log_to
from cqltui.broker.server.locks import FileLock
from cqltui.broker.server.ownership import shut_out_others
from cqltui.broker.server.server import EmbeddedServer
from cqltui.errors import ServerError
from cqltui.placement.process import Launcher
from cqltui.results.rundir import METRICS_HEADER, RunDir
from cqltui.state.events import Event, Kind
from cqltui.supervisor.journal import Journal
from cqltui.supervisor.lock import RunLock
from cqltui.worker.metrics import MetricsFile
from tests.conftest import talkative
from tests.contract.helpers import eventually
from trainer.files import plain_file

KEPT = b"a line, and the rest of another that is not ended"


def content(folder: Path) -> dict[str, bytes]:
    """Of every file, by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_anew(path: Path) -> None:
    """Open a file as one that begins empty."""
    with open(path, "wb", opener=plain_file) as file:
        file.write(b"new")


def print_there(path: Path) -> None:
    """As a worker without its options, which says what is missing."""
    child = Launcher((), {}, path.parent).start(path.stem).child
    assert child is not None
    child.wait()


WRITINGS: dict[str, tuple[Callable[[Path], object], bytes]] = {
    "a journal, whose torn line is cut off": (lambda path: Journal(path).close(), b""),
    "a worker's log": (log_to, KEPT),
    "what a worker prints": (print_there, KEPT),
    "metrics": (lambda path: MetricsFile(path, []).close(), METRICS_HEADER),
    "what is written anew": (write_anew, b"new"),
}


@pytest.mark.parametrize("what", WRITINGS)
def test_a_file_with_another_name_is_not_written_through(tmp_path: Path, what: str) -> None:
    victim, path = tmp_path / "victim", tmp_path / "run" / "w1.log"
    path.parent.mkdir()
    victim.write_bytes(KEPT)
    path.hardlink_to(victim)
    write, begins = WRITINGS[what]
    write(path)
    assert victim.read_bytes() == KEPT
    assert path.stat().st_nlink == 1
    assert path.read_bytes().startswith(begins)
    assert list(path.parent.iterdir()) == [path], "nothing is left of the copy"


def test_a_journal_of_a_backup_goes_on_where_it_was(tmp_path: Path) -> None:
    path, backup = tmp_path / "journal.jsonl", tmp_path / "backup"
    first = Journal(path)
    first.append([Event(Kind.NOTICE, 1.0, 1, 1, data={"text": "one"})])
    first.close()
    backup.hardlink_to(path)
    before = backup.read_bytes()
    again = Journal(path)
    assert again.version == (1, 1)
    again.append([Event(Kind.NOTICE, 2.0, 1, 2, data={"text": "two"})])
    again.close()
    assert backup.read_bytes() == before
    assert path.read_bytes().startswith(before)
    last = Journal(path)
    last.close()
    assert last.version == (1, 2)


def test_a_private_file_stays_private(tmp_path: Path) -> None:
    for mode in (0o600, 0o644):
        path = tmp_path / f"{mode:o}"
        path.touch(mode=mode)
        (tmp_path / f"{mode:o}-other").hardlink_to(path)
        with open(path, "ab", opener=plain_file):
            assert path.stat().st_mode & 0o777 == mode


def test_the_server_writes_through_none(tmp_path: Path) -> None:
    run_dir, backup = tmp_path / "run", tmp_path / "backup"
    server = EmbeddedServer(run_dir)
    handle = server.start()
    with handle.connect() as client:
        client.set("key", "value")
    assert handle.leave()
    (run_dir / "server" / "server.pid").write_bytes(KEPT)
    subprocess.run(["cp", "-al", str(run_dir), str(backup)], check=True)
    before = content(backup)
    assert any(name.endswith(".incr.aof") for name in before)
    handle = server.start()
    with handle.connect() as client:
        assert client.get("key") == b"value"
        client.set("key", "another" * 100)
    assert handle.leave()
    assert content(backup) == before


NAMES = (
    "connection.json.new",
    "dump.rdb",
    "temp-1.rdb",
    "nodes.conf",
    "appendonlydir/appendonly.aof.manifest",
    "appendonlydir/temp-appendonly.aof.manifest",
    "appendonlydir/temp_appendonly.aof.manifest",
    "appendonlydir/temp-rewriteaof-1.aof",
    "appendonlydir/appendonly.aof.2.incr.aof",
    "appendonlydir/anything",
)
"""Some of them the server or its starter writes to."""


@pytest.mark.parametrize("name", NAMES)
def test_nor_through_files_of_any_other_name(tmp_path: Path, name: str) -> None:
    victim, run_dir = tmp_path / "victim", tmp_path / "run"
    with talkative():
        handle = EmbeddedServer(run_dir).start()
        assert handle.leave()
        victim.write_bytes(KEPT)
        path = run_dir / "server" / name
        if path.exists():
            victim.write_bytes(path.read_bytes())
            path.unlink()
        path.hardlink_to(victim)
        before = victim.read_bytes()
        handle = EmbeddedServer(run_dir).start()
        with handle.connect() as client:
            client.set("key", "value")
            client.save()
            client.bgrewriteaof()
            eventually(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
            eventually(lambda: not client.info("persistence")["aof_rewrite_scheduled"])
        assert handle.leave()
    assert victim.read_bytes() == before
    assert victim.stat().st_nlink == 1, "it has no name in the folder any more"


def test_a_lock_with_other_names_stays(tmp_path: Path) -> None:
    """Others may hold it."""
    EmbeddedServer(tmp_path / "run").start().leave()
    path = tmp_path / "run" / "server" / "users.lock"
    (tmp_path / "backup").hardlink_to(path)
    EmbeddedServer(tmp_path / "run").start().leave()
    assert path.samefile(tmp_path / "backup")


def test_a_server_file_that_cannot_be_copied_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "server").mkdir(mode=0o700)
    path = tmp_path / "server" / "server.log"
    path.write_bytes(KEPT)
    (tmp_path / "other").hardlink_to(path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(ServerError, match=rf"{path}: has other names \(hard links\).* remove the others"):
        EmbeddedServer(tmp_path).start()
    assert path.read_bytes() == KEPT


@pytest.mark.parametrize("name", ["server/users.lock", "server/connection.json", "supervisor.lock"])
def test_the_rights_of_a_file_elsewhere_stay(tmp_path: Path, name: str) -> None:
    run_dir, victim = RunDir(tmp_path / "run"), tmp_path / "victim"
    victim.write_bytes(KEPT)
    victim.chmod(0o644)
    run_dir.server.mkdir(parents=True)
    (run_dir.path / name).hardlink_to(victim)
    shut_out_others(run_dir.server)
    RunLock(run_dir).free()
    assert victim.stat().st_mode & 0o777 == 0o644
    assert victim.stat().st_nlink == 1, "the run has a file of its own, or none"


def test_a_lock_that_is_held_is_not_replaced(tmp_path: Path) -> None:
    """Two supervisors would have the run, once somebody has made a backup of it."""
    run_dir = RunDir(tmp_path / "run")
    run_dir.path.mkdir()
    path = run_dir.path / "supervisor.lock"
    lock = FileLock(path)
    path.chmod(0o644)
    (tmp_path / "backup").hardlink_to(path)
    assert lock.try_exclusive()
    try:
        with pytest.raises(Exception, match="has a supervisor already"):
            RunLock(run_dir)
        assert path.stat().st_nlink == 2
    finally:
        lock.close()
