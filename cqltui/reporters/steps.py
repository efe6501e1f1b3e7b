"""What a command does while it takes long, on standard error: a bar on a terminal, else a line a step. What ends soon
says nothing."""

import importlib
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress

AFTER_S = 2.0


class Step(Protocol):
    """Takes in what is being done now."""

    def __call__(self, what: str, done: int = 0, total: int = 0) -> None:
        """`done` of `total` parts of it, where it has any."""


def silent(what: str, done: int = 0, total: int = 0) -> None:
    """Tell nobody."""


def once_long(tell: Callable[[str], None], after_s: float = AFTER_S) -> Step:
    """Return what tells each step once, from when it has taken so long."""
    tell_from_s, told = time.monotonic() + after_s, set[str]()

    def step(what: str, done: int = 0, total: int = 0) -> None:
        if what not in told and time.monotonic() >= tell_from_s:
            told.add(what)
            tell(what)

    return step


class Steps:
    """Tells each step while it is open, once it has been open for a while."""

    def __init__(self, after_s: float = AFTER_S) -> None:
        self._lock = threading.RLock()
        self._timer = threading.Timer(after_s, self._begin)
        self._timer.daemon = True
        self._step = ("", 0, 0)
        self._begun = self._ended = False
        self._bar: Progress | None = None

    def __enter__(self) -> "Steps":
        """Begin to count the time."""
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was."""
        self._timer.cancel()
        with self._lock:
            self._ended = True
            if self._bar is not None:
                self._bar.stop()

    def __call__(self, what: str, done: int = 0, total: int = 0) -> None:
        """As of `Step`."""
        with self._lock:
            is_other = what != self._step[0]
            self._step = (what, done, total)
            if self._begun and not self._ended:
                self._tell(is_other=is_other)

    def _begin(self) -> None:
        with self._lock:
            if self._ended:
                return
            self._begun = True
            console = Console(stderr=True)
            if console.is_terminal and not console.is_dumb_terminal:
                self._bar = _bar(console)
                self._bar.add_task("")
            self._tell(is_other=True)
            if self._bar is not None:
                self._bar.start()

    def _tell(self, *, is_other: bool) -> None:
        what, done, total = self._step
        if self._bar is not None:
            text = f"{what}, {done} of {total}" if total else what
            self._bar.update(self._bar.task_ids[0], description=text, completed=done, total=total or None)
        elif is_other and what:
            print(what, file=sys.stderr, flush=True)


def _bar(console: Console) -> "Progress":
    """Return a bar that leaves nothing behind. What it takes is loaded now: few commands take so long."""
    rich = importlib.import_module("rich.progress")
    columns = rich.TextColumn("{task.description}", markup=False), rich.BarColumn(), rich.TimeElapsedColumn()
    found: Progress = rich.Progress(*columns, console=console, transient=True)
    return found
