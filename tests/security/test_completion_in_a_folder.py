"""A folder with a program of our name: whoever presses Tab behind ./cqltui there does not start it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cqltui.cli import main

PROGRAM = Path(sys.executable).with_name("cqltui")
PRESS_TAB = r"""
cd "$1"
eval "$2"
found=$(complete -p cqltui) || exit
found=${found##*-F }
COMP_LINE='./cqltui st' COMP_POINT=11 COMP_TYPE=9 COMP_CWORD=1
COMP_WORDS=(./cqltui st)
"${found%% *}" ./cqltui st ./cqltui
printf '%s\n' "${COMPREPLY[@]}"
"""
"""As bash does: it looks for the completions of a program by the last part of its path."""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize("name", ["bin", "my $(touch marker) 'own\" programs"])
def test_the_program_of_a_folder_is_not_asked(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    for folder, command in ((hostile, "touch marker"), (tmp_path / name, f"exec {PROGRAM}")):
        folder.mkdir(exist_ok=True)
        (folder / "cqltui").write_text(f"#!/bin/sh\n{command}\n")
        (folder / "cqltui").chmod(0o755)
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path / name))
    assert main(["completion", "bash"]) == 0
    code = capsys.readouterr().out
    done = subprocess.run(
        ["bash", "-c", PRESS_TAB, "bash", str(hostile), code], capture_output=True, text=True, timeout=60, check=True
    )
    assert not (hostile / "marker").exists()
    assert done.stdout.split() == ["status", "stop"]
