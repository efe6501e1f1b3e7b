"""The rows of the task list: which tasks, in which order, folded how. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeVar

from msgspec import Struct, field

from cqltui.state.filter import EVERYTHING, Filter
from cqltui.state.filter_fields import Moment
from cqltui.state.layered import looked_up
from cqltui.state.model import TaskState
from cqltui.ui.figures import Figures
from cqltui.ui.folding import Fold, Group, Partition, Partitions, grouped, partition, places
from cqltui.ui.frame import Frame
from cqltui.ui.panels.columns import Column, SortKey

Row = TypeVar("Row")
FiguresOf = Callable[[Group], Figures]


class Wish(Struct, frozen=True):
    """How the user wants the tasks listed."""

    filter: Filter = EVERYTHING
    column: Column | None = None
    """What sorts; None is the campaign's own order."""
    inverted: bool = False
    fold: Fold | None = None
    unfolded: frozenset[str] = frozenset()
    """Groups that stand open, by key."""

    @property
    def is_plain(self) -> bool:
        """Whether all tasks are wanted as they are in the campaign, whatever becomes of them."""
        return not self.filter.words and self.column is None and self.fold is None

    @property
    def live(self) -> bool:
        """Whether rows may move while tasks only train."""
        return self.filter.live or self.fold is not None or bool(self.column and self.column.live)


class Listing(Struct, frozen=True):
    """Rows by their keys: a task's is its id."""

    keys: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    """All tasks that are listed, in order; those that are folded too."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)
    """Key -> row."""
    homes: Mapping[str, str] = field(default_factory=dict)
    """Task id -> the group that it is in."""

    def tasks(self, key: str) -> tuple[str, ...]:
        """Return the tasks of a row, by id."""
        group = self.groups.get(key)
        return group.ids if group else (key,) if key in self.places else ()

    def among(self, wanted: Collection[str]) -> tuple[str, ...]:
        """Return those of these tasks that are listed, in order."""
        if self.groups or len(wanted) > len(self.ids) // 8:
            return tuple(filter(wanted.__contains__, self.ids))
        return tuple(sorted((task for task in wanted if task in self.places), key=self.places.__getitem__))

    def key_of(self, task: str, group: str) -> str:
        """Return the row of a task: its group's where the cursor was on that, or where it is folded; empty if it is not
        listed."""
        home = self.homes.get(task, "")
        return home if home and (home == group or task not in self.places) else task if task in self.places else ""

    def between(self, one: str, other: str) -> list[str]:
        """Return the tasks of the rows from one to the other, both included; of the other if there is no such one."""
        last = self.places.get(other, 0)
        low, high = sorted((self.places.get(one, last), last))
        return [task for key in self.keys[low : high + 1] for task in self.tasks(key)]


def listed(frame: Frame, wish: Wish, figures: FiguresOf, order: tuple[str, ...], partitions: Partitions) -> Listing:
    """Return the rows. `figures` tells those of a group; `order` are all tasks in the campaign's own, whose
    `partitions` are remembered."""
    moment = Moment(frame.as_of, frame.stall_s)
    tasks: Sequence[TaskState] = looked_up(frame.state.tasks, order)
    tasks = wish.filter.among(tasks, moment)
    whole = len(tasks) == len(order)
    if wish.fold is None:
        if whole and wish.column is None:
            return Listing(order, order, places=partitions.places(order))
        ids = tuple(task.info.id for task in in_order(tasks, wish, lambda column, task: column.sort(frame, task)))
        return Listing(ids, ids, places=places(ids))
    found = partitions.of(wish.fold, tasks, order) if whole else partition(wish.fold, tasks)
    return _folded(frame, wish, found, tasks, figures)


def _folded(frame: Frame, wish: Wish, of: Partition, tasks: Sequence[TaskState], figures: FiguresOf) -> Listing:
    def sort(column: Column, row: TaskState | Group) -> SortKey:
        return column.sort_of(frame, figures(row) if isinstance(row, Group) else row)

    def below(members: Sequence[TaskState]) -> Sequence[TaskState]:
        return in_order(members, wish, sort)

    rows = in_order(grouped(of.parts, tasks, wish.unfolded, below), wish, sort)
    keys: list[str] = []
    ids: list[str] = []
    groups: dict[str, Group] = {}
    for row in rows:
        if isinstance(row, Group):
            groups[row.key] = row
            keys += (row.key, *row.ids) if row.open else (row.key,)
            ids += row.ids
        else:
            keys.append(row.id)
            ids.append(row.id)
    return Listing(tuple(keys), tuple(ids), groups, places(keys), of.homes)


def in_order(rows: Sequence[Row], wish: Wish, sort: Callable[[Column, Row], SortKey]) -> Sequence[Row]:
    """Return the rows as the wished column sorts them; those without a value last, whichever way is sorted."""
    column = wish.column
    if column is None:
        return rows
    known: list[tuple[tuple[Any, ...], Row]] = []
    without: list[Row] = []
    for row in rows:
        if (key := sort(column, row)) is None:
            without.append(row)
        else:
            known.append((key, row))
    known.sort(key=itemgetter(0), reverse=column.descending is not wish.inverted)
    return [row for _, row in known] + without
