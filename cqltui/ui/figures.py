"""The figures that a folded row shows of its tasks. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import inf, isfinite, sqrt
from operator import attrgetter
from statistics import fmean

from msgspec import Struct

from cqltui.state.eta import Estimate
from cqltui.state.model import Status, TaskState
from cqltui.state.select import duration_s
from cqltui.state.varying import value_key, value_text
from cqltui.ui.frame import Frame

ACTIVITY = (
    Status.RUNNING, Status.QUEUED, Status.DELAYED, Status.PAUSED,
    Status.DONE, Status.DEAD, Status.CANCELLED, Status.WITHDRAWN,
)  # fmt: skip
"""The order of states: what happens now comes first."""
PIECE = 128
"""Tasks that are summed up together."""


class Spread(Struct, frozen=True):
    """Of the values that are numbers."""

    number: int
    mean: float
    deviation: float | None
    """The sample's standard deviation; None of a single value."""


def spread_of(values: Iterable[float | None]) -> Spread | None:
    """Return the mean and the spread of the values; None if there are none."""
    known = [value for value in values if value is not None and isfinite(value)]
    if not known:
        return None
    mean = fmean(known)
    if len(known) < 2:
        return Spread(1, mean, None)
    if max(known) == min(known):  # the mean of equal values may differ from them in the last digit
        return Spread(len(known), known[0], 0.0)
    return Spread(len(known), mean, sqrt(sum((value - mean) ** 2 for value in known) / (len(known) - 1)))


class Figures(Struct, frozen=True):
    """What a folded row shows of its tasks."""

    members: tuple[TaskState, ...]
    first: TaskState
    """The first of them that runs, else the first: who stands for them."""
    states: tuple[tuple[Status, int], ...]
    """What happens now first."""
    epochs_done: int
    epochs_total: int
    loss: Spread | None
    validation: Spread | None
    best: Spread | None
    finish_ts: float | None
    """When the last of them ends or has ended; None if that is not known of one."""
    ended: bool
    duration_s: float | None
    """Of all of them together."""
    priorities: tuple[float, float]
    """The lowest and the highest."""
    attempts: int
    """The most."""
    workers: tuple[str, ...]

    @property
    def fraction(self) -> float:
        """How much of the work is done, 0 to 1."""
        return self.epochs_done / self.epochs_total if self.epochs_total else 0.0


class Sums:
    """The figures of one folded row, time and again. Of thousands of tasks few differ from one second to the next: they
    are summed up in pieces, and what a piece comes to is kept while its tasks stay as they are."""

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []

    def figures(self, tasks: Sequence[TaskState], frame: Frame) -> Figures:
        """Return the figures of at least one task."""
        known = iter(self._pieces)
        self._pieces = pieces = [
            _still(next(known, None), tasks[start : start + PIECE]) for start in range(0, len(tasks), PIECE)
        ]
        states = sum((piece.states for piece in pieces), Counter[Status]())
        took = [seconds for piece in pieces for seconds in piece.durations(frame.as_of)]
        runs = next((piece.runs for piece in pieces if piece.runs is not None), None)
        return Figures(
            members=tuple(tasks),
            first=runs or tasks[0],
            states=tuple((status, states[status]) for status in ACTIVITY if states[status]),
            epochs_done=sum(piece.epochs_done for piece in pieces),
            epochs_total=sum(piece.epochs_total for piece in pieces),
            loss=spread_of(value for piece in pieces for value in piece.losses),
            validation=spread_of(value for piece in pieces for value in piece.validations),
            best=spread_of(value for piece in pieces for value in piece.bests),
            finish_ts=_finish_ts(pieces, frame.estimate),
            ended=not any(piece.open for piece in pieces),
            duration_s=sum(took) if took else None,
            priorities=(min(piece.priorities[0] for piece in pieces), max(piece.priorities[1] for piece in pieces)),
            attempts=max(piece.attempts for piece in pieces),
            workers=tuple(sorted(set[str]().union(*(piece.workers for piece in pieces)))),
        )


