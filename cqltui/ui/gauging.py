"""Measures in the background, now and then, while the screen is open."""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from cqltui.errors import CqltuiError
from cqltui.identity import ProcessIdentity
from cqltui.state import hardware
from cqltui.state.gauges import MOST, Gauge, Sample, joined
from cqltui.state.live import live_workers
from cqltui.state.model import RunState
from cqltui.ui.background import Background
from cqltui.ui.frame import as_of

EVERY_S = 2.0

Measure = Callable[[Sequence[ProcessIdentity]], Gauge]
Speeds = Callable[[], tuple[Sample, ...]]


class Gauging:
    """The samples so far: those of the run's history, then one every two seconds."""

    def __init__(self, measure: Measure | None, speeds: Speeds, background: Background) -> None:
        """`measure`: None where nothing is measured."""
        self._measure, self._speeds, self._background = measure, speeds, background
        self._kept: deque[Sample] = deque(maxlen=MOST)
        self._old: tuple[Sample, ...] | None = None
        self._looked_ts: float | None = None
        self.busy = False
        """Whether something is being measured."""
        self.samples: tuple[Sample, ...] = ()
        """In order; the same object while there is nothing new."""

    def look(self, state: RunState, now: float) -> None:
        """Measure, if it is time, once it is known whose workers there are."""
        due = self._looked_ts is None or abs(now - self._looked_ts) >= EVERY_S - 0.1
        known = state.tasks or state.workers
        if self._measure is None or self.busy or not due or not known:
            return
        self._looked_ts, self.busy = now, True
        self._background.call(partial(self._sample, self._measure, state, now), self._add, self._failed)

    def _sample(self, measure: Measure, state: RunState, now: float) -> Sample:
        if self._old is None:
            self._old = self._speeds()
        workers = live_workers(state, as_of(state, now))
        gauge = measure([worker.process for worker in workers])
        if not state.online or not workers:
            return Sample(now, gauge=gauge)
        speed = hardware.speed(state, now)
        held = sum(worker.memory_bytes for worker in workers)
        return Sample(now, speed.samples_per_s, speed.flops_per_s, held, gauge)

    def _add(self, sample: Sample) -> None:
        self.busy = False
        self._kept.append(sample)
        self.samples = joined(self._old or (), tuple(self._kept))

    def _failed(self, error: CqltuiError) -> None:
        self.busy = False
