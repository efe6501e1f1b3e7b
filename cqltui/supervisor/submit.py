"""Bring a campaign and a queue into line: new tasks in, tasks that left the file out, and a lost queue rebuilt."""

from cqltui.broker.queue import Queue
from cqltui.broker.records import Cost, Result, Submission
from cqltui.campaign import payload
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.campaign.payload import DataSummary
from cqltui.state.model import Status
from cqltui.supervisor.records import Records
from trainer.config import epoch_steps
from trainer.packing import estimate_bytes


def submissions(campaign: Campaign, data: DataSummary) -> list[Submission]:
    """One for each task, in the order in which they are to be queued."""
    places = {task.digest: place for place, task in enumerate(campaign.tasks)}
    return [
        Submission(
            id=task.id,
            digest=task.digest,
            info=payload.task_info(campaign, task, places[task.digest], data.rows),
            spec=payload.task_spec(campaign, task, data.rows, data.digest),
            pack=payload.pack_key(task, data.digest),
            priority=task.priority,
            cost=_cost(campaign, task, data),
        )
        for task in campaign.queue_order
    ]


def _cost(campaign: Campaign, task: TaskSpec, data: DataSummary) -> Cost:
    trainer = task.trainer
    one, two = (estimate_bytes([trainer] * n, campaign.state_dim, data.rows, data.heldout_rows) for n in (1, 2))
    return Cost(
        epoch_flops=campaign.step_flops(task) * epoch_steps(data.rows, trainer.batch_size),
        epochs=trainer.epochs,
        member_bytes=two - one,
        shared_bytes=2 * one - two,
    )


def submit(queue: Queue, campaign: Campaign, data: DataSummary, records: Records, rebuilt: bool) -> None:
    """Queue what is to be done. Running it again changes nothing.

    `rebuilt`: the server knows nothing of this run; what the run directory knows is put back first.
    """
    wanted = submissions(campaign, data)
    if rebuilt:
        for submission in wanted:
            _restore(queue, submission, records)
    queue.enqueue_many(wanted)
    queue.withdraw(set(queue.ids()) - {submission.id for submission in wanted})


def _restore(queue: Queue, submission: Submission, records: Records) -> None:
    life = records.lifecycle(submission.id)
    if life is None or life.status not in (Status.DONE, Status.DEAD, Status.CANCELLED, Status.PAUSED):
        return
    result = None
    if life.status is Status.DONE:
        data = records.result(submission.id)
        if data is None or data.get("digest") != submission.digest:
            return
        token, worker = str(data.get("token")), str(data.get("worker"))
        result = Result(submission.id, life.run, life.attempt, token, worker, life.finished_ts, data)
    queue.restore(
        submission,
        life.status,
        run=life.run,
        attempt=life.attempt,
        result=result,
        finished_ts=life.finished_ts,
        error=life.error,
    )
