"""When what has become of the tasks is written into the run directory."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from cqltui.state.model import RunState, Status, TaskState
from cqltui.supervisor.publish import Publisher
from cqltui.supervisor.records import Records

WRITE_S = 0.2
"""So long at a time tasks are written down that could wait."""
COMING_AND_GOING = frozenset({Status.QUEUED, Status.RUNNING})


class Filing:
    """Writes each task down: at once where it has ended, or somebody has asked something of it. Of claims and what is
    given back thousands may come in a moment; these have a short while in each round, and what a crash loses of them is
    done again."""

    def __init__(
        self,
        records: Records,
        publisher: Publisher,
        note_result: Callable[[str], None],
        guarded: Callable[[Callable[[], object]], bool],
        answers: Callable[[], bool],
    ) -> None:
        """`note_result` is told of each task whose result is published; `guarded` calls what may fail, and says whether
        it was done; `answers` says whether the server did, when last something failed."""
        self._records = records
        self._publisher = publisher
        self._note_result = note_result
        self._guarded = guarded
        self._answers = answers
        self._unwritten: dict[str, None] = {}
        """Tasks that have changed, which the run directory has yet to be told: they can wait, the disk was full, or the
        server away."""

    @property
    def is_behind(self) -> bool:
        """Whether there is something left to write."""
        return bool(self._unwritten)

    def take_all(self, state: RunState) -> None:
        """Take in all tasks, as after a whole reading."""
        for task in state.tasks.values():
            if not self._records.goes_without(task):
                self.take(task)

    def take(self, task: TaskState) -> None:
        """Take in a task that has changed."""
        self._unwritten[task.id] = None
        if task.status not in COMING_AND_GOING or task.life.by:
            self._guarded(partial(self._write, task))

    def catch_up(self, tasks: Mapping[str, TaskState], for_s: float = WRITE_S) -> bool:
        """Write what could wait or could not be written when it happened, for so long; return False if the server is
        silent: each further question would take seconds."""
        until = time.monotonic() + for_s
        for task_id in list(self._unwritten):
            if time.monotonic() >= until:
                break
            if (task := tasks.get(task_id)) is None:
                del self._unwritten[task_id]
            elif not self._guarded(partial(self._write, task)) and not self._answers():
                return False
        return True

    def _write(self, task: TaskState) -> None:
        """Its task.json, and the files of its result."""
        self._records.remember(task)
        if task.status is Status.DONE and self._records.knows(task.id):
            self._publisher.publish(task)
            self._note_result(task.id)
        self._unwritten.pop(task.id, None)
