"""What has changed between two states of a run, in words: read out by a screen reader. Pure."""

from cqltui.state import select
from cqltui.state.model import RunState, Status, TaskState
from cqltui.state.plain import plain
from cqltui.ui import format as fmt

TITLE = 40
_LAST = (Status.DONE, Status.CANCELLED, Status.DEAD)
"""What is told after all else, and so is read out."""


def changes(before: RunState, now: RunState) -> list[str]:
    """Return a sentence for the run and for each task whose state has changed: the run first, then what has started,
    what has ended, and what has failed."""
    found: list[str] = []
    if not before.tasks:  # the first that is seen is no change
        return found
    if (status := select.run_status(now)) != select.run_status(before):
        found.append(f"The run: {status}")
    if now.tasks is before.tasks:
        return found
    changed, seen = [], (before.epoch, before.seq)
    for task in now.tasks.values():
        old = before.tasks.get(task.id)
        if old is task or (old is not None and old.status is task.status):
            continue
        if old is not None or now.page is None or task.life.version > seen:  # else it has only come into view
            changed.append(task)
    changed.sort(key=lambda task: _LAST.index(task.status) if task.status in _LAST else -1)
    return [*found, *map(_task, changed)]


def _task(task: TaskState) -> str:
    name = plain(task.info.title or task.id, TITLE)
    figure = f", validation {fmt.number(task.validation)}" if task.validation is not None else ""
    figure = figure if task.status is Status.DONE else ""
    return f"{name}: {task.status}{figure}"


def sentence(found: list[str]) -> str:
    """Return the last of the changes in one line, and how many more there are."""
    if not found:
        return ""
    more = len(found) - 1
    return found[-1] + (f", and {more} more {'change' if more == 1 else 'changes'}" if more else "")
