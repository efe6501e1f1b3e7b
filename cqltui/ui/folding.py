"""Tasks folded into one row: by what they have in common, and the figures that the row shows of them. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from math import inf, isfinite, sqrt
from statistics import fmean

from msgspec import Struct

from cqltui.algorithms.base import Setting
from cqltui.state.eta import Estimate, TaskEstimate
from cqltui.state.model import RunState, Status, TaskState
from cqltui.state.plain import plain
from cqltui.state.select import duration_s
from cqltui.state.varying import Varying, configuration_title, value_key, value_text
from cqltui.ui.frame import Frame

ACTIVITY = (
    Status.RUNNING, Status.QUEUED, Status.DELAYED, Status.PAUSED,
    Status.DONE, Status.DEAD, Status.CANCELLED, Status.WITHDRAWN,
)  # fmt: skip
"""The order of states: what happens now comes first."""
SEEDS, PHASE = "=repeat", "=phase"
"""Names of folds that are no setting's."""
FOLD_TITLES = {SEEDS: "seeds", PHASE: "phases"}
"""What is folded; of a setting its name."""


class Fold(Struct, frozen=True):
    """A way to fold tasks."""

    name: str
    of: Callable[[TaskState], Hashable]
    """What the tasks of one row have in common."""
    heading: Callable[[TaskState], str]
    """The row's title, by any of its tasks."""


def folds(state: RunState, varying: Varying) -> tuple[Fold, ...]:
    """Return the ways to fold these tasks: repetitions of one configuration, phases, and each setting that differs."""
    titles = {phase.name: phase.title or phase.name for phase in state.campaign.phases}
    return (
        Fold(SEEDS, varying.configuration, configuration_title),
        Fold(PHASE, lambda task: task.info.phase, lambda task: titles.get(task.info.phase, task.info.phase)),
        *(
            Fold(setting.name, partial(_value, setting), partial(_setting_title, setting))
            for setting in sorted(varying.settings, key=lambda setting: not setting.prominent)
        ),
    )


def _value(setting: Setting, task: TaskState) -> Hashable:
    return value_key(task.info.settings.get(setting.name))


def _setting_title(setting: Setting, task: TaskState) -> str:
    return f"{setting.label} {value_text(task.info.settings.get(setting.name))}"


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


def figures(tasks: Sequence[TaskState], frame: Frame) -> Figures:
    """Return the figures of at least one task. In one pass: there may be thousands, once a second, and each pass
    fetches all of them from memory."""
    states: Counter[Status] = Counter()
    losses: list[float | None] = []
    validations: list[float | None] = []
    bests: list[float | None] = []
    took: list[float] = []
    ended: list[float] = []
    priorities: list[float] = []
    planned: list[TaskEstimate | None] = []
    workers: set[str] = set()
    fresh = attempts = epochs_done = epochs_total = 0
    now, expected = frame.as_of, frame.estimate.tasks.get
    for task in tasks:
        info, life = task.info, task.life
        status = life.status
        priorities.append(life.priority)
        if life.finished_ts:
            ended.append(life.finished_ts)
        else:
            planned.append(expected(info.id))
        waits = task.live is None and life.report is None
        if status is Status.QUEUED and waits and not life.started_ts and not life.attempt:  # as most of thousands
            fresh += 1
            epochs_total += info.epochs
            continue
        done = status is Status.DONE
        total = task.epochs_total if done else info.epochs
        states[status] += 1
        attempts = max(attempts, life.attempt)
        workers.add(life.worker)
        epochs_total += total
        if not waits and (progress := task.progress) is not None:
            algorithm = task.algorithm
            epochs_done += total if done else min(progress.epoch, total)
            losses.append(progress.metrics.get(algorithm.headline))
            validations.append(progress.metrics.get(algorithm.validation))
            bests.append(progress.best)
        elif done:
            epochs_done += total
        if life.started_ts and (seconds := duration_s(task, now)) is not None:
            took.append(seconds)
    states[Status.QUEUED] += fresh
    return Figures(
        members=tuple(tasks),
        first=next((task for task in tasks if task.status is Status.RUNNING), tasks[0]),
        states=tuple((status, states[status]) for status in ACTIVITY if states[status]),
        epochs_done=epochs_done,
        epochs_total=epochs_total,
        loss=spread_of(losses),
        validation=spread_of(validations),
        best=spread_of(bests),
        finish_ts=_finish_ts(ended, planned, frame.estimate),
        ended=not planned,
        duration_s=sum(took) if took else None,
        priorities=(min(priorities), max(priorities)),
        attempts=attempts,
        workers=tuple(sorted(filter(None, workers))),
    )


