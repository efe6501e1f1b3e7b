"""A screen on a disturbed run, whose output somebody takes."""

import sys
import threading
import time
from contextlib import suppress

from tests.integration.place import Place
from tests.integration.terminal import Terminal


class Screen:
    """`cqltui attach` in a terminal, whose output somebody takes."""

    def __init__(self, place: Place) -> None:
        argv = [sys.executable, "-X", "faulthandler", "-m", "cqltui", "attach", "--run-dir", str(place.run_dir.path)]
        extra = dict(place.environment) | ({"REDIS_URL": place.url} if place.url else {})
        self.terminal = Terminal(argv, place.folder, extra)
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self.terminal.process.pid

    @property
    def code(self) -> int | None:
        """The exit code, None while it goes on."""
        return self.terminal.process.poll()

    def text(self) -> str:
        """What the screen shows."""
        with self._lock:
            return self.terminal.text()

    def close(self) -> None:
        """End it, if need be."""
        self._closed = True
        self._thread.join()
        self.terminal.close()

    def _drain(self) -> None:
        while not self._closed:
            with suppress(OSError), self._lock:  # OSError: the other end is closed
                self.terminal.read(0.02)
            time.sleep(0.02)
