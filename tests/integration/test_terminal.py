"""The whole program in a real pseudo-terminal, its screen read by a terminal emulator."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyte
import pytest

QUICK = Path(__file__).parents[2] / "campaigns" / "quick.toml"
COLUMNS, ROWS = 160, 48
LIMIT_S = 60.0
PRIVATE = re.compile(rb"\x1b\[[<>=?][0-9;]*[uq]")
"""Keyboard protocol requests, which pyte would print."""


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, argv: list[str], cwd: Path) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.output = b""
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self.screen)
        wanted = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        unwanted = ("NO_COLOR", "REDIS_URL", "CQLTUI_REDIS_URL", "PYTEST_CURRENT_TEST")
        environment = {k: v for k, v in os.environ.items() if k not in unwanted and not k.startswith("TEXTUAL")}
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=environment | wanted,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
        )

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.master, keys.encode())

    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(self.screen.display)

    def wait(self, shown: Callable[[str], object], what: str) -> str:
        """Read until the screen shows it."""
        deadline = time.monotonic() + LIMIT_S
        while not shown(self.text()):
            assert time.monotonic() < deadline, f"not seen in {LIMIT_S:.0f} s: {what}\n{self.text()}"
            self.read(0.1)
        return self.text()

    def read(self, timeout_s: float) -> None:
        """Take what the program has written."""
        if select.select([self.master], [], [], timeout_s)[0]:
            data = os.read(self.master, 65536)
            self.output += data
            self._stream.feed(PRIVATE.sub(b"", data))

    def wait_end(self) -> int:
        """Read until the program has ended; its exit code."""
        deadline = time.monotonic() + LIMIT_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end\n{self.text()}"
            self.read(0.1)
        while select.select([self.master], [], [], 0)[0]:
            self.read(0)
        return self.process.returncode


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """`cqltui quick.toml` in a terminal; nothing of it is left behind."""
    found = Terminal([sys.executable, "-m", "cqltui", str(QUICK), "--device", "cpu"], tmp_path)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()
        for descriptor in (found.master, found.slave):
            os.close(descriptor)
        for process in psutil.process_iter(["cmdline", "cwd"]):
            said = " ".join(process.info["cmdline"] or [])
            if str(tmp_path) in said or str(tmp_path) in str(process.info["cwd"]):
                process.kill()


def header(screen: str) -> str:
    """The first lines."""
    return "\n".join(screen.splitlines()[:3])


def running(screen: str) -> bool:
    """Whether a task is shown as running."""
    return "R running" in screen


def test_start_pause_resume_and_stop(terminal: Terminal, tmp_path: Path) -> None:
    terminal.wait(running, "a running task")
    assert "Quick campaign" in header(terminal.text())
    terminal.press("P")
    terminal.wait(lambda screen: "paused" in header(screen) and not running(screen), "a paused campaign")
    terminal.press("P")
    terminal.wait(lambda screen: "running" in header(screen) and running(screen), "a campaign that goes on")
    terminal.press("q")
    terminal.wait(lambda screen: "Stop: checkpoint" in screen, "the dialog")
    terminal.press("s")
    assert terminal.wait_end() == 4
    left_as_it_was(terminal)
    assert "goes on where it stopped" in terminal.text()
    assert not (tmp_path / "runs" / "quick" / "supervisor.json").exists()  # it has left
    assert (tmp_path / "runs" / "quick" / "results" / "phase1_quality_results.csv").is_file()


def test_a_terminated_screen_leaves_the_terminal_as_it_was_and_the_run_going_on(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.wait(running, "a running task")
    terminal.process.terminate()
    assert terminal.wait_end() == 0
    left_as_it_was(terminal)
    assert "cqltui attach" in terminal.text()
    stop = [sys.executable, "-m", "cqltui", "stop"]
    ended = subprocess.run(stop, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert ended.returncode == 0, ended.stderr
    assert not (tmp_path / "runs" / "quick" / "supervisor.json").exists()


def left_as_it_was(terminal: Terminal) -> None:
    """No alternate screen, no mouse, a cursor, and the line discipline of before."""
    assert termios.tcgetattr(terminal.slave) == terminal.before
    for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?1000h", b"\x1b[?1000l"), (b"\x1b[?25l", b"\x1b[?25h")):
        assert terminal.output.rfind(off) > terminal.output.rfind(on) >= 0
