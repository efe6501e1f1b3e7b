"""The folder of the server's socket, and those above it: whoever can write to one of them moves the socket away, and
answers in its place."""

import grp
import os
import pwd
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cqltui.broker.server.launch import socket_path
from cqltui.broker.server.server import EmbeddedServer
from cqltui.errors import ServerError
from trainer import private
from trainer.private import open_to_others

THEIRS = 12345
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can make a folder another user's")


def open_to_all(base: Path) -> Path:
    """Not sticky: who can write to it can move what others have there."""
    base.chmod(0o777)
    return base


def below_an_open_one(base: Path) -> Path:
    """The same, a folder higher."""
    base.chmod(0o777)
    (base / "mine").mkdir(mode=0o700)
    return base / "mine"


def of_another(base: Path) -> Path:
    """Sticky as it may be: its owner is not bound by that."""
    base.chmod(0o1777)
    os.chown(base, THEIRS, THEIRS)
    return base


def by_a_link(base: Path) -> Path:
    """It leads to a private folder, for now."""
    base.chmod(0o777)
    (base / "link").symlink_to(tempfile.mkdtemp(dir=base.parent))
    return base / "link"


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that another user can reach, which those of pytest are not; there is a private one beside it."""
    with tempfile.TemporaryDirectory(prefix="cqltui-test-") as top:
        Path(top).chmod(0o755)
        for name in ("base", "safe"):
            (Path(top) / name).mkdir()
        yield Path(top) / "base"


@as_root
@pytest.mark.parametrize("variable", ["TMPDIR", "XDG_RUNTIME_DIR"])
@pytest.mark.parametrize("make", [open_to_all, below_an_open_one, of_another, by_a_link])
def test_nobody_moves_the_socket_of_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: Path, make: Callable[[Path], Path], variable: str
) -> None:
    chosen = make(shared)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(chosen) if variable == "XDG_RUNTIME_DIR" else "")
    monkeypatch.setattr("tempfile.tempdir", str(chosen if variable == "TMPDIR" else shared.parent / "safe"))
    monkeypatch.setattr("cqltui.broker.server.launch.TEMPORARY", shared.parent / "safe")
    handle = EmbeddedServer(tmp_path / "run").start()
    try:
        for folder in shared.iterdir():  # as another user
            subprocess.run(["mv", str(folder), str(shared / "moved")], user=THEIRS, group=THEIRS, extra_groups=[])
        assert Path(handle.socket).is_socket(), "where the clients look for it"
        assert Path(handle.socket).is_relative_to(shared.parent), "in the next best place"
        with handle.connect() as client:
            assert client.ping()
    finally:
        assert handle.leave()


def test_where_no_folder_is_private_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: Path) -> None:
    shared.chmod(0o777)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(shared))
    monkeypatch.setattr("cqltui.broker.server.launch.TEMPORARY", shared)
    with pytest.raises(ServerError, match=rf"tried {shared}.*set TMPDIR to a folder .* no other user can write to"):
        EmbeddedServer(tmp_path / "run").start()
    assert not list(shared.glob("cqltui-alone-*")), "nothing is left of the try"
    shared.chmod(0o1777)
    assert socket_path(tmp_path / "run").is_relative_to(shared), "what is sticky will do"


@as_root
def test_in_a_container_without_roots_rights_nobodys_folders_are_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it shows the owner of / and /tmp, of which it would find none else that is private."""
    nobody = int(Path("/proc/sys/kernel/overflowuid").read_text())
    base, folder = tmp_path / "base", tmp_path / "base" / "mine"
    folder.mkdir(parents=True)
    os.chown(base, nobody, nobody)
    assert open_to_others(folder) == base
    table = tmp_path / "uid_map"
    monkeypatch.setattr(private, "_MAP", table)
    for ids in ("         0       1000          1\n", "0 1000 1\n1 100000 65536\n"):
        table.write_text(ids)
        assert open_to_others(folder) is None
    base.chmod(0o777)
    assert open_to_others(folder) == base
    table.write_text("         0          0 4294967295\n")
    base.chmod(0o755)
    assert open_to_others(folder) == base


@pytest.mark.parametrize(
    ("name", "members", "safe"),
    [("me", [], True), ("me", ["me"], True), ("me", ["me", "she"], False), ("us", [], False)],
)
def test_a_users_own_group_is_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, members: list[str], safe: bool
) -> None:
    """As with a umask of 002, where each user has a group of the same name."""
    group = grp.struct_group((name, "x", os.getgid(), members))
    user = pwd.struct_passwd(("me", "x", os.getuid(), os.getgid(), "", "/", "/bin/sh"))
    monkeypatch.setattr("grp.getgrgid", lambda gid: group)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: user)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder").chmod(0o775)
    assert (open_to_others(tmp_path / "folder") is None) is safe


def test_a_group_without_a_name_is_nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(gid: int) -> None:
        raise KeyError(gid)

    monkeypatch.setattr("grp.getgrgid", unknown)
    tmp_path.chmod(0o775)
    assert open_to_others(tmp_path) == tmp_path
