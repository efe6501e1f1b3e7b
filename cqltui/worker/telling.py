"""How often a worker tells how its tasks do, and how much of it: whoever reads takes in what all workers tell."""

import time
from collections.abc import Callable, Mapping, Sequence

from cqltui.broker.protocol.records import Directive
from cqltui.state.live import MANY_WORKERS
from cqltui.worker.attempt import Attempt
from cqltui.worker.link import Link

PROGRESS_INTERVAL_S = 0.4
MANY_SHORTEST_S, MANY_LONGEST_S, MANY_A_SECOND = 2.0, 5.0, 200
"""Between two messages of a worker of many, and how many come in a second from all of them."""


def telling_interval_s(workers: int) -> float:
    """Return the seconds between two messages of one of so many workers."""
    if workers <= MANY_WORKERS:
        return PROGRESS_INTERVAL_S
    return min(max(workers / MANY_A_SECOND, MANY_SHORTEST_S), MANY_LONGEST_S)


class Telling:
    """What one session tells: the more workers there are, the less often, and then curves that somebody looks at."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._next = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time to tell."""
        return time.monotonic() >= self._next

    def tell(
        self, attempts: Sequence[Attempt], step: Callable[[Attempt], int], figures: Mapping[str, float]
    ) -> Mapping[str, Directive]:
        """Tell how the tasks and the worker do; what is asked of each task. `step`: the training steps of one."""
        few = self._link.workers <= MANY_WORKERS
        members = [each.progress(step(each), curve=few or each.id in self._link.looked) for each in attempts]
        said = self._link.progress(members, figures)
        self._next = time.monotonic() + telling_interval_s(self._link.workers)
        return said
