"""A program in a real pseudo-terminal, its screen read by a terminal emulator."""

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
from collections.abc import Callable, Mapping
from pathlib import Path

import pyte

COLUMNS, ROWS = 160, 48
LIMIT_S = 120.0
PIECES, TOGETHER_S = 20, 0.03
"""What comes so soon after each other is looked at once: the emulator takes milliseconds to say what it shows."""
PRIVATE = re.compile(rb"\x1b\[[<>=?][0-9;]*[uq]")
"""Keyboard protocol requests, which pyte would print."""


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(
        self, argv: list[str], cwd: Path, extra: Mapping[str, str] | None = None, stdout: int | None = None
    ) -> None:
        """`extra`: variables of its environment beside ours; `stdout`: where its standard output goes instead."""
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.output = b""
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._text, self._is_old = "", True
        self.resize(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self.screen)
        wanted = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        unwanted = ("COLUMNS", "LINES", "NO_COLOR", "REDIS_URL", "CQLTUI_REDIS_URL", "PYTEST_CURRENT_TEST")
        environment = {k: v for k, v in os.environ.items() if k not in unwanted and not k.startswith("TEXTUAL")}
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=environment | wanted | dict(extra or {}),
            stdin=self.slave,
            stdout=self.slave if stdout is None else stdout,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=_control,
        )

    def resize(self, columns: int, rows: int) -> None:
        """Make the window another size."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)
        self._is_old = True

    def close(self) -> None:
        """End the program, if need be, and close both ends."""
        self.process.kill()
        self.process.wait()
        for descriptor in (self.master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)

    def hang_up(self) -> None:
        """Close the window."""
        os.close(self.master)
        self.master = -1

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.master, keys.encode())

    def text(self) -> str:
        """What the screen shows."""
        if self._is_old:
            self._text, self._is_old = "\n".join(self.screen.display), False
        return self._text

    def wait(self, shown: Callable[[str], object], what: str) -> str:
        """Read until the screen shows it."""
        deadline = time.monotonic() + LIMIT_S
        while not shown(self.text()):
            assert time.monotonic() < deadline, f"not seen in {LIMIT_S:.0f} s: {what}\n{self.text()}"
            self.read(0.1)
            for _ in range(PIECES):
                if not select.select([self.master], [], [], TOGETHER_S)[0]:
                    break
                self.read(0)
        return self.text()

    def told(self, words: str, since: int) -> bool:
        """Whether words were drawn since `output` was so long: a message goes after seconds, which may be before it is
        looked at."""
        return words.encode() in self.output[since:]

    def read(self, timeout_s: float) -> None:
        """Take what the program has written."""
        if select.select([self.master], [], [], timeout_s)[0]:
            data = os.read(self.master, 65536)
            self.output += data
            self._stream.feed(PRIVATE.sub(b"", data))
            self._is_old = True

    def takes_nothing(self) -> bool:
        """Whether so much was written that nobody has read that whoever writes more waits, and not for a moment."""
        for _ in range(3):
            unread = int.from_bytes(fcntl.ioctl(self.master, termios.FIONREAD, bytes(4)), sys.byteorder)
            if not unread or select.select([], [self.slave], [], 0)[1]:
                return False
            time.sleep(0.1)
        return True

    def wait_end(self) -> int:
        """Read until the program has ended; its exit code."""
        deadline = time.monotonic() + LIMIT_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end\n{self.text()}"
            self.read(0.1)
        while select.select([self.master], [], [], 0)[0]:
            self.read(0)
        return self.process.returncode


def _control() -> None:
    """Make it the terminal of the new session, as a window's is: the kernel signals its end."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