def _finish_ts(ended: Sequence[float], planned: Sequence[TaskEstimate | None], estimate: Estimate) -> float | None:
    """Return when the last of some tasks ends or has ended; None if that is not known of one. What is expected last is
    told or not as all before it are: the estimate is asked once."""
    expected = [one.finish_ts for one in planned if one is not None]
    if len(expected) < len(planned):
        return None
    told_ts = estimate.told(max(expected, default=-inf))
    return None if told_ts is None else max(told_ts, max(ended, default=-inf))


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


class Group(Struct, frozen=True):
    """Tasks that are folded into one row, or stand below it where it is open."""

    key: str
    """Names the row; no task's id."""
    title: str
    ids: tuple[str, ...]
    members: tuple[TaskState, ...]
    """As they were when they were listed."""
    open: bool = False


def group_key(fold: Fold, of: Hashable) -> str:
    """Return the name of a folded row, the same as long as there is such a row."""
    return f"\n{fold.name}\n{of!r}"


class Part(Struct, frozen=True):
    """Tasks that have something in common."""

    key: str
    """As of their `Group`."""
    title: str
    ids: tuple[str, ...]
    places: tuple[int, ...]
    """Where they stand among all tasks of the partition."""


def partition(fold: Fold, tasks: Sequence[TaskState]) -> tuple[Part, ...]:
    """Return the tasks by what they have in common, in the order of the first of each part."""
    members: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, of in enumerate(map(fold.of, tasks)):
        members[of].append(place)
    return tuple(
        Part(
            group_key(fold, of),
            plain(fold.heading(tasks[places[0]])),
            tuple([tasks[place].info.id for place in places]),
            tuple(places),
        )
        for of, places in members.items()
    )


class Partitions:
    """Remembers the partition of all tasks by each fold: to look once a second at what thousands have in common takes
    longer than a draw."""

    def __init__(self) -> None:
        self._order: Sequence[str] = ()
        self._known: dict[str, tuple[Part, ...]] = {}

    def of(self, fold: Fold, tasks: Sequence[TaskState], order: Sequence[str]) -> tuple[Part, ...]:
        """Return the partition of these tasks, whose ids are `order`: the same object as long as nothing changes that a
        fold goes by."""
        if order is not self._order:
            self._order, self._known = order, {}
        if (found := self._known.get(fold.name)) is None:
            self._known[fold.name] = found = partition(fold, tasks)
        return found


def grouped(
    parts: Sequence[Part],
    tasks: Sequence[TaskState],
    unfolded: frozenset[str],
    in_order: Callable[[Sequence[TaskState]], Sequence[TaskState]],
) -> list[Group | TaskState]:
    """Return the rows of these tasks by their partition: a group where its first task stood; a task that has nothing in
    common with another as it is. Those of open groups are seen, so these are put in order."""
    rows: list[Group | TaskState] = []
    for part in parts:
        members: Sequence[TaskState] = [tasks[place] for place in part.places]
        if len(members) == 1:
            rows.append(members[0])
        elif part.key in unfolded:
            members = in_order(members)
            ids = tuple([task.info.id for task in members])
            rows.append(Group(part.key, part.title, ids, tuple(members), open=True))
        else:
            rows.append(Group(part.key, part.title, part.ids, tuple(members)))
    return rows


def next_fold(state: RunState, varying: Varying, name: str) -> str:
    """Return the way to fold after the one of that name: of those that make fewer rows, and more than one but for
    seeds. After the last one, and if there is none, it is the empty name: not at all."""
    known = folds(state, varying)
    names = ["", *(fold.name for fold in known)]
    behind = known[names.index(name) :] if name in names else ()
    return next((fold.name for fold in behind if _folds(fold, state.tasks.values())), "")


def _folds(fold: Fold, tasks: Iterable[TaskState]) -> bool:
    """Return whether it makes fewer rows of the tasks, and more than one but for seeds. It looks at no more of the
    thousands than tell it."""
    seen: set[Hashable] = set()
    count = 0
    for count, task in enumerate(tasks, 1):
        seen.add(fold.of(task))
        if len(seen) < count and (len(seen) > 1 or fold.name == SEEDS):
            return True
    return False
