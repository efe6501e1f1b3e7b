"""What a user has asked is taken back, unless it has gone on, or somebody else has asked something since."""

import pytest

from cqltui.broker.feed.stream import events_after
from cqltui.broker.protocol.commands import Receipt
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import TaskError
from cqltui.errors import InputError
from cqltui.state.events import Kind
from cqltui.state.model import Lifecycle, Status, TaskCommand, Wanted
from tests.contract.helpers import claim_one, claimed, life, put_into, state, task, worker

S = Status
C = TaskCommand
ANNA, BEN = "anna@box screen", "ben@lap cli"


def _asked(queue: Queue, command: TaskCommand, task_id: str = "x", priority: int | None = None) -> Receipt:
    """A command of Anna's that did something."""
    receipt = queue.ask(command, task_id, priority, ANNA)
    assert receipt is not None
    return receipt


def _standing(found: Lifecycle) -> tuple[object, ...]:
    """What a user sees of where a task is, but for when it was queued."""
    return (
        *(found.status, found.priority, found.order, found.run, found.attempt, found.paused_by, found.want),
        *(found.token, found.error, found.finished_ts, found.ready_ts),
    )


@pytest.mark.parametrize(
    ("status", "command"),
    [
        (S.QUEUED, C.PAUSE),
        (S.RUNNING, C.PAUSE),
        (S.PAUSED, C.RESUME),
        (S.QUEUED, C.PRIORITY),
        (S.RUNNING, C.PRIORITY),
        (S.DELAYED, C.PRIORITY),
        (S.PAUSED, C.PRIORITY),
        (S.QUEUED, C.CANCEL),
        (S.DELAYED, C.CANCEL),
        (S.PAUSED, C.CANCEL),
    ],
)
def test_a_command_is_taken_back(queue: Queue, status: Status, command: TaskCommand) -> None:
    put_into(queue, status)
    queue.enqueue(task("later"))
    before, depth = life(queue, "x"), queue.depth()
    receipt = _asked(queue, command, priority=9 if command is C.PRIORITY else None)
    queue.undo(receipt, BEN)
    after = life(queue, "x")
    assert _standing(after) == _standing(before)
    assert (after.by, queue.depth()) == (BEN, depth)
    with pytest.raises(TaskError, match="somebody has asked something else"):
        queue.undo(receipt)


def test_a_cancelled_task_comes_back_to_its_place_in_the_queue(queue: Queue) -> None:
    queue.enqueue_many([task(name) for name in ("a", "b", "c")])
    queue.undo(_asked(queue, C.CANCEL, "b"))
    who = worker(queue)
    assert [claimed(queue, who)[0] for _ in range(3)] == ["a", "b", "c"]


def test_a_new_run_that_was_cancelled_comes_back(queue: Queue) -> None:
    put_into(queue, S.DONE)
    queue.resubmit("x")
    before = life(queue, "x")
    receipt = _asked(queue, C.CANCEL)
    assert (life(queue, "x").status, life(queue, "x").run) == (S.DONE, 1)
    queue.undo(receipt)
    assert _standing(life(queue, "x")) == _standing(before)
    assert claim_one(queue, worker(queue)).run == 2
    queue.cancel("x")
    assert queue.release("x", life(queue, "x").token, S.QUEUED)
    assert (life(queue, "x").status, life(queue, "x").run) == (S.DONE, 1), "its first result is kept as ever"


def test_several_commands_are_taken_back_one_after_the_other(queue: Queue) -> None:
    queue.enqueue(task("x"))
    paused, raised = _asked(queue, C.PAUSE), _asked(queue, C.PRIORITY, priority=9)
    with pytest.raises(TaskError, match="something else"):
        queue.undo(paused)
    queue.undo(raised)
    queue.undo(paused)
    assert (life(queue, "x").status, life(queue, "x").priority) == (S.QUEUED, 5)


def test_what_a_worker_has_begun_is_not_taken_back(queue: Queue) -> None:
    queue.enqueue(task("x"))
    receipt = _asked(queue, C.PRIORITY, priority=9)
    claim_one(queue, worker(queue))
    with pytest.raises(TaskError, match="it has started since"):
        queue.undo(receipt)
    resumed = put_into(queue, S.PAUSED, "y")
    assert resumed is None
    receipt = _asked(queue, C.RESUME, "y")
    claim_one(queue, worker(queue))
    with pytest.raises(TaskError, match="it has started since"):
        queue.undo(receipt)


def test_the_cancel_of_a_running_task_is_not_taken_back(queue: Queue) -> None:
    put_into(queue, S.RUNNING)
    with pytest.raises(TaskError, match="it was running"):
        queue.undo(_asked(queue, C.CANCEL))
    assert life(queue, "x").want == "cancel"


