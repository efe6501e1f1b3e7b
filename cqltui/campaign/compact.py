"""The tasks of a large grid as campaign.json has them: the first one, and the values of what varies. Pure.

A task takes 750 bytes there, so that a million would have more than any reader takes. Tasks that come one by one, and
small grids, are written as ever.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import chain, product, repeat
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace

from cqltui.algorithms.base import settings_title, told
from cqltui.campaign.grid import size
from cqltui.campaign.model import Phase, TaskSpec
from cqltui.campaign.schema import LINE, MAX_TASKS
from cqltui.fields import INVALID, Problems, key_path

LARGE = 2_000
"""Tasks of a phase from which on its grid is written as one."""
_FIXED = ("phase", "description", "priority", "baseline_loss", "auto_precision")
"""What is the same of all tasks of a grid."""


def as_written(task: TaskSpec) -> dict[str, Any]:
    """Return a task by itself."""
    written: dict[str, Any] = to_builtins(task)
    del written["id_length"]  # it is beside the campaign, which is compared with what earlier versions wrote
    return written


def written_tasks(phase: Phase, *, one_by_one: bool = False) -> list[dict[str, Any]]:
    """Return the tasks of a phase, a large grid as one item."""
    listed, large = phase.tasks, None
    if not one_by_one and len(phase.tasks) >= LARGE:
        large = _grid(phase.tasks[phase.listed :])
    if large is not None:
        listed = listed[: phase.listed]
    return [*map(as_written, listed), *([] if large is None else [large])]


def is_large(tasks: object) -> bool:
    """Return whether these, as campaign.json has them, are written with a grid as one item."""
    return isinstance(tasks, list) and any(isinstance(task, dict) and "grid" in task for task in tasks)


def first_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an item's task, of a grid its first one; empty if there is none."""
    task = item.get("task") if "grid" in item else item
    return task if isinstance(task, dict) else {}


def read_grid(
    item: Mapping[str, Any], place: str, first: TaskSpec, problems: Problems, most: int
) -> Iterator[TaskSpec]:
    """Yield the tasks of a grid that was written as one item, whose first task is this one; none where it is wrong, or
    makes more than `most`."""
    axes = _read_axes(item.get("grid"), f"{place}.grid", first, problems, most)
    titles, count = item.get("titles"), size(axes)
    if axes and titles is not None and not (isinstance(titles, list) and len(titles) == count):
        problems.expected(f"{place}.titles", f"a list of {count:,}", titles)
        axes = {}
    for number, values in enumerate(product(*axes.values()) if axes else ()):
        point = dict(zip(axes, values, strict=True))
        title = settings_title(point) if titles is None else LINE(titles[number], f"{place}.titles[{number}]", problems)
        yield replace(first, title=title, trainer=replace(first.trainer, **point))


def _read_axes(tables: object, key: str, first: TaskSpec, problems: Problems, most: int) -> dict[str, Sequence[Any]]:
    if not isinstance(tables, dict) or not tables:
        problems.expected(key, "lists of values", tables)
        return {}
    unknown = tables.keys() - first.algorithm.values(first.trainer).keys()
    for name in sorted(unknown):
        problems.add(key_path(key, name), "there is no such setting")
    axes = {name: _values(values, key_path(key, name), problems) for name, values in tables.items()}
    if (count := size(axes)) > most:
        problems.add(key, f"makes {count:,} tasks; a campaign has at most {MAX_TASKS:,}")
    if unknown or not all(axes.values()) or count > most:
        return {}
    read: dict[str, Sequence[Any]] = {}
    for name, values in axes.items():
        read[name] = [first.algorithm.accepted({name: value}).get(name, INVALID) for value in values]
        if INVALID in read[name]:
            problems.expected(key_path(key, name), "values of the setting", values[read[name].index(INVALID)])
    return {} if any(INVALID in values for values in read.values()) else read


def _values(values: object, key: str, problems: Problems) -> Sequence[Any]:
    """Return the values of an axis; `{from, to}` holds both ends."""
    if isinstance(values, dict):
        low, high = values.get("from"), values.get("to")
        if type(low) is int and type(high) is int and len(values) == 2 and 0 <= high - low < MAX_TASKS:
            return range(low, high + 1)
    elif isinstance(values, list) and values:
        return values
    problems.expected(key, "a list of values, or {from, to}", values)
    return ()


def _grid(tasks: Sequence[TaskSpec]) -> dict[str, Any] | None:
    """Return a grid's tasks as one item, None if they are no product of their settings' values."""
    if not tasks or any(len({getattr(task, name) for task in tasks}) > 1 for name in _FIXED):
        return None
    first = tasks[0]
    names = tuple(first.algorithm.values(first.trainer))
    axes = _product({name: [getattr(task.trainer, name) for task in tasks] for name in names})
    if axes is None:
        return None
    titles = [task.title for task in tasks]
    settings = (settings_title(dict(zip(axes, values, strict=True))) for values in product(*axes.values()))
    written = as_written(first)
    del written["digest"]
    return {
        "task": written,
        "grid": {name: _axis(values) for name, values in axes.items()},
        **({} if all(map(str.__eq__, titles, settings)) else {"titles": titles}),
        "digest": _digest(task.digest for task in tasks),
    }


def _product(columns: Mapping[str, list[Any]]) -> dict[str, Sequence[Any]] | None:
    """Return by setting that varies its values, the slowest first, if the columns are the product of these."""
    found: dict[str, tuple[int, list[Any]]] = {}
    for name, column in columns.items():
        each = next((n for n, value in enumerate(column) if value != column[0]), 0)
        if each:
            heads = column[::each]
            period = next((n for n in range(1, len(heads)) if heads[n] == heads[0]), len(heads))
            values = heads[:period]
            block = list(chain.from_iterable(repeat(value, each) for value in values))
            times, rest = divmod(len(column), len(block))
            if rest or block * times != column:
                return None
            found[name] = each, values
    stride = 1
    for each, values in sorted(found.values(), key=lambda axis: axis[0]):
        if each != stride:
            return None
        stride *= len(values)
    length = len(next(iter(columns.values())))
    slowest_first = sorted(found.items(), key=lambda item: -item[1][0])
    return {name: values for name, (_, values) in slowest_first} if stride == length else None


def _axis(values: Sequence[Any]) -> list[Any] | dict[str, int]:
    """Return the values as they are written."""
    low, high = values[0], values[-1]
    if type(low) is int and type(high) is int and list(values) == list(range(low, high + 1)):
        return {"from": low, "to": high}
    return [told(value) for value in values]


def _digest(digests: Iterable[str]) -> str:
    """Return what stands for the digests of all tasks of a grid."""
    found = sha256()
    for one in digests:
        found.update(one.encode())
    return found.hexdigest()
