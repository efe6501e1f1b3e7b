"""What a shell is told of how a line may go on: asked as argcomplete's shell code asks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import to_builtins

from cqltui import cli
from cqltui.commands import completion
from cqltui.results.rundir import RunDir, write_json
from cqltui.state.model import Lifecycle, TaskInfo


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a run of two tasks, and a campaign file."""
    run_dir = RunDir(tmp_path / "runs" / "night")
    for task_id in ("1a2b", "1a3c"):
        (run_dir.tasks / task_id).mkdir(parents=True)
        info, life = TaskInfo(task_id, "p"), Lifecycle()
        write_json(run_dir.task_json(task_id), {"info": to_builtins(info), "life": to_builtins(life)})
    write_json(run_dir.campaign_json, {"campaign": {"name": "night"}})
    (tmp_path / "mine.toml").touch()
    return tmp_path


def said(folder: Path, line: str) -> list[str]:
    """The continuations of the line's last word."""
    asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    out = folder / "out"
    environment = os.environ | asked | {"_ARGCOMPLETE_STDOUT_FILENAME": str(out)}
    command = [sys.executable, "-m", "cqltui"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == ""
    return sorted(word.strip() for word in out.read_text(encoding="utf-8").split("\n"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cqltui res", ["resubmit", "resume"]),
        ("cqltui status --run-dir n", ["night"]),
        ("cqltui status n", ["night"]),
        ("cqltui predict n", ["night"]),
        ("cqltui pause 1a", ["1a2b", "1a3c"]),
        ("cqltui priority 7 1a3", ["1a3c"]),
        ("cqltui ledger show --run n", ["night"]),
        ("cqltui completion f", ["fish"]),
        ("cqltui mine.toml --no", ["--no-report", "--no-ui"]),
        ("cqltui status --ta", ["--tasks"]),
        ("cqltui pause 'un", [""]),
    ],
)
def test_a_line_goes_on(folder: Path, line: str, expected: list[str]) -> None:
    assert said(folder, line) == expected


def test_no_document_of_a_run_is_read_for_it(folder: Path) -> None:
    for path in (folder / "runs" / "night" / "tasks").glob("*/task.json"):
        path.write_text("[" * 1_000_000, encoding="utf-8")
    assert said(folder, "cqltui pause 1a") == ["1a2b", "1a3c"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_code_of_each_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    told = capsys.readouterr().out
    assert str(completion._program()) in told
    assert completion._PLACE not in told.replace(f"_python_argcomplete_{completion._PLACE}", "")
