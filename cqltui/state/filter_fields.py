"""What a filter can ask of a task: where it is, its settings and its metrics, by name. Generated from the algorithms'
tables, but for what every task has."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from msgspec import Struct

from cqltui.algorithms import ALGORITHMS
from cqltui.algorithms.base import Setting, setting_text
from cqltui.state.live import stalled
from cqltui.state.model import TaskState
from cqltui.state.select import duration_s
from trainer.names import listed, suggestion

Kind = Literal["number", "duration", "text", "list", "state"]
STALLED = "stalled"
"""Shown in place of "running"; a filter finds such a task by either word."""


class FilterError(ValueError):
    """What is wrong with a filter, in words."""


class Moment(Struct, frozen=True):
    """When a filter is asked."""

    now: float
    stall_s: float = 120.0


class Field(Struct, frozen=True):
    """Something that a task has."""

    name: str
    kind: Kind
    value: Callable[[TaskState, Moment], Any]
    """None: the task has none."""
    also: tuple[str, ...] = ()
    """What it is called elsewhere: in the list's heading, or by other programs."""
    live: bool = False
    """Whether it changes while the task only trains."""


def _states(task: TaskState, moment: Moment) -> tuple[str, ...]:
    return (task.status, STALLED) if stalled(task, moment.now, moment.stall_s) else (task.status,)


_OF_EVERY_TASK = (
    Field("state", "state", _states, ("status",), live=True),
    Field("phase", "text", lambda task, _: task.info.phase),
    Field("id", "text", lambda task, _: task.id),
    Field("title", "text", lambda task, _: task.info.title),
    Field("worker", "text", lambda task, _: task.life.worker or None),
    Field("error", "text", lambda task, _: task.life.error or None),
    Field("priority", "number", lambda task, _: task.life.priority, ("pr",)),
    Field("attempt", "number", lambda task, _: task.life.attempt, ("try",)),
    Field("run", "number", lambda task, _: task.life.run),
    Field("epoch", "number", lambda task, _: task.epochs_done, live=True),
    Field("duration", "duration", lambda task, moment: duration_s(task, moment.now), ("time",), live=True),
    Field("loss", "number", lambda task, _: task.headline, live=True),
    Field("val", "number", lambda task, _: task.validation, ("validation",), live=True),
    Field("best", "number", lambda task, _: task.best, live=True),
    Field("best_epoch", "number", lambda task, _: task.best_epoch, ("at",), live=True),
)


def _of_setting(setting: Setting) -> Field:
    def value(task: TaskState, moment: Moment) -> Any:
        return task.info.settings.get(setting.name)

    def text(task: TaskState, moment: Moment) -> Any:
        found = task.info.settings.get(setting.name, "")
        return "off" if found is None else setting_text(found)  # as the campaign file says it

    match setting.read.schema.get("type"):
        case "number" | "integer":
            return Field(setting.name, "number", value, setting.aliases)
        case "array":
            return Field(setting.name, "list", value, setting.aliases)
    return Field(setting.name, "text", text, setting.aliases)


def _of_metric(name: str) -> Field:
    return Field(name, "number", lambda task, _: task.metric(name), live=True)


def _fields() -> Iterator[Field]:
    known = {field.name for field in _OF_EVERY_TASK}
    yield from _OF_EVERY_TASK
    for algorithm in ALGORITHMS.values():
        for field in (*map(_of_setting, algorithm.settings), *map(_of_metric, algorithm.metric_names())):
            if field.name not in known:
                known.add(field.name)
                yield field


FIELDS = tuple(_fields())
_BY_NAME = {name: field for field in reversed(FIELDS) for name in (*field.also, field.name)}
_BY_NAME |= {field.name: field for field in FIELDS}  # its own name goes before what another is also called


def field_named(name: str) -> Field:
    """Return the field of that name, or the one whose name begins so. Raises FilterError."""
    name = name.lower()
    if (field := _BY_NAME.get(name)) is not None:
        return field
    own = {field.name for field in FIELDS if field.name.startswith(name)}
    found = own or {field.name for known, field in _BY_NAME.items() if known.startswith(name)}
    if len(found) == 1:
        return _BY_NAME[found.pop()]
    if found:
        raise FilterError(f"{name} may be {listed(sorted(found))}")
    raise FilterError(f"no field {name}{suggestion(name, [field.name for field in FIELDS])}")
