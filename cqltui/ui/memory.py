"""What the screen keeps from one start to the next, while it is open."""

from collections.abc import Callable
from threading import Event, Lock

from cqltui.ui.background import Background
from cqltui.ui.remembered import Remembered

REST_S = 0.5
"""After a change, before it is written: not beside the answer to the key that made it, and others may follow."""


class Memory:
    """Holds what is remembered, and has each change written in the background; several in a row are written once.

    `keep` writes it, and may block; that it could not be written is its own matter.
    """

    def __init__(
        self, remembered: Remembered, keep: Callable[[Remembered], None], died: Callable[[Exception], object]
    ) -> None:
        self._now, self._kept = remembered, remembered
        self._keep = keep
        self._lock = Lock()
        self._hurry = Event()
        """Whether somebody waits for it to be written."""
        self._written = Event()
        self._written.set()
        self._background = Background("memory", lambda then: then(), died)

    @property
    def now(self) -> Remembered:
        """What is remembered."""
        return self._now

    def put(self, remembered: Remembered) -> None:
        """Remember this from now on."""
        with self._lock:
            if remembered == self._now:
                return
            self._now = remembered
            idle = self._written.is_set()
            self._written.clear()
        if idle:
            self._background.call(self._write, lambda _: None, lambda _: None)

    def _write(self) -> None:
        while True:
            self._hurry.wait(REST_S)
            with self._lock:
                now = self._now
                if now == self._kept:
                    self._written.set()
                    return
            self._keep(now)
            self._kept = now

    def start(self) -> None:
        """Begin to write."""
        self._background.start()

    def stop(self) -> None:
        """End after what is under way."""
        self._hurry.set()
        self._background.stop()

    def settled(self, timeout_s: float) -> bool:
        """Have all written at once, wait for that so long at most, and return whether it is."""
        self._hurry.set()
        return self._written.wait(timeout_s)
