"""Reading what is looked at, a log or a file, in the background and no more often than is of use."""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from cqltui.errors import CqltuiError
from cqltui.ui.background import Background

PERIOD_S = 1.0
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Reading(Generic[K, V]):
    """Calls `read` in the background for what is followed: one call at a time; the newest wish wins."""

    def __init__(self, read: Callable[[K], V], background: Background, period_s: float = PERIOD_S) -> None:
        """`period_s`: after so many seconds the same thing is read again, if it has changed."""
        self._read, self._background, self._period_s = read, background, period_s
        self._wish: Callable[[], None] | None = None
        self._key: K | None = None
        self._stamp: object = None
        self._read_ts = 0.0
        self.busy = False
        """Whether a reading is under way."""

    def follow(
        self,
        key: K,
        stamp: object,
        now: float,
        show: Callable[[V], None],
        failed: Callable[[CqltuiError], None],
    ) -> None:
        """Read `key` if it is another one than the last, or if its `stamp` has changed and the period is over.

        Else do nothing. `show` or `failed` is called on the screen's thread.
        """
        if self.busy:
            self._wish = partial(self.follow, key, stamp, now, show, failed)
            return
        due = stamp is not self._stamp and abs(now - self._read_ts) >= self._period_s
        if key == self._key and not due:
            return
        self._key, self._stamp, self._read_ts = key, stamp, now
        self.busy = True
        self._background.call(partial(self._read, key), partial(self._end, show), partial(self._end, failed))

    def forget(self) -> None:
        """Read whatever is followed next, though it be the last again: who was shown that is gone."""
        self._key = self._wish = None

    def _end(self, tell: Callable[[V], None] | Callable[[CqltuiError], None], found: object) -> None:
        self.busy = False
        tell(found)  # type: ignore[arg-type]
        wish, self._wish = self._wish, None
        if wish is not None:
            wish()
