"""A folder with a default access control list (`setfacl -d`), which takes the umask's place in all that is made in it:
no other user can write to what is ours."""

import os
import stat
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cqltui.broker.server.ownership import keep_to_ourselves
from cqltui.results.rundir import RunDir
from cqltui.supervisor.journal import Journal
from cqltui.supervisor.lock import RunLock
from tests.integration.place import Place
from tests.integration.sessions import ONE
from trainer.files import make_folder, plain_file, replace_file, write_bytes

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
ANOTHER = 12345
NOBODY_IN_PARTICULAR = 0xFFFFFFFF
ALL, READ = 7, 5

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="access control lists are set as Linux keeps them")


def access_list() -> bytes:
    """All rights for another user, as `setfacl -m u:12345:rwx` writes it; what the group's bits say is its mask."""
    entries = (
        (0x01, ALL, NOBODY_IN_PARTICULAR),  # the owner
        (0x02, ALL, ANOTHER),
        (0x04, READ, NOBODY_IN_PARTICULAR),  # the group
        (0x10, ALL, NOBODY_IN_PARTICULAR),  # the mask
        (0x20, READ, NOBODY_IN_PARTICULAR),  # others
    )
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder in which another user gets all rights to what is made."""
    folder = tmp_path / "shared"
    folder.mkdir()
    try:
        os.setxattr(folder, "system.posix_acl_default", access_list())
    except OSError:
        pytest.skip("this file system has no access control lists")
    (folder / "probe").touch()
    assert (folder / "probe").stat().st_mode & OTHERS_WRITE, "as any program makes it"
    (folder / "probe").unlink()
    return folder


def written_by_others(folder: Path) -> list[str]:
    """What others can write to, below the folder."""
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.lstat().st_mode & OTHERS_WRITE]


MAKING: dict[str, Callable[[Path], object]] = {
    "a whole file": lambda path: write_bytes(path / "file", b"x"),
    "a copy": lambda path: replace_file(Path(__file__), path / "file"),
    "a log": lambda path: open(path / "file", "ab", opener=plain_file).close(),
    "a journal": lambda path: Journal(path / "file").close(),
    "folders": lambda path: make_folder(path / "one" / "two"),
    "a file in folders": lambda path: write_bytes(path / "one" / "two" / "file", b"x"),
    "a run": lambda path: RunLock(RunDir(path / "runs" / "one")).free(),
}


@pytest.mark.parametrize("what", MAKING)
def test_what_is_made_is_ours_alone_to_write(shared: Path, what: str) -> None:
    MAKING[what](shared)
    assert any(shared.iterdir())
    assert written_by_others(shared) == []


def test_what_others_could_write_to_is_theirs_no_longer(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    for path in (run_dir.campaign_json, run_dir.journal, run_dir.history, run_dir.log("w1")):
        path.parent.mkdir(exist_ok=True)
        path.touch()
        path.chmod(0o666)
    keep_to_ourselves(tmp_path)
    assert written_by_others(tmp_path) == ["logs/w1.log"]
    with open(run_dir.log("w1"), "ab", opener=plain_file):
        assert written_by_others(tmp_path) == []


def test_a_run_in_such_a_folder_is_ours_alone_to_write(shared: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.toml"
    file.write_text(ONE.replace("epochs = 1000000", "epochs = 2"), encoding="utf-8")
    (shared / "place").mkdir(mode=0o755)
    place = Place(shared / "place", campaign=file)
    try:
        place.complete("--workers", "1")
    finally:
        place.end_all()
    found = [name for name in written_by_others(place.run_dir.path) if not name.startswith("server/")]
    assert found == []
    assert not place.run_dir.server.exists() or not place.run_dir.server.stat().st_mode & 0o077, "nobody gets in"