class _Piece:
    """What some tasks come to, as they are. In one pass: each fetches all of them from memory."""

    def __init__(self, tasks: Sequence[TaskState]) -> None:
        self.tasks = tasks
        self.states: Counter[Status] = Counter()
        self.losses: list[float | None] = []
        self.validations: list[float | None] = []
        self.bests: list[float | None] = []
        self.workers: set[str] = set()
        self.attempts = self.epochs_done = self.epochs_total = 0
        self.ended_ts = -inf
        self.open: list[str] = []
        """Those that have not ended, by id."""
        self.runs: TaskState | None = None
        """The first that runs."""
        self._took: list[float] = []
        self._begun: list[TaskState] = []
        """Those whose duration grows."""
        self._expected: tuple[Estimate | None, float | None] = None, None
        priorities: list[float] = []
        fresh = 0
        for task in tasks:
            info, life = task.info, task.life
            status = life.status
            priorities.append(life.priority)
            if life.finished_ts:
                self.ended_ts = max(self.ended_ts, life.finished_ts)
            else:
                self.open.append(info.id)
            waits = task.live is None and life.report is None
            if status is Status.QUEUED and waits and not life.started_ts and not life.attempt:  # as most of thousands
                fresh += 1
                self.epochs_total += info.epochs
            else:
                self._add(task, waits)
        if fresh:
            self.states[Status.QUEUED] += fresh
        self.priorities = min(priorities), max(priorities)

    def _add(self, task: TaskState, waits: bool) -> None:
        life, status = task.life, task.life.status
        done = status is Status.DONE
        total = task.epochs_total if done else task.info.epochs
        self.states[status] += 1
        self.attempts = max(self.attempts, life.attempt)
        self.epochs_total += total
        if life.worker:
            self.workers.add(life.worker)
        if self.runs is None and status is Status.RUNNING:
            self.runs = task
        if not waits and (progress := task.progress) is not None:
            algorithm = task.algorithm
            self.epochs_done += total if done else min(progress.epoch, total)
            self.losses.append(progress.metrics.get(algorithm.headline))
            self.validations.append(progress.metrics.get(algorithm.validation))
            self.bests.append(progress.best)
        elif done:
            self.epochs_done += total
        if not life.finished_ts:
            self._begun.append(task)
        elif (seconds := duration_s(task, life.finished_ts)) is not None:
            self._took.append(seconds)

    def durations(self, now: float) -> list[float]:
        """Return the seconds of those that have begun."""
        return self._took + [found for task in self._begun if (found := duration_s(task, now)) is not None]

    def expected_ts(self, estimate: Estimate) -> float | None:
        """Return when the last of those that are open is expected to end; None if that is not known of one."""
        if estimate is not self._expected[0]:
            found = list(filter(None, map(estimate.tasks.get, self.open)))
            whole = len(found) == len(self.open)
            self._expected = estimate, max(map(attrgetter("finish_ts"), found), default=-inf) if whole else None
        return self._expected[1]


def _still(known: _Piece | None, tasks: Sequence[TaskState]) -> _Piece:
    return known if known is not None and known.tasks == tasks else _Piece(tasks)


def _finish_ts(pieces: Sequence[_Piece], estimate: Estimate) -> float | None:
    """Return when the last of some tasks ends or has ended; None if that is not known of one. What is expected last is
    told or not as all before it are: the estimate is asked once."""
    expected = [piece.expected_ts(estimate) for piece in pieces]
    known = [ts for ts in expected if ts is not None]
    if len(known) < len(expected):
        return None
    told_ts = estimate.told(max(known))
    return None if told_ts is None else max(told_ts, *(piece.ended_ts for piece in pieces))


def same_setting(tasks: Sequence[TaskState], name: str, cells: int) -> str:
    """Return the setting's value where all tasks have the same, of numbers their range if there is room for it, else
    how many values there are."""
    values = {value_key(found): found for task in tasks if (found := task.info.settings.get(name)) is not None}
    if len(values) == 1:
        return value_text(next(iter(values.values())))
    if values and all(isinstance(value, int | float) for value in values.values()):
        span = f"{value_text(min(values.values()))}..{value_text(max(values.values()))}"
        if len(span) <= cells:
            return span
    return f"{len(values)}×" if values else ""
