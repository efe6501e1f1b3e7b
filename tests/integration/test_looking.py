"""Looking at a run that cannot be written to: another user's, or on a read-only disk. Nothing is changed by it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cqltui.broker.server.handle import ServerHandle
from cqltui.broker.server.server import EmbeddedServer
from cqltui.results.rundir import RunDir
from cqltui.supervisor.lock import RunLock
from tests.integration.command import PATIENCE_S
from tests.integration.place import TASKS, Place

NOBODY = 65534
AS_NOBODY = f"""
import importlib, os, sys
from cqltui.cli import COMMANDS, main
for name in ("commands." + COMMANDS[sys.argv[1]], "app.following", "app.run_server"):
    importlib.import_module("cqltui." + name)  # what it loads when it is needed may be where nobody else can read
os.chdir("/")
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
sys.exit(main(sys.argv[1:]))
"""
ON_READ_ONLY_DISK = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user, or mount a disk read-only")


@pytest.fixture
def run_dir(undisturbed: Place) -> Iterator[RunDir]:
    """A copy of a run that has ended, in a folder that everybody may enter."""
    folder = Path(tempfile.mkdtemp(prefix="cqltui-look-"))
    folder.chmod(0o755)
    shutil.copytree(undisturbed.run_dir.path, folder / "run")
    yield RunDir(folder / "run")
    shutil.rmtree(folder)


@pytest.fixture
def handle(run_dir: RunDir) -> Iterator[ServerHandle]:
    """A share in the run's server, which lives."""
    made = EmbeddedServer(run_dir.path).start()
    yield made
    made.leave()


def as_nobody(run_dir: RunDir, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as another user gives it."""
    return _ended([sys.executable, "-c", AS_NOBODY, *arguments, "--run-dir", str(run_dir.path)])


def on_read_only_disk(run_dir: RunDir, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as the run's owner gives it, where its disk is read-only."""
    command = [sys.executable, "-m", "cqltui", *arguments, "--run-dir", str(run_dir.path)]
    return _ended(["unshare", "--mount", "sh", "-c", ON_READ_ONLY_DISK, str(run_dir.path), *command])


def _ended(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL, check=False
    )


def files(run_dir: RunDir) -> dict[str, tuple[int, int, int]]:
    """Every file and folder, but for what the server itself writes: inode, size, time of the last change."""
    found = {path: path.lstat() for path in (run_dir.path, *run_dir.path.rglob("*"))}
    own = ("server.log", "appendonlydir")
    return {
        str(path): (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        for path, stat in found.items()
        if not any(name in path.parts for name in own)
    }


def test_another_users_finished_run(run_dir: RunDir) -> None:
    before = files(run_dir)
    told = as_nobody(run_dir, "status", "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["counts"]["done"] == TASKS
    for arguments in (("status", "--tasks"), ("logs",), ("logs", "w1")):
        told = as_nobody(run_dir, *arguments)
        assert told.returncode == 0, told.stderr
        assert "w1" in told.stdout or "seed 2" in told.stdout
    assert "Traceback" not in as_nobody(run_dir, "attach", "--no-ui").stderr
    told = as_nobody(run_dir, "resubmit", "00000000")
    assert (told.returncode, "it can be looked at" in told.stderr) == (2, True), told.stderr
    assert files(run_dir) == before


def test_another_users_run_that_goes_on(run_dir: RunDir, handle: ServerHandle) -> None:
    lock = RunLock(run_dir)
    try:
        before = files(run_dir)
        told = as_nobody(run_dir, "status")
        assert told.returncode == 0, told.stderr
        assert "another user's run" in told.stdout
        assert f"{TASKS} done" in told.stdout or "100" in told.stdout
        for command, code in (("attach", 3), ("stop", 2), ("pause", 2)):
            told = as_nobody(run_dir, command)
            assert (told.returncode, "Traceback" in told.stderr) == (code, False), told.stderr
            assert "another user's" in told.stderr
        assert files(run_dir) == before
        assert handle.connect().ping()
    finally:
        lock.free()


def test_a_run_on_a_read_only_disk(run_dir: RunDir) -> None:
    if on_read_only_disk(run_dir, "--version").returncode:
        pytest.skip("no right to mount (unshare --mount)")
    handle = EmbeddedServer(run_dir.path).start()
    before = files(run_dir)
    told = on_read_only_disk(run_dir, "status", "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["counts"]["done"] == TASKS
    for arguments in (("status",), ("logs", "w1"), ("attach", "--no-ui")):
        told = on_read_only_disk(run_dir, *arguments)
        assert told.returncode == 0, told.stderr
    told = on_read_only_disk(run_dir, "stop")
    assert told.returncode == 2, told.stderr
    assert "it can be looked at" in told.stderr
    assert files(run_dir) == before
    handle.detach()
    assert on_read_only_disk(run_dir, "status").returncode == 0
    assert handle.connect().ping(), "who only looks ends nothing"
    assert EmbeddedServer(run_dir.path).start().leave()


def test_what_may_not_be_read_is_named(run_dir: RunDir) -> None:
    run_dir.log("w1").chmod(0o600)
    told = as_nobody(run_dir, "logs", "w1")
    assert (told.returncode, told.stderr) == (2, f"cqltui: {run_dir.log('w1')}: cannot be read: Permission denied\n")
    run_dir.path.chmod(0o700)
    for command in ("status", "attach", "logs", "stop"):
        told = as_nobody(run_dir, command)
        assert told.returncode == 2, told.stderr
        assert "the run cannot be read: Permission denied" in told.stderr
