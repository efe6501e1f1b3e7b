"""A folder that is replaced is whole before and after, whoever is killed, fails, or does the same at the same time."""

import errno
import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cqltui.results import folders
from cqltui.results.folders import exchange, replaced_folder


def fill(target: Path, text: str) -> None:
    """Replace the folder by one with two files."""
    with replaced_folder(target) as draft:
        (draft / "a").write_text(text)
        (draft / "sub").mkdir()
        (draft / "sub" / "b").write_text(text)


def held(target: Path) -> dict[str, str]:
    """What the folder holds."""
    return {str(path.relative_to(target)): path.read_text() for path in target.rglob("*") if path.is_file()}


def both(text: str) -> dict[str, str]:
    return {"a": text, "sub/b": text}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A folder that is there."""
    fill(tmp_path / "report", "old")
    return tmp_path / "report"


def nothing_beside(target: Path) -> bool:
    return [path.name for path in target.parent.iterdir()] == [target.name]


def test_it_is_made_with_those_above_it_and_replaced(tmp_path: Path) -> None:
    target = tmp_path / "far" / "report"
    fill(target, "one")
    assert target.stat().st_mode & 0o777 == 0o755, "others may look at it"
    fill(target, "two")
    assert held(target) == both("two")
    assert nothing_beside(target)


def test_it_is_for_its_owner_alone_while_it_is_filled(target: Path) -> None:
    with replaced_folder(target) as draft:
        assert draft.stat().st_mode & 0o777 == 0o700
        assert draft.parent == target.parent
        assert held(target) == both("old")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_one_that_fails_leaves_the_one_before(target: Path, error: BaseException) -> None:
    def begin() -> None:
        with replaced_folder(target) as draft:
            (draft / "a").write_text("half")
            raise error

    with pytest.raises(type(error)):
        begin()
    assert held(target) == both("old")
    assert nothing_beside(target)


def test_one_that_cannot_take_the_place_leaves_the_one_before(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(one: Path, other: Path) -> bool:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(folders, "exchange", fails)
    with pytest.raises(OSError, match="Input/output"):
        fill(target, "new")
    assert held(target) == both("old")
    assert nothing_beside(target)


def test_where_folders_cannot_be_exchanged_the_one_before_steps_aside(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "exchange", lambda one, other: False)
    fill(target, "new")
    assert held(target) == both("new")
    assert nothing_beside(target)


def test_what_somebody_who_was_killed_has_left_is_removed_and_what_is_being_filled_stays(target: Path) -> None:
    left, filled, other = (
        target.with_name(name) for name in (".report-0123abcd.new", ".report-4567abcd.new", ".report-x")
    )
    for folder in (left, filled, other):
        folder.mkdir()
    link = target.with_name(".report-89abcdef.new")
    link.symlink_to(other)
    descriptor = os.open(filled, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        fill(target, "new")
    finally:
        os.close(descriptor)
    assert not left.exists()
    assert filled.exists()
    assert other.exists()
    assert link.is_symlink()


def test_what_stepped_aside_for_one_who_was_killed_comes_back(target: Path) -> None:
    aside = target.with_name(".report-0123abcd.old")
    target.rename(aside)
    with pytest.raises(KeyboardInterrupt), replaced_folder(target):
        raise KeyboardInterrupt
    assert held(target) == both("old")
    assert nothing_beside(target)


def test_of_two_at_once_one_is_there_whole(target: Path) -> None:
    together = threading.Barrier(2)

    def begin(text: str) -> None:
        with replaced_folder(target) as draft:
            (draft / "a").write_text(text)
            together.wait(60)
            (draft / "b").write_text(text)
            together.wait(60)

    threads = [threading.Thread(target=begin, args=(text,)) for text in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = held(target)
    assert found in ({"a": "one", "b": "one"}, {"a": "two", "b": "two"})
    assert nothing_beside(target)


@pytest.mark.parametrize("moment", ["mkdir", "flock"])
def test_a_draft_that_another_removes_before_it_is_locked_is_made_again(
    target: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    module, made = (Path, Path.mkdir) if moment == "mkdir" else (fcntl, fcntl.flock)
    removed: list[Path] = []

    def meddled(*arguments: Any) -> None:
        if moment == "mkdir":
            made(*arguments)
        if not removed:
            (draft,) = target.parent.glob(".report-*.new")
            draft.rmdir()
            removed.append(draft)
        if moment == "flock":
            made(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(module, moment, meddled)
        fill(target, "new")
    assert removed
    assert held(target) == both("new")
    assert nothing_beside(target)


def _link(target: Path) -> None:
    elsewhere = target.with_name("elsewhere")
    target.rename(elsewhere)
    target.symlink_to(elsewhere)


def _file(target: Path) -> None:
    target.rename(target.with_name("elsewhere"))
    target.write_text("mine")


@pytest.mark.parametrize("change", [_link, _file])
def test_a_link_or_a_file_in_the_place_stays(target: Path, change: Callable[[Path], None]) -> None:
    change(target)
    before = sorted(target.parent.rglob("*"))
    with pytest.raises(OSError, match="is a link or no file, which is not written to; remove it"):
        fill(target, "new")
    assert sorted(target.parent.rglob("*")) == before


def test_another_users_folder_stays(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(target, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(PermissionError, match="belongs to another user"):
        fill(target, "new")
    assert held(target) == both("old")


def test_what_must_stay_is_asked_before_anything_is_made(target: Path) -> None:
    def refuse(folder: Path) -> None:
        assert folder == target
        raise ValueError("it must stay")

    with pytest.raises(ValueError, match="it must stay"), replaced_folder(target, refuse):
        pytest.fail("it is filled")
    assert nothing_beside(target)


def test_two_folders_change_places(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    fill(one, "1")
    fill(other, "2")
    if exchange(one, other):
        assert (held(one), held(other)) == (both("2"), both("1"))
    with pytest.raises(FileNotFoundError):
        exchange(one, tmp_path / "missing")
