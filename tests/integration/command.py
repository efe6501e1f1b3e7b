"""`cqltui ...` as a process of its own."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PATIENCE_S = 90.0
"""For whatever is waited for, on a machine that has other work to do too."""


class Command:
    """`cqltui ...` as a process of its own, its output in files."""

    def __init__(self, folder: Path, output: Path, arguments: tuple[str, ...], env: Mapping[str, str]) -> None:
        """`output`: the files' path, without their suffixes."""
        self._arguments = arguments
        self._out, self._err = output.with_suffix(".out"), output.with_suffix(".err")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "cqltui", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=folder,
                env=env,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id."""
        return self._child.pid

    @property
    def out(self) -> str:
        """Standard output so far."""
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        """Standard error so far."""
        return self._err.read_text(encoding="utf-8")

    @property
    def code(self) -> int | None:
        """The exit code, None while it goes on."""
        return self._child.poll()

    def send(self, number: int) -> None:
        """Send it a signal."""
        self._child.send_signal(number)

    def kill(self) -> None:
        """End it at once, and collect it."""
        self._child.kill()
        self._child.wait(PATIENCE_S)

    def ends(self, code: int, limit_s: float = PATIENCE_S) -> "Command":
        """Wait for the end and expect its exit code."""
        try:
            found = self._child.wait(limit_s)
        except subprocess.TimeoutExpired:
            pytest.fail(f"cqltui {self._arguments} goes on after {limit_s} s:\n{self.err[-3000:]}")
        assert found == code, (
            f"cqltui {self._arguments} exits {found}, not {code}:\n{self.out[-500:]}{self.err[-3000:]}"
        )
        return self
