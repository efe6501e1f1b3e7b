"""One thread for calls that may block: commands to a slow server, reading a log."""

import time
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from cqltui.errors import CqltuiError

T = TypeVar("T")


class Background:
    """Runs calls one after the other, in the order given. `post` brings an answer back to the screen's thread.
    `give_way` waits, before each call, while something else goes first; it is told the time."""

    def __init__(
        self,
        name: str,
        post: Callable[[Callable[[], None]], object],
        died: Callable[[Exception], object],
        give_way: Callable[[float], object] = lambda _: None,
    ) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._post, self._died, self._give_way = post, died, give_way
        # A daemon: a call that hangs must not keep the program from ending.
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """End after the calls already given."""
        self._jobs.put(None)

    def call(self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[CqltuiError], None]) -> None:
        """Run `work` in the thread, then `done` or `failed` in the screen's. Other errors than ours end the screen."""

        def job() -> None:
            try:
                result = work()
            except CqltuiError as error:
                self._post(partial(failed, error))
            else:
                self._post(partial(done, result))

        self._jobs.put(job)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._give_way(time.monotonic())
            try:
                job()
            except Exception as error:
                self._died(error)
                return
