"""A run directory in which somebody has planted links, and the modes of what we make: nothing outside is written to,
and nobody else can write to what is ours."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from cqltui.app.joining import log_to
from cqltui.broker.protocol.records import Claim, Result
from cqltui.broker.server.locks import FileLock, is_held
from cqltui.broker.server.server import EmbeddedServer
from cqltui.errors import InputError
from cqltui.placement.process import Launcher
from cqltui.results.rundir import RunDir
from cqltui.state.model import Lifecycle, Status, TaskInfo, TaskState
from cqltui.supervisor.accepted import RefusedResultError
from cqltui.supervisor.journal import Journal
from cqltui.supervisor.lock import RunLock
from cqltui.supervisor.records import Records
from cqltui.worker.attempt import Attempt
from tests.unit.made import leave_result
from tests.unit.test_attempt_figures import SPEC
from trainer.files import plain_file, replace_file, write_bytes

KEPT = b"a line, and the rest of another that is not ended"
TOKEN = "1-7"


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file of the user's, elsewhere."""
    path = tmp_path / "victim"
    path.write_bytes(KEPT)
    return path


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    """An empty run directory."""
    made = RunDir(tmp_path / "run")
    for folder in (made.path, made.logs, made.tasks, made.earlier, made.server):
        folder.mkdir(parents=True)
    return made


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of the user's, with a checkpoint of another run."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "checkpoint-000001.safetensors").write_bytes(KEPT)
    return folder


def linked(path: Path, to: Path) -> Path:
    """A link in the place of what was there."""
    if path.is_dir():
        path.rmdir()
    path.symlink_to(to)
    return path


@pytest.mark.parametrize(
    "name",
    ["journal.jsonl", "history.jsonl", "supervisor.lock", "campaign.json", "logs/w1.log", "logs/supervisor.log"],
)
def test_a_run_with_a_link_in_a_files_place_is_not_begun(run_dir: RunDir, victim: Path, name: str) -> None:
    link = linked(run_dir.path / name, victim)
    with pytest.raises(InputError, match=rf"{link}: is a link, and a run keeps to its own directory"):
        RunLock(run_dir)
    assert victim.read_bytes() == KEPT
    link.unlink()
    RunLock(run_dir).free()


@pytest.mark.parametrize("name", ["logs", "tasks", "server", "results/earlier", "tasks/1a2b3c4d"])
def test_nor_with_a_link_in_a_folders_place(run_dir: RunDir, elsewhere: Path, name: str) -> None:
    link = linked(run_dir.path / name, elsewhere)
    with pytest.raises(InputError, match=str(link)):
        RunLock(run_dir)
    assert len(list(elsewhere.iterdir())) == 1


def test_a_link_of_the_users_that_we_do_not_write_to_may_stay(run_dir: RunDir, victim: Path) -> None:
    linked(run_dir.path / "notes.txt", victim)
    linked(run_dir.summary_txt, victim)
    RunLock(run_dir).free()
    write_bytes(run_dir.summary_txt, b"summary")
    assert victim.read_bytes() == KEPT, "a whole file takes the link's place"


def test_a_run_directory_that_is_reached_by_a_link_is_used(run_dir: RunDir, tmp_path: Path) -> None:
    RunLock(RunDir(linked(tmp_path / "mine", run_dir.path))).free()


@pytest.mark.parametrize(
    "name",
    ["connection.json", "epoch", "server.pid", "server.log", "users.lock", "appendonlydir", "appendonlydir/x.aof"],
)
def test_the_server_is_not_started_over_a_link(run_dir: RunDir, victim: Path, name: str) -> None:
    (run_dir.server / name).parent.mkdir(exist_ok=True)
    link = linked(run_dir.server / name, victim)
    server = EmbeddedServer(run_dir.path)
    for begin in (server.start, server.attach):
        with pytest.raises(InputError, match=str(link)):
            begin()
    assert victim.read_bytes() == KEPT


OPENINGS: dict[str, Callable[[Path], object]] = {
    "a journal": Journal,
    "a lock": FileLock,
    "a worker's log": log_to,
    "what a worker prints": lambda path: Launcher((), {}, path.parent).start(path.stem),
    "a copy": lambda path: replace_file(path, path.with_name("copy")),
}


