"""When tasks that nobody has claimed yet are written down: of a hundred thousand it takes minutes."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from cqltui.state.layered import MANY
from cqltui.state.model import RunState, Status, TaskState

FILE_S = 0.02
"""So long at a time."""


class Filing:
    """Has such tasks written down a few at a time. Without its task.json one is submitted again all the same."""

    def __init__(
        self, remember: Callable[[TaskState], None], guarded: Callable[[Callable[[], object]], object]
    ) -> None:
        """`remember` writes one down; `guarded` calls what may fail."""
        self._remember = remember
        self._guarded = guarded
        self._unfiled: dict[str, None] = {}

    def puts_off(self, task: TaskState, state: RunState) -> bool:
        """Take the task in if it can wait, and return whether it does. Of few tasks none waits."""
        waits = len(state.tasks) >= MANY and is_untouched(task)
        if waits:
            self._unfiled[task.id] = None
        return waits

    def drop(self, task_id: str) -> None:
        """Forget a task that is written down otherwise."""
        self._unfiled.pop(task_id, None)

    def step(self, tasks: Mapping[str, TaskState]) -> None:
        """Write some down."""
        until = time.monotonic() + FILE_S
        while self._unfiled and time.monotonic() < until:
            task_id, _ = self._unfiled.popitem()
            if (task := tasks.get(task_id)) is not None:
                self._guarded(partial(self._remember, task))


def is_untouched(task: TaskState) -> bool:
    """Return whether the task is as it was submitted, so that submitting it again makes the same of it."""
    life = task.life
    is_new = life.status is Status.QUEUED and life.run == 1 and life.attempt == 0
    return is_new and not life.by and not life.error and life.report is None