def test_a_pause_is_taken_back_after_the_worker_has_heeded_it(queue: Queue) -> None:
    claim = put_into(queue, S.RUNNING)
    assert claim is not None
    receipt = _asked(queue, C.PAUSE)
    assert queue.release("x", claim.token, S.PAUSED, "user")
    assert (life(queue, "x").status, life(queue, "x").by) == (S.PAUSED, ANNA), "it is still her pause"
    queue.undo(receipt)
    assert life(queue, "x").status is S.QUEUED


def test_a_pause_of_the_campaign_stands_again(queue: Queue) -> None:
    claim = put_into(queue, S.RUNNING)
    assert claim is not None
    queue.want(Wanted.PAUSED)
    assert queue.release("x", claim.token, S.PAUSED, "campaign")
    receipt = _asked(queue, C.PAUSE)
    assert life(queue, "x").paused_by == "user"
    queue.undo(receipt)
    assert (life(queue, "x").status, life(queue, "x").paused_by) == (S.PAUSED, "campaign")
    queue.want(Wanted.RUNNING)
    assert life(queue, "x").status is S.QUEUED


def test_what_was_typed_by_hand_since_is_not_taken_back(queue: Queue) -> None:
    queue.enqueue(task("x"))
    receipt = _asked(queue, C.PRIORITY, priority=9)
    queue.client.execute_command("ZADD", queue.keys.queue, 7, "x")
    queue.reconcile()
    with pytest.raises(TaskError, match="it has been changed since"):
        queue.undo(receipt)
    assert life(queue, "x").priority == 7


def test_a_withdrawn_task_and_a_new_run_are_not_taken_back(queue: Queue) -> None:
    queue.enqueue(task("x"))
    receipt = _asked(queue, C.PAUSE)
    queue.withdraw(["x"])
    with pytest.raises(TaskError, match="it is withdrawn by now"):
        queue.undo(receipt)
    put_into(queue, S.CANCELLED, "y")
    with pytest.raises(TaskError, match="not taken back, but cancelled"):
        queue.undo(_asked(queue, C.RESUBMIT, "y"))


def test_who_asked_is_told_and_is_gone_with_the_next_change(queue: Queue) -> None:
    queue.enqueue(task("x"))
    queue.ask(C.PRIORITY, "x", 9, "anna@box \x1b[31m" + "long" * 50)
    told = life(queue, "x").by
    assert told.startswith("anna@box ?[31mlong")
    assert len(told) == 100
    *_, event = events_after(queue, (0, 0))
    assert event.data["by"] == told, "the event and a late reader say the same"
    claim = claim_one(queue, worker(queue))
    assert life(queue, "x").by == "", "nobody asked the worker to claim it"
    queue.ask(C.CANCEL, "x", None, BEN)
    assert queue.release("x", claim.token, S.QUEUED)
    assert (life(queue, "x").status, life(queue, "x").by) == (S.CANCELLED, BEN), "its worker has done as he asked"


def test_who_wants_what_of_the_whole_run_is_told(queue: Queue) -> None:
    queue.want(Wanted.PAUSED, ANNA)
    assert (state(queue).wanted, state(queue).wanted_by) == (Wanted.PAUSED, ANNA)
    with pytest.raises(TaskError, match="somebody has asked something else"):
        queue.want(Wanted.RUNNING, BEN, instead_of=Wanted.DRAINING)
    assert state(queue).wanted is Wanted.PAUSED
    assert queue.want(Wanted.RUNNING, BEN, instead_of=Wanted.PAUSED)
    assert (state(queue).wanted, state(queue).wanted_by) == (Wanted.RUNNING, BEN)
    queue.set_campaign({"name": "c"})
    assert state(queue).wanted_by == BEN, "what the supervisor tells has nothing to do with it"


def test_workers_are_asked_for(queue: Queue) -> None:
    assert queue.asked_workers() == 0
    assert queue.ask_workers(3, ANNA)
    assert not queue.ask_workers(3, BEN)
    run = state(queue)
    assert (queue.asked_workers(), run.asked_workers, run.asked_workers_by) == (3, 3, ANNA)
    *_, event = events_after(queue, (0, 0))
    assert (event.kind, event.data["asked_workers"], event.data["asked_workers_by"]) == (Kind.WORKERS, 3, ANNA)
    with pytest.raises(TaskError, match="the number of workers: somebody"):
        queue.ask_workers(1, BEN, instead_of=2)
    assert queue.ask_workers(0, BEN, instead_of=3)
    assert state(queue).asked_workers == 0


def test_a_name_of_a_task_is_checked(queue: Queue) -> None:
    with pytest.raises(InputError):
        queue.undo(Receipt("../x", C.PAUSE, 1, b"{}"))
    with pytest.raises(TaskError, match="no such task"):
        queue.undo(Receipt("x", C.PAUSE, 1, b'{"command":"pause"}'))