@pytest.mark.parametrize("what", OPENINGS)
def test_what_is_planted_afterwards_is_not_written_through(tmp_path: Path, victim: Path, what: str) -> None:
    link = linked(tmp_path / "w1.log", victim)
    with pytest.raises(OSError, match=r"symbolic links|is a link or no file"):
        OPENINGS[what](link)
    assert victim.read_bytes() == KEPT
    assert not (tmp_path / "copy").exists(), "what a link leads to is not published"
    link.unlink()
    link.symlink_to(tmp_path / "new")
    with pytest.raises(OSError, match=r"symbolic links|is a link or no file"):
        OPENINGS[what](link)
    assert not (tmp_path / "new").exists()


@pytest.mark.timeout(90)
def test_nothing_waits_for_a_pipe_in_a_files_place(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert not is_held(path)
    for mode in ("ab", "rb", "ab+"):
        with pytest.raises(OSError, match="is a link or no file, which is not written to; remove it"):
            open(path, mode, opener=plain_file)  # noqa: SIM115


def test_an_attempt_writes_in_no_folder_elsewhere(run_dir: RunDir, elsewhere: Path) -> None:
    run_dir.task("a1").mkdir()
    for link in (run_dir.run("a1", 2), run_dir.attempt("a1", 2, TOKEN)):
        link.parent.mkdir(exist_ok=True)
        linked(link, elsewhere)
        with pytest.raises(OSError, match=f"{link} is a link"):
            Attempt(Claim("a1", TOKEN, 2, 1, SPEC), run_dir)
        link.unlink()
    assert len(list(elsewhere.iterdir())) == 1


def test_a_task_is_not_written_down_in_a_folder_elsewhere(run_dir: RunDir, elsewhere: Path) -> None:
    linked(run_dir.task("a1"), elsewhere)
    records = Records(run_dir)
    result = Result("a1", 2, 1, TOKEN, "w1", 5.0, {"token": TOKEN})
    try:
        for write in (
            lambda: records.remember(TaskState(TaskInfo("a1", "quality"), Lifecycle(status=Status.QUEUED))),
            lambda: records.receive(result, {"metrics.csv": b"rows"}),
            lambda: records.publish(result),
        ):
            with pytest.raises(OSError, match="a1 is a link"):
                write()
    finally:
        records.close()
    assert len(list(elsewhere.iterdir())) == 1


def test_a_result_publishes_no_file_from_elsewhere_and_removes_none(
    run_dir: RunDir, elsewhere: Path, victim: Path
) -> None:
    attempt = run_dir.attempt("a1", 2, TOKEN)
    document = leave_result(attempt, "a1", 2, TOKEN)
    rows = (attempt / "metrics.csv").read_bytes()
    linked(attempt.parent / "planted", elsewhere)
    (attempt / "metrics.csv").unlink()
    linked(attempt / "metrics.csv", victim)
    records = Records(run_dir)
    result = Result("a1", 2, 1, TOKEN, "w1", 5.0, document)
    try:
        with pytest.raises(RefusedResultError, match=r"metrics\.csv: is no regular file"):
            records.publish(result)
        assert not run_dir.metrics_csv("a1").exists()
        (attempt / "metrics.csv").unlink()
        (attempt / "metrics.csv").write_bytes(rows)
        assert records.publish(result)
    finally:
        records.close()
    assert (elsewhere / "checkpoint-000001.safetensors").read_bytes() == KEPT


# Modes


def modes(folder: Path) -> dict[str, int]:
    """The modes of a folder and everything in it, by path."""
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in (folder, *folder.rglob("*"))}


def test_a_server_folder_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        handle = EmbeddedServer(tmp_path).start()
    finally:
        os.umask(before)
    try:
        found = modes(tmp_path / "server")
    finally:
        handle.leave()
    assert {"connection.json", "server.log", "server.pid", "alive.lock", "users.lock", "keeper.lock"} <= found.keys()
    assert any(name.startswith("appendonlydir/") for name in found)
    assert {name: oct(mode) for name, mode in found.items() if mode & 0o077} == {}
