"""On Windows the first line says what to do, before anything is loaded that is not there."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AS_WINDOWS = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "termios", "tty", "pty", "resource", "grp", "pwd"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
for name in ("fcntl", "termios", "tty", "pty", "resource", "grp", "pwd"):
    sys.modules.pop(name, None)
sys.platform = "win32"
from cqltui.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("arguments", [("campaigns/quick.toml",), ("doctor",), ("--help",), ("nonsense",), ()])
def test_windows_is_refused_with_what_to_do(arguments: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-c", AS_WINDOWS, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    first, *others = done.stderr.splitlines()
    assert first.startswith("cqltui: Windows is not supported")
    assert "wsl --install" in first
    assert others == []
    assert done.stdout == ""
