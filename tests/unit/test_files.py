"""Files that have to survive a loss of power, on the system that has a call of its own for it."""

import os
from pathlib import Path

import pytest

from cqltui.worker.metrics import MetricsFile
from trainer import files

F_FULLFSYNC = 51
"""Its number on macOS."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the system, on a macOS that knows the call."""
    seen: list[str] = []
    real = os.fsync

    def control(descriptor: int, command: int) -> int:
        assert command == F_FULLFSYNC
        seen.append("full")
        return 0

    def fsync(descriptor: int) -> None:
        seen.append("fsync")
        real(descriptor)

    monkeypatch.setattr(files, "FULL_SYNC", F_FULLFSYNC)
    monkeypatch.setattr("trainer.files.fcntl.fcntl", control)
    monkeypatch.setattr("trainer.files.os.fsync", fsync)
    return seen


def test_what_is_written_on_macos_is_out_of_the_drives_memory(tmp_path: Path, calls: list[str]) -> None:
    files.write_bytes(tmp_path / "one", b"1")
    assert calls == ["full", "full"], "the file, and the folder's entry"
    metrics = MetricsFile(tmp_path / "metrics.csv", [])
    calls.clear()
    metrics.sync()
    metrics.close()
    assert calls == ["full"]


def test_a_file_system_that_does_not_know_the_call_gets_the_usual_one(
    tmp_path: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(descriptor: int, command: int) -> int:
        raise OSError(45, "Operation not supported")

    monkeypatch.setattr("trainer.files.fcntl.fcntl", unknown)
    files.write_bytes(tmp_path / "one", b"1")
    assert calls == ["fsync", "fsync"]
    assert (tmp_path / "one").read_bytes() == b"1"


def test_elsewhere_it_is_fsync(tmp_path: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FULL_SYNC", None)
    files.write_bytes(tmp_path / "one", b"1")
    assert calls == ["fsync", "fsync"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_CACHE_HOME": "/x/cache", "HOME": "/h"}, "/x/cache/cqltui"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/cqltui"),  # to be ignored, says the specification
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/cqltui"),
    ],
)
def test_the_users_cache(environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert files.user_cache() == Path(expected)
