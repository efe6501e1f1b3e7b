"""Notices what the server has lost of its data, a part of the tasks at a time, and makes it again."""

import logging
from collections.abc import Callable, Iterable, Sequence

from cqltui.broker.protocol.audit import PAGE
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Submission
from cqltui.state.counting import tally
from cqltui.state.model import RunState, Status
from cqltui.supervisor.records import Records
from cqltui.supervisor.submit import restore

log = logging.getLogger(__name__)

URGENT = frozenset({Status.DELAYED, Status.PAUSED})
"""Tasks that nobody would come back to, as running ones: they are looked at first."""


class Audit:
    """Compares the server's keys with each other and with the run directory. `step` is called twice a second."""

    def __init__(
        self, queue: Queue, records: Records, task_ids: Sequence[str], submissions: Callable[[], Iterable[Submission]]
    ) -> None:
        """`task_ids`: of the campaign. `submissions`: what was submitted, asked for only when something is lost."""
        self._queue = queue
        self._records = records
        self._ids = tuple(task_ids)
        self._submissions = submissions
        self._at = 0
        self._urgent_at = 0
        self._lost: dict[str, tuple[int, int]] = {}
        """Tasks without a hash, and the newest event when that was found."""

    def step(self, state: RunState) -> None:
        """Look at some tasks. Raises RedisError, CqltuiError and OSError, and may be called again."""
        found = self._queue.audit(self._page(state))
        if state.notices and not found.has_notices:
            self._queue.restore_notices(state.notices)
        for task_id in found.lost.intersection(self._ids):
            self._lost.setdefault(task_id, found.version)
        # A task is put back only as it was last heard of: its last event may be on its way.
        heard = {task_id for task_id, version in self._lost.items() if version <= (state.epoch, state.seq)}
        again = heard | found.resultless
        if not again:
            return
        for submission in self._submissions():
            if submission.id in again:
                self._put_back(submission, state)
                self._lost.pop(submission.id, None)

    def _put_back(self, submission: Submission, state: RunState) -> None:
        task = state.tasks.get(submission.id)
        life = task.life if task is not None else self._records.lifecycle(submission.id)
        if life is None:
            self._queue.enqueue(submission)
        else:
            restore(self._queue, submission, life, self._records)
        log.info("the server had lost what it knew of task %s: it is made again", submission.id)

    def _page(self, state: RunState) -> list[str]:
        """Return the urgent ones and the next of all, at most so many of each."""
        counts = tally(state)
        urgent = list(counts.running)
        if not URGENT.isdisjoint(counts.states):
            urgent += [task.id for task in state.tasks.values() if task.status in URGENT]
        first, self._urgent_at = _turn(urgent, self._urgent_at)
        page, self._at = _turn(self._ids, self._at)
        return list(dict.fromkeys([*first, *page]))


def _turn(ids: Sequence[str], at: int) -> tuple[Sequence[str], int]:
    """Return those whose turn it is, and where the next turn begins."""
    at = at if at < len(ids) else 0
    return ids[at : at + PAGE], at + PAGE
