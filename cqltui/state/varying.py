"""Which settings differ between the tasks of a run, and in what. Pure; it looks at each task once."""

from collections.abc import Collection, Hashable, Mapping
from typing import Any

from cqltui.algorithms import ALGORITHMS
from cqltui.algorithms.base import Setting, setting_text, settings_title
from cqltui.state.model import TaskInfo, TaskState

SETTINGS: Mapping[str, Setting] = {s.name: s for algorithm in ALGORITHMS.values() for s in algorithm.settings}
"""Of all algorithms, by name."""
TITLE = 80
"""Characters of a title that count."""
ID_CELLS, MOST_ID_CELLS = 8, 16
"""Of an id as many characters are shown as tell it from those of the other tasks."""


class Varying:
    """Takes the tasks of a run as they are now, again and again; only what is new is looked at."""

    def __init__(self) -> None:
        self._infos: dict[str, TaskInfo] = {}
        self._values: dict[str, dict[Hashable, str]] = {}
        """Setting -> each of its values -> as people read it."""
        self.settings: tuple[Setting, ...] = ()
        """Those that differ, as in the algorithm's table."""
        self._telling: dict[str, tuple[str, ...]] = {}
        """Algorithm -> the names of those that tell configurations apart."""
        self.title_cells = 0
        """Characters of the longest title."""
        self.id_cells = ID_CELLS
        """As of `told_apart`."""

    def update(self, tasks: Mapping[str, TaskState]) -> None:
        """Look at the tasks that are new or have been changed."""
        known = self._infos
        new = [task.info for key, task in tasks.items() if known.get(key) is not task.info]
        changed = any(info.id in known and known[info.id].settings != info.settings for info in new)
        if changed or len(known.keys() | (info.id for info in new)) > len(tasks):  # what is gone counts no more
            self._infos, self._values, self.title_cells = {}, {}, 0
            new = [task.info for task in tasks.values()]
        count = len(self._infos)
        for info in new:
            self._add(info)
        if len(self._infos) != count:
            self.id_cells = told_apart(self._infos)
        if new:
            self._telling = {}
            self.settings = tuple(s for name, s in SETTINGS.items() if len(self._values.get(name, ())) > 1)

    def _add(self, info: TaskInfo) -> None:
        self._infos[info.id] = info
        self.title_cells = max(self.title_cells, min(len(info.title), TITLE))
        for name, value in info.settings.items():
            values = self._values.setdefault(name, {})
            if (key := value_key(value)) not in values:
                values[key] = value_text(value)

    def cells(self, name: str) -> int:
        """Return the characters of the setting's longest value."""
        return max(map(len, self._values.get(name, {}).values()), default=0)

    def configuration(self, task: TaskState) -> Hashable:
        """Return what tasks share that differ in no setting but the one that only repeats a configuration."""
        info = task.info
        if (names := self._telling.get(info.algorithm)) is None:
            repeat = task.algorithm.repeat
            names = self._telling[info.algorithm] = tuple(s.name for s in self.settings if s.name != repeat)
        return info.phase, *map(value_key, map(info.settings.get, names))


def told_apart(ids: Collection[str]) -> int:
    """Return how many of their first characters tell ids apart."""
    cells = ID_CELLS
    while cells < MOST_ID_CELLS and len({task_id[:cells] for task_id in ids}) < len(ids):
        cells += 1
    return cells


def configuration_title(task: TaskState) -> str:
    """Return the task's settings in a line, but for the one that only repeats a configuration."""
    algorithm, settings = task.algorithm, task.info.settings
    shown = [s.name for s in algorithm.settings if s.prominent and s.named and s.name != algorithm.repeat]
    return settings_title({name: _frozen(settings[name]) for name in shown if name in settings})


def value_key(value: Any) -> Hashable:
    """Return what two equal values have in common and others have not."""
    if isinstance(value, list):
        return tuple(value)
    return setting_text(value) if isinstance(value, Mapping) else value


def value_text(value: Any) -> str:
    """Return a setting's value for people; what is off as the campaign file says it."""
    return "off" if value is None else setting_text(value)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
