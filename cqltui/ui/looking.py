"""Which of the running tasks are seen, told now and then: of many workers each brings the curves of these alone."""

from collections.abc import Iterable
from functools import partial
from itertools import islice
from math import inf

from cqltui.state.live import MANY_WORKERS
from cqltui.state.model import RunState, Status
from cqltui.ui.background import Background
from cqltui.ui.ports import Requests

AGAIN_S = 10.0
"""What was said counts for three times as long."""
MOST = 500
"""Tasks that fit on a screen."""


class Looking:
    """Tells it in the background, one call at a time. One that fails is no news: it is said again."""

    def __init__(self, requests: Requests, background: Background) -> None:
        self._requests, self._background = requests, background
        self._said: frozenset[str] = frozenset()
        self._said_ts = -inf
        self.busy = False
        """Whether it is being told."""

    def look(self, state: RunState, ids: Iterable[str], now: float) -> None:
        """Tell of those of the tasks that run, if it matters, and they are others or it is time to say it again."""
        if self.busy or not state.online or sum(not w.stopped for w in state.workers.values()) <= MANY_WORKERS:
            return
        found = (task for task_id in islice(ids, MOST) if (task := state.tasks.get(task_id)) is not None)
        seen = frozenset(task.id for task in found if task.status is Status.RUNNING)
        if seen <= self._said and (not seen or abs(now - self._said_ts) < AGAIN_S):
            return
        self._said, self._said_ts, self.busy = seen, now, True
        self._background.call(partial(self._requests.look_at, sorted(seen)), self._told, self._told)

    def _told(self, _: object) -> None:
        self.busy = False
