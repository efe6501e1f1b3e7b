"""A folder that somebody else has prepared: a command given there, or a campaign read there, starts nothing of it, and
what holds a secret goes to those children alone that need it."""

import ast
import os
import subprocess
from pathlib import Path

import pytest

from cqltui.app import options
from cqltui.broker.server import launch
from cqltui.child import clean_environment, find_program, tool_environment
from cqltui.errors import ServerError
from cqltui.placement import process
from cqltui.placement.process import Launcher
from cqltui.supervisor import repository

ROOT = Path(__file__).parents[2]
URL = "redis://:marker@192.0.2.1:6379/0"
SECRETS = {"REDIS_URL": URL, "CQLTUI_REDIS_URL": URL, "DB_PASSWORD": "marker", "CI_TOKEN": "marker", "X": URL}


def program(path: Path, line: str) -> Path:
    """A shell script of one line."""
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="ascii")
    path.chmod(0o755)
    return path


def prepared(folder: Path) -> str:
    """Make a repository whose settings name programs for all occasions; its commit."""
    git = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e"]
    marking = program(folder / "marking", 'env > "$(dirname "$0")/marker"; cat')
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    names = "core.fsmonitor core.pager diff.external filter.x.clean core.sshCommand diff.x.textconv core.editor"
    for name in names.split():
        subprocess.run([*git, "config", name, str(marking)], check=True)
    (folder / ".gitattributes").write_text("* filter=x diff=x\n", encoding="ascii")
    (folder / "marking").touch()  # looks changed: to find out, git would filter it
    return subprocess.check_output([*git, "-c", "core.fsmonitor=", "rev-parse", "HEAD"], text=True).strip()


def test_a_repositorys_settings_start_no_program(tmp_path: Path) -> None:
    commit = prepared(tmp_path)
    assert repository.git_commit(tmp_path) == commit
    assert repository.is_dirty(tmp_path) is False
    assert not (tmp_path / "marker").exists()


def test_git_gets_no_secret_and_nothing_of_the_users_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "git", f'env > "{tmp_path}/marker"; echo {"a" * 40}')
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_DIR", "marker")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert repository.git_commit(tmp_path) == "a" * 40
    seen = (tmp_path / "marker").read_text("utf-8")
    assert "marker" not in seen.replace(str(tmp_path), "")
    assert f"HOME={os.environ['HOME']}" in seen, "where the user says which folders git may trust"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_another_users_repository_is_gits_to_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "folder"
    folder.mkdir()
    commit = prepared(folder)
    for path in (folder, folder / ".git"):
        os.chown(path, 12345, 12345)
    assert repository.git_commit(folder) is None
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text(f"[safe]\ndirectory = {folder}\n", encoding="utf-8")
    assert repository.git_commit(folder) == commit


def test_what_git_says_is_a_commit_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "git", "printf '=cmd()\\033[2J'")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert repository.git_commit(tmp_path) is None


def test_no_program_is_taken_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("git", "valkey-server", "redis-server"):
        program(tmp_path / name, f'touch "{tmp_path}/marker"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, "packaged_binary", lambda: None)
    for path in (".", "", f".{os.pathsep}", f"{os.pathsep}/nonexistent"):
        monkeypatch.setenv("PATH", path)
        assert find_program("git") is None
        assert repository.git_commit(tmp_path) is None
        with pytest.raises(ServerError, match="no server was found"):
            launch.find_binary()
    assert not (tmp_path / "marker").exists()


def test_secrets_are_told_by_name_and_by_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    for made in (clean_environment(), tool_environment(), launch.environment(), options.environment_with(None)):
        assert not made.keys() & SECRETS.keys()
        assert made["PATH"] == os.environ["PATH"]
    assert clean_environment()["CUDA_VISIBLE_DEVICES"] == "1"
    assert clean_environment()["TOKENIZERS_PARALLELISM"] == "false"
    assert tool_environment({"A": "b"})["A"] == "b"
    assert options.environment_with(URL).keys() & SECRETS.keys() == {"CQLTUI_REDIS_URL"}, "who needs it gets it"


def test_a_worker_gets_the_servers_password_only_if_it_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    showing = program(tmp_path / "showing", f'env > "{tmp_path}/$CASE"')
    monkeypatch.setattr(process, "PYTHON", (str(showing),))
    for case, environment in (("embedded", {}), ("own", {"CQLTUI_REDIS_URL": URL})):
        started = Launcher((), environment, tmp_path / "logs").start("w1", {"CASE": case})
        assert started.child is not None
        assert started.child.wait(90) == 0
    assert "marker" not in (tmp_path / "embedded").read_text("utf-8")
    assert f"CQLTUI_REDIS_URL={URL}" in (tmp_path / "own").read_text("utf-8")


def starts(path: Path) -> list[ast.Call]:
    """The calls of a file that start a process."""
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return [call for call in calls if ast.unparse(call.func) in ("subprocess.run", "subprocess.Popen")]


def test_every_child_is_given_an_environment_that_was_chosen_for_it() -> None:
    files = [path for package in ("cqltui", "trainer") for path in sorted((ROOT / package).rglob("*.py"))]
    found = {path.relative_to(ROOT): [ast.unparse(call) for call in starts(path)] for path in files}
    plain = [str(path) for path, calls in found.items() for call in calls if "env=" not in call or "os.environ" in call]
    assert plain == ["trainer/speed.py"], "which is started by the self test, whose own environment is a clean one"
    assert sum(map(len, found.values())) > 8
