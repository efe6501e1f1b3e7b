"""What a run directory may be: a folder of its own. Other files are not written among, a link is followed only where it
is ours, and what others could put into it they cannot any more once we go on with it."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cqltui.app import options
from cqltui.app.starting import make
from cqltui.broker.server import ownership
from cqltui.broker.server.locks import FileLock
from cqltui.cli import main
from cqltui.errors import InputError
from cqltui.results.rundir import RunDir, within, write_json
from cqltui.supervisor.lock import RunLock
from tests.integration.sessions import ONE

THEIRS = 12345
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file another user's")
PROJECT = {"campaign.json": b'{"of": "another program"}', "results/summary.txt": b"mine", "logs/w1.log": b"mine"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder of the user's, with files that are called as those of a run."""
    folder = tmp_path / "project"
    for name, content in PROJECT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a short campaign, in the current folder."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "one.toml"
    file.write_text(ONE.replace("epochs = 1000000", "epochs = 1"), encoding="utf-8")
    return file


def content(folder: Path) -> dict[str, bytes]:
    """Of every file, by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_of_other_files_becomes_no_run(
    project: Path, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (campaign.parent / "runs").mkdir()
    (campaign.parent / "runs" / "one").symlink_to(project)
    for where in ([], ["--run-dir", str(project)]):
        for words in ([str(campaign), "--no-ui"], [str(campaign), "--no-ui", "--fresh"], ["supervise", str(campaign)]):
            assert main([*words, *where]) == 2
            told = capsys.readouterr().err
            assert "holds other files (campaign.json, for one) and no run" in told
            assert "choose an empty folder, or a new one, with --run-dir DIR" in told
    assert main(["cancel", "--run-dir", str(project), "1a2b"]) == 2, "a server would be started there"
    assert content(project) == PROJECT
    assert not (project / "server").exists()


def empty(folder: Path) -> None:
    """As a user, or a system, makes one."""
    (folder / "lost+found").mkdir()
    (folder / ".DS_Store").touch()


def cut_off_behind_the_screen(folder: Path) -> None:
    """Before there was a supervisor."""
    (folder / "logs").mkdir()
    (folder / "logs" / "supervisor.log").touch()


def cut_off(folder: Path) -> None:
    """Before campaign.json was written."""
    for name in ("logs", "server", "tasks"):
        (folder / name).mkdir()
    FileLock(folder / "supervisor.lock").close()


def damaged(folder: Path) -> None:
    """A disk has lost it."""
    cut_off(folder)
    (folder / "campaign.json").write_bytes(b"\0" * 80)


def without_locks(folder: Path) -> None:
    """Copied with what matters."""
    write_json(folder / "campaign.json", {"created_ts": 1.0, "campaign": {"name": "one"}})
    (folder / "notes.txt").touch()


@pytest.mark.parametrize("make", [empty, cut_off_behind_the_screen, cut_off, damaged, without_locks])
def test_a_run_that_was_cut_off_may_go_on(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path)
    options.expect_run(RunDir(tmp_path))


@as_root
def test_another_users_link_to_a_folder_of_ours_is_not_followed(
    campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, link = campaign.parent / "place", campaign.parent / "runs" / "one"
    for made in (folder, link.parent):
        made.mkdir()
    link.symlink_to(folder)
    os.lchown(link, THEIRS, THEIRS)
    assert main([str(campaign), "--no-ui"]) == 2
    told = capsys.readouterr().err
    assert f"{link}: is another user's link (uid {THEIRS})" in told
    assert f"--run-dir {folder}" in told
    assert not list(folder.iterdir())
    with pytest.raises(InputError, match="another user's link"):
        RunLock(RunDir(link))


@as_root
def test_nor_is_a_link_to_another_users_folder(campaign: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, link = campaign.parent / "place", campaign.parent / "link"
    folder.mkdir()
    link.symlink_to(folder)
    os.chown(folder, THEIRS, THEIRS)
    assert main([str(campaign), "--no-ui", "--run-dir", str(link)]) == 2
    assert "the run is another user's" in capsys.readouterr().err
    assert not list(folder.iterdir())


# What others could write to before


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that another user can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="cqltui-test-") as top:
        Path(top).chmod(0o755)
        yield Path(top)


def as_another(*command: str | Path) -> int:
    """Whether it went well (0) as another user."""
    done = subprocess.run(command, user=THEIRS, group=THEIRS, extra_groups=[], cwd="/", capture_output=True)
    return done.returncode


FOLDERS = ("", "logs", "tasks", "tasks/a1", "tasks/a1/run-2", "tasks/a1/run-2/1-7", "results", "results/earlier")


def open_run(top: Path) -> RunDir:
    """One that was copied with all rights for everybody."""
    run_dir = RunDir(top / "run")
    for name in FOLDERS:
        (run_dir.path / name).mkdir()
        (run_dir.path / name).chmod(0o777)
    return run_dir


def enter(run_dir: RunDir) -> None:
    """As the supervisor and a worker do."""
    RunLock(run_dir).free()
    within(run_dir, run_dir.attempt("a1", 2, "1-7"))


def enter_behind_the_screen(run_dir: RunDir) -> None:
    """As the command that then starts the supervisor."""
    make(run_dir)
    within(run_dir, run_dir.attempt("a1", 2, "1-7"))


@as_root
@pytest.mark.parametrize(("start", "is_link"), [(enter, True), (enter_behind_the_screen, False)])
def test_after_the_start_nobody_puts_a_folder_in_the_place_of_one(
    reachable: Path, start: Callable[[RunDir], None], is_link: bool
) -> None:
    run_dir = open_run(reachable)
    for name in FOLDERS[1:]:
        folder = run_dir.path / name
        assert as_another("mv", folder, f"{folder}-away") == 0, "they could"
        assert as_another("mv", f"{folder}-away", folder) == 0
    if is_link:
        (reachable / "link").symlink_to(run_dir.path)
    start(RunDir(reachable / "link") if is_link else run_dir)
    for name in FOLDERS[1:]:
        folder = run_dir.path / name
        assert as_another("mv", folder, f"{folder}-away") != 0
        assert as_another("touch", folder / "planted") != 0


@as_root
@pytest.mark.parametrize("name", ["logs", "tasks", "results"])
def test_what_is_put_there_during_the_start_is_seen(
    reachable: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Between the look and the lock, when they still can."""
    run_dir, elsewhere = open_run(reachable), reachable / "elsewhere"
    elsewhere.mkdir()
    closing = ownership.keep_to_ourselves

    def swap(path: Path) -> None:
        assert as_another("mv", path / name, path / "away") == 0
        assert as_another("ln", "-s", elsewhere, path / name) == 0
        closing(path)

    monkeypatch.setattr(ownership, "keep_to_ourselves", swap)
    monkeypatch.setattr("cqltui.supervisor.lock.keep_to_ourselves", swap, raising=False)
    with pytest.raises(InputError, match=f"{run_dir.path / name}: (is a link|belongs to another user)"):
        RunLock(run_dir)
    assert not list(elsewhere.iterdir())


@as_root
def test_an_attempt_writes_in_no_folder_of_another_user(reachable: Path) -> None:
    run_dir = open_run(reachable)
    os.chown(run_dir.run("a1", 2), THEIRS, THEIRS)
    with pytest.raises(PermissionError, match=rf"run-2 belongs to another user \(uid {THEIRS}\); remove it"):
        within(run_dir, run_dir.attempt("a1", 2, "1-7"))
