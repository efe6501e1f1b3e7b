"""A run that is another user's, or holds another's files: it is looked at, and nothing is started, changed, deleted or
signalled. Root, who could, does no more."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from msgspec import to_builtins

from cqltui.broker.server.locks import FileLock
from cqltui.broker.server.server import EmbeddedServer
from cqltui.cli import main
from cqltui.errors import InputError
from cqltui.placement.process import WORKER, left_behind
from cqltui.results.rundir import RunDir, write_json
from cqltui.state.model import Lifecycle, Status, TaskInfo
from cqltui.supervisor.lock import RunLock

THEIRS = 12345

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file another user's")


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    """A run with a task that is queued, and a server's folder."""
    made = RunDir(tmp_path / "run")
    info = TaskInfo("1a2b3c4d", "quality", "a task", epochs=50, batch_size=128, epoch_steps=13)
    said = {"name": "one", "phases": [{"name": "quality", "title": "Quality"}], "workers": {"count": 1}, "redis": {}}
    write_json(made.campaign_json, {"created_ts": 1.0, "campaign": said, "finished_ts": 0.0})
    write_json(
        made.task_json(info.id),
        {"info": to_builtins(info), "life": to_builtins(Lifecycle(status=Status.QUEUED, run=1))},
    )
    made.logs.mkdir()
    made.log("w1").write_text("a line\n")
    made.server.mkdir(mode=0o700)
    for name in ("lock", "users.lock", "alive.lock", "keeper.lock"):
        (made.server / name).touch()
    return made


def give_away(run_dir: RunDir) -> None:
    """All of it is another's."""
    for path in (run_dir.path, *run_dir.path.rglob("*")):
        os.lchown(path, THEIRS, THEIRS)


def files(run_dir: RunDir) -> dict[Path, tuple[int, int, int, int]]:
    """Every file and folder with what a change would change."""
    found = {path: path.lstat() for path in (run_dir.path, *run_dir.path.rglob("*"))}
    return {path: (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_mode) for path, stat in found.items()}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("status", 0),
        ("logs w1", 0),
        ("attach --no-ui", 3),
        ("stop", 2),
        ("pause", 2),
        ("cancel 1a2b", 2),
        ("resubmit --failed", 2),
        ("redis-cli ping", 2),
        ("worker --worker-id w9", 2),
    ],
)
def test_root_only_looks_at_another_users_run(
    run_dir: RunDir, capsys: pytest.CaptureFixture[str], command: str, code: int
) -> None:
    give_away(run_dir)
    before = files(run_dir)
    name, *rest = command.split()
    assert main([name, "--run-dir", str(run_dir.path), *rest]) == code
    told = capsys.readouterr()
    if code == 2:
        assert "another user's" in told.err
        assert "can be looked at" in told.err
    assert files(run_dir) == before


def test_root_starts_no_campaign_in_another_users_run(run_dir: RunDir, capsys: pytest.CaptureFixture[str]) -> None:
    give_away(run_dir)
    before = files(run_dir)
    file = Path(__file__).parents[1] / "integration" / "small.toml"
    for more in ((), ("--fresh",)):
        assert main([str(file), "--no-ui", "--run-dir", str(run_dir.path), *more]) == 2
        assert "another user's" in capsys.readouterr().err
    assert files(run_dir) == before
    with pytest.raises(InputError, match="another user's"):
        RunLock(run_dir)


@pytest.mark.parametrize("name", ["server", "server/users.lock", "server/alive.lock", "tasks", "campaign.json", "logs"])
def test_another_users_file_in_a_run_of_ours(run_dir: RunDir, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    os.chown(run_dir.path / name, THEIRS, THEIRS)
    before = files(run_dir)
    with pytest.raises(InputError, match=f"{name}: belongs to another user"):
        EmbeddedServer(run_dir.path).start()
    assert main(["status", "--run-dir", str(run_dir.path)]) == 0
    assert "quality" in capsys.readouterr().out
    assert main(["stop", "--run-dir", str(run_dir.path)]) == 2
    assert files(run_dir) == before


@pytest.mark.parametrize(
    "name", ["tasks", "tasks/1a2b3c4d", "logs", "results", "journal.jsonl", "history.jsonl", "supervisor.lock"]
)
def test_a_link_in_a_run_leads_nowhere(run_dir: RunDir, tmp_path: Path, name: str) -> None:
    place, away = run_dir.path / name, tmp_path / "away"
    if place.exists():
        place.rename(away)
    elif place.suffix:
        away.touch()
    else:
        away.mkdir()
    place.symlink_to(away)
    with pytest.raises(InputError, match=f"{name}: is a link"):
        EmbeddedServer(run_dir.path).start()
    with pytest.raises(InputError, match=f"{name}: is a link"):
        RunLock(run_dir)


def test_who_looks_holds_no_lock_of_anothers_for_a_moment(run_dir: RunDir) -> None:
    """Root looked by taking the users' lock, which made the last of them leave the server running."""
    give_away(run_dir)
    lock = FileLock(run_dir.server / "users.lock")
    assert lock.try_shared()
    before = (run_dir.server / "users.lock").stat().st_atime_ns
    try:
        assert main(["stop", "--run-dir", str(run_dir.path)]) == 2
        assert lock.try_exclusive()
        assert (run_dir.server / "users.lock").stat().st_atime_ns == before
    finally:
        lock.close()


def test_root_adopts_no_worker_of_another(run_dir: RunDir) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "cqltui").write_text("read line\n")
        for uid in (os.getuid(), THEIRS):
            # The shell takes it for a script of that name, and has a worker's command line.
            process = subprocess.Popen(
                ["/bin/sh", *WORKER, "w1", "--run-dir", str(run_dir.path)],
                user=uid,
                group=uid,
                extra_groups=[],
                cwd=folder,
                stdin=subprocess.PIPE,
            )
            try:
                found = [worker.pid for worker in left_behind(run_dir.path)]
                assert found == ([process.pid] if uid == os.getuid() else [])
                assert process.poll() is None
            finally:
                process.kill()
                process.communicate()
