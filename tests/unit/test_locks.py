"""Locks on file systems that have none, and looking at a lock without taking it."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from cqltui.broker import locks
from cqltui.broker.handle import is_alive, is_missed
from cqltui.broker.locks import FileLock, is_held
from cqltui.broker.server import EmbeddedServer
from cqltui.errors import InputError
from cqltui.results.rundir import RunDir
from cqltui.supervisor.lock import RunLock, is_supervised


@pytest.fixture(params=[errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system without them."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("no_locks")
def test_a_file_system_without_locks_is_named_with_a_way_out(tmp_path: Path) -> None:
    for start in (lambda: RunLock(RunDir(tmp_path)), EmbeddedServer(tmp_path).start):
        with pytest.raises(InputError, match=r"no file locks.*local disk, --run-dir") as caught:
            start()
        assert str(tmp_path) in str(caught.value)
    assert not (tmp_path / "server" / "connection.json").exists(), "nothing was started"


@pytest.mark.usefixtures("no_locks")
def test_a_run_on_such_a_file_system_can_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    for name in ("supervisor.lock", "server/alive.lock"):
        (tmp_path / name).touch()
    assert not is_supervised(RunDir(tmp_path))
    assert not is_alive(tmp_path / "server")


def test_looking_makes_no_file(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    assert not is_supervised(RunDir(tmp_path))
    assert not is_alive(tmp_path / "server")
    assert not is_missed(tmp_path / "server")
    assert list(tmp_path.rglob("*")) == [tmp_path / "server"]


def test_a_lock_is_seen_and_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.lock"
    lock = FileLock(path)
    assert not is_held(path)
    assert lock.try_shared()
    assert not is_held(path), "together with others"
    assert lock.try_exclusive()
    assert is_held(path)
    monkeypatch.setattr(os, "geteuid", lambda: 65534)  # another user's: no lock is taken
    if locks._listed(path) is None:
        pytest.skip("this system has no list of locks (/proc/locks)")
    monkeypatch.setattr(fcntl, "flock", lambda *_: pytest.fail("a lock is taken"))
    assert is_held(path)
    lock.close()
    assert not is_held(path)
    assert not is_held(tmp_path / "missing")
