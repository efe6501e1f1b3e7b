"""`cqltui ...` as a process of its own."""

import os
import select
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import pytest

PATIENCE_S = 90.0
"""For whatever is waited for, on a machine that has other work to do too."""
LISTEN_S = 0.1


class Command:
    """`cqltui ...` as a process of its own, its output in files."""

    def __init__(
        self, folder: Path, output: Path, arguments: tuple[str, ...], env: Mapping[str, str], *, piped: bool = False
    ) -> None:
        """`output`: the files' path, without their suffixes. `piped`: what it writes comes there through pipes, as with
        `| tee`; `deafen` closes them."""
        self._arguments = arguments
        self._deaf = threading.Event()
        self._out, self._err = output.with_suffix(".out"), output.with_suffix(".err")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "cqltui", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else out,
                stderr=subprocess.PIPE if piped else err,
                cwd=folder,
                env=env,
                start_new_session=True,
            )
        streams = ((self._child.stdout, self._out), (self._child.stderr, self._err)) if piped else ()
        self._listeners = [threading.Thread(target=self._listen, args=stream, daemon=True) for stream in streams]
        for listener in self._listeners:
            listener.start()

    def _listen(self, pipe: IO[bytes], path: Path) -> None:
        with pipe, path.open("ab", buffering=0) as file:
            while not self._deaf.is_set():
                if select.select([pipe], [], [], LISTEN_S)[0]:
                    data = os.read(pipe.fileno(), 1 << 16)
                    if not data:
                        return
                    file.write(data)

    def deafen(self) -> None:
        """Close what it writes to."""
        self._deaf.set()
        for listener in self._listeners:
            listener.join()

    @property
    def is_deaf(self) -> bool:
        """Whether what it writes is lost."""
        return self._deaf.is_set()

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
        """The exit code, None while it goes on; once it is there, all output is."""
        code = self._child.poll()
        if code is not None:
            for listener in self._listeners:
                listener.join(PATIENCE_S)
        return code

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
