"""A run directory that was copied with the rights of another's is ours alone once we go on with it."""

import os
import select
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cqltui.broker.server.ownership import keep_to_ourselves, shut_out_others
from cqltui.child import PYTHON, forget_relative_path
from tests.contract.helpers import eventually
from trainer.files import read_regular
from trainer.private import open_to_others

UNFELT_S = 0.3


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_others_lose_the_right_to_write_and_to_hold_the_lock(tmp_path: Path) -> None:
    run = tmp_path / "run"
    folders = [run, *(run / name for name in ("server", "logs", "tasks", "tasks/a1", "results"))]
    for folder in folders:
        folder.mkdir()
        folder.chmod(0o777)
    outside = tmp_path / "outside"
    outside.mkdir()
    outside.chmod(0o777)
    (run / "tasks" / "link").symlink_to(outside)
    (run / "supervisor.lock").touch()
    (run / "supervisor.lock").chmod(0o644)
    keep_to_ourselves(run)
    assert {mode(folder) for folder in folders} == {0o755}, "a colleague may look"
    assert mode(run / "supervisor.lock") == 0o600
    assert mode(outside) == 0o777, "what a link leads to is none of the run's"


def test_a_servers_folder_loses_no_lock_file_of_another_program(tmp_path: Path) -> None:
    for name in ("uv.lock", "Cargo.lock", "users.lock"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    shut_out_others(tmp_path)
    assert {path.name: mode(path) for path in tmp_path.iterdir()} == {
        "uv.lock": 0o644,
        "Cargo.lock": 0o644,
    }, "of the server's own, one that others may have opened is made anew"


def test_a_folder_whose_access_list_names_others_is_open_to_them(tmp_path: Path) -> None:
    # The list of `setfacl -m u:12345:rwx`, in the kernel's form: version, then (tag, rights, id).
    entries = ((0x01, 7, -1), (0x02, 7, 12345), (0x04, 5, -1), (0x10, 7, -1), (0x20, 0, -1))
    raw = b"\x02\0\0\0" + b"".join(
        tag.to_bytes(2, "little") + rights.to_bytes(2, "little") + who.to_bytes(4, "little", signed=True)
        for tag, rights, who in entries
    )
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    assert open_to_others(folder) is None
    try:
        os.setxattr(folder, "system.posix_acl_access", raw)
    except (AttributeError, OSError) as error:
        pytest.skip(f"this file system knows no access lists: {error}")
    assert open_to_others(folder) == folder


def test_a_pipe_in_the_place_of_a_file_is_not_even_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "campaign.json"
    os.mkfifo(pipe)
    code = f"import os; print('begin', flush=True); os.open({str(pipe)!r}, os.O_WRONLY); print('open', flush=True)"
    with subprocess.Popen([*PYTHON, "-c", code], stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "begin\n"
            eventually(lambda: psutil.Process(writer.pid).status() == psutil.STATUS_SLEEPING)  # until somebody reads
            with pytest.raises(OSError, match="a device or a pipe"):
                read_regular(pipe, 1 << 20)
            felt, _, _ = select.select([writer.stdout], [], [], UNFELT_S)
            assert not felt, "whoever writes there would have been let in, and left alone"
        finally:
            writer.kill()


def test_no_library_finds_a_program_in_the_current_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join((".", "", "bin", "/usr/bin", "/bin")))
    forget_relative_path()
    assert os.environ["PATH"] == "/usr/bin:/bin"


def test_the_command_forgets_them_before_anything_else(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    for name in ("uname", "git", "lsb_release"):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (tmp_path / name).chmod(0o755)
    code = (
        "import sys, platform; from cqltui.cli import main; sys.argv[1:] = ['--version']; main(); platform.platform()"
    )
    environment = {**os.environ, "PATH": f".{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, timeout=60)
    assert not marker.exists()
