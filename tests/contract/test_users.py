"""Who uses an embedded server, told from who is about to end it."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from cqltui.broker.server.handle import await_end, has_users
from cqltui.broker.server.locks import FileLock
from cqltui.errors import ServerError


@pytest.fixture
def other(tmp_path: Path) -> Iterator[FileLock]:
    """The lock of the server in `tmp_path`, as another process has it open."""
    lock = FileLock(tmp_path / "users.lock")
    yield lock
    lock.close()


def test_whoever_has_the_lock_alone_is_no_user(other: FileLock, tmp_path: Path) -> None:
    assert not has_users(tmp_path)
    assert other.try_shared()
    assert has_users(tmp_path)
    assert other.try_exclusive(), "a look leaves no lock behind"
    assert not has_users(tmp_path), "the server is being ended"


def test_no_file_is_made_where_there_was_no_server(tmp_path: Path) -> None:
    assert not has_users(tmp_path)
    await_end(tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_end_is_waited_for_and_a_user_is_not(
    other: FileLock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert other.try_shared()
    await_end(tmp_path)
    assert other.try_exclusive()
    timer = Timer(0.2, other.close)
    began_s = time.monotonic()
    timer.start()
    await_end(tmp_path)
    assert time.monotonic() - began_s >= 0.2
    timer.join()
    for name in ("STOP_S", "KILL_S"):
        monkeypatch.setattr(f"cqltui.broker.server.handle.{name}", 0.0)
    hung = FileLock(tmp_path / "users.lock")
    assert hung.try_exclusive()
    with pytest.raises(ServerError, match="held this lock for too long"):
        await_end(tmp_path)
    hung.close()
