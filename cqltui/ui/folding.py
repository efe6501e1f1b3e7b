"""Tasks folded into one row by what they have in common. Pure."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial

from msgspec import Struct

from cqltui.algorithms.base import Setting
from cqltui.state.model import RunState, TaskState
from cqltui.state.plain import plain
from cqltui.state.varying import Varying, configuration_title, value_key, value_text

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


class Partition(Struct, frozen=True):
    """Tasks by what they have in common."""

    parts: tuple[Part, ...]
    """In the order of the first task of each."""
    homes: Mapping[str, str]
    """Task id -> the key of its part, where that has several tasks."""


def partition(fold: Fold, tasks: Sequence[TaskState]) -> Partition:
    """Return the tasks by what the fold goes by."""
    members: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, of in enumerate(map(fold.of, tasks)):
        members[of].append(place)
    parts = tuple(
        Part(
            group_key(fold, of),
            plain(fold.heading(tasks[places[0]])),
            tuple([tasks[place].info.id for place in places]),
            tuple(places),
        )
        for of, places in members.items()
    )
    homes: dict[str, str] = {}
    for part in parts:
        if len(part.ids) > 1:
            homes.update(dict.fromkeys(part.ids, part.key))
    return Partition(parts, homes)


def places(keys: Sequence[str]) -> dict[str, int]:
    """Return where each key stands."""
    return {key: place for place, key in enumerate(keys)}


class Partitions:
    """Remembers where all tasks stand, and their partition by each fold: of thousands, once a second or at a key, that
    takes longer than a draw."""

    def __init__(self) -> None:
        self._order: Sequence[str] = ()
        self._places: Mapping[str, int] | None = None
        self._known: dict[str, Partition] = {}

    def places(self, order: Sequence[str]) -> Mapping[str, int]:
        """Return where each of all ids stands: the same object for the same ids."""
        self._look(order)
        if self._places is None:
            self._places = places(order)
        return self._places

    def of(self, fold: Fold, tasks: Sequence[TaskState], order: Sequence[str]) -> Partition:
        """Return the partition of these tasks, whose ids are `order`: the same object as long as nothing changes that a
        fold goes by."""
        self._look(order)
        if (found := self._known.get(fold.name)) is None:
            self._known[fold.name] = found = partition(fold, tasks)
        return found

    def _look(self, order: Sequence[str]) -> None:
        if order is not self._order:
            self._order, self._places, self._known = order, None, {}


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
        members = tuple(map(tasks.__getitem__, part.places))
        if len(members) == 1:
            rows.append(members[0])
        elif part.key in unfolded:
            members = tuple(in_order(members))
            rows.append(Group(part.key, part.title, tuple([task.info.id for task in members]), members, open=True))
        else:
            rows.append(Group(part.key, part.title, part.ids, members))
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
