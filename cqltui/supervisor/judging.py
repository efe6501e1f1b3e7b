"""When finished tasks are looked at for the criteria, and when the verdicts are told."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from cqltui.state.model import RunState, Status, TaskState

JUDGE_S = 2.0
"""The verdicts are told so long after the first of the tasks that end together."""
STUDY_S = 0.04
"""So long at a time are finished tasks looked at: hundreds end at once, or had ended before the supervisor came."""


class Judging:
    """Has each published result looked at once, a few at a time, and then the verdicts told."""

    def __init__(
        self,
        study: Callable[[TaskState], object],
        describe: Callable[[RunState], None],
        guarded: Callable[[Callable[[], object]], object],
    ) -> None:
        """`study` looks at one finished task, `describe` tells the verdicts; `guarded` calls what may fail."""
        self._study = study
        self._describe = describe
        self._guarded = guarded
        self._unstudied: dict[str, None] = {}
        """Tasks that are done and published, in the order of their ends."""
        self._due_at: float | None = None

    @property
    def is_behind(self) -> bool:
        """Whether there are tasks left to look at."""
        return bool(self._unstudied)

    def note_result(self, task_id: str) -> None:
        """Take in a task that is done and whose result is published."""
        self._unstudied[task_id] = None

    def note_end(self) -> None:
        """Take in a task that has ended, with a result or without."""
        if self._due_at is None:
            self._due_at = time.monotonic() + JUDGE_S

    def study(self, tasks: Mapping[str, TaskState]) -> None:
        """Look at finished tasks for a short while, at one at least; the others' turn is in the next rounds."""
        until = time.monotonic() + STUDY_S
        for task_id in list(self._unstudied):
            del self._unstudied[task_id]
            if (task := tasks.get(task_id)) is not None and task.status is Status.DONE:
                self._guarded(partial(self._study, task))
            if time.monotonic() >= until:
                return

    def tell_if_due(self, state: RunState, now: float) -> None:
        """Tell the verdicts, once for all tasks that end together."""
        if self._due_at is not None and now >= self._due_at and not self._unstudied:
            self.tell(state)

    def tell(self, state: RunState) -> None:
        """Tell the verdicts now."""
        self._due_at = None
        self._guarded(partial(self._describe, state))
