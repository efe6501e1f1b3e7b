"""Whether the files of a repository are those of its commit."""

import subprocess
from pathlib import Path

import pytest

from cqltui.supervisor.repository import is_dirty


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A subfolder of a repository of two files."""
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "a.toml").write_bytes(b"a = 1\n")
    (tmp_path / "tr\N{LATIN SMALL LETTER A WITH DIAERESIS}in.py").write_bytes(b"")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    return tmp_path / "campaigns"


def test_a_file_of_the_commit_that_has_changed_or_gone_makes_it_dirty(folder: Path) -> None:
    assert is_dirty(folder) is False
    (folder / "new.toml").touch()
    assert is_dirty(folder) is False, "git does not know it"
    other = next(folder.parent.glob("tr*.py"))
    other.write_bytes(b"x")
    assert is_dirty(folder) is True, "anywhere in the repository"
    other.unlink()
    assert is_dirty(folder) is True


def test_where_git_stores_something_else_than_the_file_holds_it_is_not_known(folder: Path) -> None:
    (folder / "a.toml").write_bytes(b"a = 1\r\n")
    assert is_dirty(folder) is None
    (folder / "a.toml").write_bytes(b"a = 2\n")
    (folder.parent / ".gitattributes").write_bytes(b"* filter=x\n")
    assert is_dirty(folder) is None


def test_outside_a_repository_it_is_not_known(tmp_path: Path) -> None:
    assert is_dirty(tmp_path) is None
