"""Processes of ours import installed code, whatever lies in the folder where the user has started the command."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from cqltui.app import devices
from cqltui.app.measuring import answers
from cqltui.child import PYTHON, words_of

ROOT = Path(__file__).parents[2]
OF_THE_USER = ("trainer", "redis", "queue", "torch", "numpy", "pathlib", "typing")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with files that have the names of modules."""
    for name in OF_THE_USER:
        (tmp_path / f"{name}.py").write_text('raise SystemExit("this file is the user\'s")\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_place_says_how_a_python_of_ours_is_started() -> None:
    """So the tests below hold for the others too."""
    said = [
        str(path.relative_to(ROOT))
        for package in ("cqltui", "trainer")
        for path in sorted((ROOT / package).rglob("*.py"))
        if re.search(r"\[\s*sys\.executable|\bsys\.executable,", path.read_text("utf-8"))
    ]
    assert said == ["cqltui/child.py", "trainer/speed.py"], "the trainer knows nothing of cqltui"
    assert '[sys.executable, "-P", "-m", "trainer.speed"]' in (ROOT / "trainer" / "speed.py").read_text("utf-8")
    assert (sys.executable, "-P") == PYTHON


def test_a_devices_probe_and_a_measurement_among_the_users_files(folder: Path) -> None:
    version, found = devices.probe()
    assert (version.split("+")[0], found[-1].name) == (metadata.version("torch").split("+")[0], "cpu")
    assert found[-1].memory_bytes is not None
    assert found[-1].memory_bytes > 2**28
    assert list(answers([], "cpu", 0.1)) == []


@pytest.mark.parametrize("start", [("-m", "cqltui"), ("-P", "-m", "cqltui")])
def test_the_command_itself_among_the_users_files(folder: Path, start: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, *start, "plan", str(ROOT / "campaigns" / "quick.toml"), "--device", "cpu"])
    assert done.returncode == 0


CLI = """
import subprocess, sys
def main():
    return subprocess.run([sys.executable, "-P", "-c", "import cqltui; print(cqltui.__file__)"]).returncode
"""


def test_a_checkout_that_is_not_installed_is_found_by_its_children(tmp_path: Path) -> None:
    package = tmp_path / "cqltui"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_bytes((ROOT / "cqltui" / "__main__.py").read_bytes())
    (package / "cli.py").write_text(CLI)
    said = subprocess.check_output([sys.executable, "-m", "cqltui"], cwd=tmp_path, text=True)
    assert said.strip() == str(package / "__init__.py")


def test_a_worker_of_an_earlier_version_is_known_by_its_command_line() -> None:
    worker = ["-m", "cqltui", "worker", "--worker-id", "w1"]
    assert words_of([*PYTHON, *worker]) == worker
    assert words_of(["/usr/bin/python3", *worker]) == worker
    assert words_of([]) == []
