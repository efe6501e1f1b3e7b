"""When everything ends: of a few tasks computed at once, of many beside the screen's own thread, since ten thousand
take a tenth of a second."""

import time
from collections.abc import Callable
from functools import partial

from cqltui.errors import CqltuiError
from cqltui.state.eta import NOTHING, Estimate, estimate
from cqltui.state.model import RunState
from cqltui.ui.background import Background

FEW = 300
"""Tasks whose estimate costs no more than a draw."""
SHARE = 0.02
"""Of a core, at most, for the estimates of many."""
NAP_S = 0.0002
"""Between two parts of an estimate: else a thread that wakes up waits for the interpreter until Python's switch
interval is over, 5 ms."""
SECOND_S, SILENT_S = 1.0, 5.0
"""How often an estimate is made anew while tasks report, and while nothing at all is told."""


class Estimating:
    """Keeps `newest` at the newest estimate that was asked for."""

    def __init__(
        self,
        background: Background,
        changed: Callable[[], object],
        give_way: Callable[[float], object] = lambda _: None,
    ) -> None:
        """Call `changed` on the screen's thread when one has been made in the background. `give_way` waits there while
        something else goes first; it is told when the estimate was begun."""
        self._background, self._changed, self._give_way = background, changed, give_way
        self._made_for: object = None
        self._made_at = 0.0
        self._made_of: RunState | None = None
        """The state of a few tasks that it was made of last; old states of many take memory."""
        self._rest_until_s = 0.0
        self.newest: Estimate = NOTHING
        self.busy = False
        """Whether one is being made."""

    def ask(self, state: RunState, now: float) -> Estimate:
        """Return the newest estimate; have another one made as of `now` where the run or a task has changed its state
        since, or time has passed. While one is being made, or was just now, nothing is begun: ask again."""
        every_s = SILENT_S if state is self._made_of else SECOND_S
        key = (state.epoch, state.seq, len(state.tasks), state.page, state.online, state.finished_ts)
        same = key == self._made_for and int(now / every_s) == int(self._made_at / every_s)
        if same or self.busy or time.monotonic() < self._rest_until_s:
            return self.newest
        self._made_for, self._made_at, self._made_of = key, now, None
        if len(state.tasks) <= FEW and state.page is None:
            self.newest, self._made_of = estimate(state, now), state
        else:
            self.busy = True
            self._background.call(partial(_timed, state, now, self._give_way), self._take, _fail)
        return self.newest

    def _take(self, made: tuple[Estimate, float]) -> None:
        self.newest, cost_s = made
        self.busy = False
        self._rest_until_s = time.monotonic() + cost_s * (1 / SHARE - 1)
        self._changed()


def _timed(state: RunState, now: float, give_way: Callable[[float], object]) -> tuple[Estimate, float]:
    """Return the estimate, and the processor's seconds that it took."""
    began_s, worked_s = time.monotonic(), time.thread_time()

    def between() -> None:
        time.sleep(NAP_S)
        give_way(began_s)

    return estimate(state, now, between), time.thread_time() - worked_s


def _fail(error: CqltuiError) -> None:
    raise error  # an estimate asks nobody outside: it is a fault of ours
