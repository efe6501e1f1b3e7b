"""Bring a campaign and a queue into line: new tasks in, tasks that left the file out, and a lost queue rebuilt."""

import logging
from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from cqltui.broker.feed.stream import events_after
from cqltui.broker.protocol.audit import PAGE
from cqltui.broker.protocol.queue import BATCH, ROUND, Queue
from cqltui.broker.protocol.records import PRIORITY_MAX, Result, Submission
from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import DataSummary
from cqltui.garbage import uncollected
from cqltui.results.left import is_large
from cqltui.results.outline import COUNT
from cqltui.state import decode
from cqltui.state.model import Lifecycle, Status
from cqltui.supervisor.accepted import RefusedResultError
from cqltui.supervisor.records import Records
from cqltui.supervisor.submissions import submissions

log = logging.getLogger(__name__)


def submit(queue: Queue, campaign: Campaign, data: DataSummary, records: Records) -> None:
    """Queue what is to be done. Running it again changes nothing.

    What the run directory knows is put back first, unless the queue holds it: the server's data may have been lost,
    wholly or in part.
    """
    ids = [task.id for task in campaign.tasks]
    lacking: set[str] = set()
    for start in range(0, len(ids), PAGE):
        found = queue.audit(ids[start : start + PAGE])
        lacking |= found.lost | found.resultless
    if lives := records.lifecycles(lacking):
        known = [submission for submission in submissions(campaign, data) if submission.id in lives]
        for submission in sorted(known, key=lambda submission: lives[submission.id].order):
            restore(queue, submission, lives[submission.id], records)
    many = len(lacking) > ROUND * BATCH  # their events would drive others, and each other, out of the capped stream
    between, rows = partial(_write_down, queue, records) if many else None, is_large({COUNT: len(ids)})
    with uncollected():
        queue.enqueue_many(submissions(campaign, data), between, rows=rows)
    queue.withdraw(set(queue.ids()).difference(ids))


def _write_down(queue: Queue, records: Records) -> None:
    """Put what has happened so far into the journal. A disk that is full does not keep a queue from being filled."""
    with suppress(OSError):
        records.journal.append(events_after(queue, records.version))


def restore(queue: Queue, submission: Submission, life: Lifecycle, records: Records) -> None:
    """Put one task, or its result, back as the run directory knows it."""
    result = queue.result(submission.id, life.run)  # the directory may not have heard yet that it is done
    if result is not None:
        life = replace(life, status=Status.DONE, attempt=result.attempt, finished_ts=result.ts)
    # One that is back in the file may have been done before, and one that ran may have come to its end untold.
    elif life.status in (Status.DONE, Status.WITHDRAWN, Status.RUNNING):
        result = _left_result(submission, life, records)
        if result is not None and result.data.get("digest") != submission.digest:
            result = None
        if result is None:
            life = replace(life, status=Status.QUEUED)
        else:
            life = replace(life, status=Status.DONE, finished_ts=result.ts)
    if not 0 <= life.priority <= PRIORITY_MAX:
        life = replace(life, priority=submission.priority)
    before = None
    if result is None and (info := decode.task_info(submission.id, submission.info)) is not None:
        life = replace(life, report=records.left_of(info, life))
        before = records.earlier(info, submission.digest, life)
    queue.restore(submission, life, result, before)


def _left_result(submission: Submission, life: Lifecycle, records: Records) -> Result | None:
    """Return the result that the run directory has of the attempt; None if there is none, or one that is not what it
    says."""
    try:
        return records.result(submission.id, life)
    except RefusedResultError as error:
        log.warning("task %s: its result is refused, it is trained again: %s", submission.id, error)
        return None
