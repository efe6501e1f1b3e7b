"""What a task carries from one state to the next, field by field."""

import time

import pytest
import redis

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Claim, Cost, Submission
from cqltui.state.model import Lifecycle, Status
from tests.contract.helpers import after, claim_one, claimed, life, put_into, state, task, worker
from tests.contract.readers import reader


def running(queue: Queue) -> Claim:
    claim = put_into(queue, Status.RUNNING)
    assert claim is not None
    return claim


def near(moment: float) -> bool:
    return abs(moment - time.time()) < 60


@pytest.mark.parametrize("retry_s", [None, 5.0])
def test_a_failure_does_not_forget_a_cancel(queue: Queue, retry_s: float | None) -> None:
    claim = running(queue)
    assert queue.cancel("x")
    assert life(queue, "x").want == "cancel"
    assert queue.fail("x", claim.token, "boom", retry_s)
    now = life(queue, "x")
    assert (now.status, now.want, now.error) == (Status.CANCELLED, "", "boom")
    assert near(now.finished_ts)
    assert claimed(queue, worker(queue)) == []


def test_a_failure_keeps_its_reason_and_its_wait(queue: Queue) -> None:
    claim = running(queue)
    assert queue.fail("x", claim.token, "boom", 500.0)
    now = life(queue, "x")
    assert (now.status, now.error, now.finished_ts) == (Status.DELAYED, "boom", 0)
    assert near(now.ready_ts - 500)
    queue.promote("x")
    assert (life(queue, "x").ready_ts, life(queue, "x").error) == (0, "boom")


def test_what_died_for_good_says_when(queue: Queue) -> None:
    assert queue.fail("x", running(queue).token, "boom", None)
    assert (life(queue, "x").status, life(queue, "x").error) == (Status.DEAD, "boom")
    assert near(life(queue, "x").finished_ts)


@pytest.mark.parametrize(("cancel", "status"), [(True, Status.CANCELLED), (False, Status.DEAD)])
def test_a_death_that_ends_a_task_says_when(queue: Queue, cancel: bool, status: Status) -> None:
    claim = running(queue)
    if cancel:
        queue.cancel("x")
    assert queue.died("x", claim.token, "signal 9", 1)
    now = life(queue, "x")
    assert (now.status, now.error, now.deaths) == (status, "signal 9", 1)
    assert near(now.finished_ts)


def test_a_cancel_says_when(queue: Queue) -> None:
    claim = running(queue)
    queue.enqueue(task("y"))
    queue.cancel("y")
    queue.cancel("x")
    assert queue.release("x", claim.token, Status.PAUSED)
    for task_id in ("x", "y"):
        assert life(queue, task_id).status is Status.CANCELLED
        assert near(life(queue, task_id).finished_ts)


def test_deaths_of_the_run_before_do_not_count(queue: Queue) -> None:
    queue.enqueue(task("x"))
    who = worker(queue)
    for _ in range(3):
        queue.died("x", claim_one(queue, who).token, "killed", 3)
    assert life(queue, "x").status is Status.DEAD
    assert queue.resubmit("x")
    for _ in range(2):
        assert queue.died("x", claim_one(queue, who).token, "killed", 3)
        assert life(queue, "x").status is Status.QUEUED


def test_a_new_run_begins_with_nothing_of_the_one_before(queue: Queue) -> None:
    claim = running(queue)
    queue.checkpoint("x", claim.token, 4)
    queue.fail("x", claim.token, "boom", None)
    before = life(queue, "x")
    assert queue.resubmit("x")
    now = life(queue, "x")
    assert now == Lifecycle(now.version, Status.QUEUED, 5, before.order + 1, 2, queued_ts=now.queued_ts)
    assert near(now.queued_ts)


def test_the_first_claim_of_a_run_is_its_start(queue: Queue) -> None:
    claim = running(queue)
    first = life(queue, "x")
    assert first.started_ts == first.claimed_ts
    assert near(first.started_ts)
    queue.release("x", claim.token)
    assert life(queue, "x").queued_ts > first.queued_ts
    second = claim_one(queue, worker(queue))
    now = life(queue, "x")
    assert (now.started_ts, now.attempt, now.token) == (first.started_ts, 2, second.token)
    assert now.claimed_ts > first.claimed_ts


def test_only_the_attempt_that_did_it_is_told_that_it_is_done(queue: Queue) -> None:
    claim = running(queue)
    assert queue.complete("x", claim.token, {})
    assert queue.complete("x", claim.token, {})
    assert not queue.complete("x", claim.token + "0", {})
    now = life(queue, "x")
    assert (now.status, now.token, now.error) == (Status.DONE, claim.token, "")
    assert near(now.finished_ts)


def test_a_token_of_the_epoch_before_is_refused(queue: Queue) -> None:
    claim = running(queue)
    queue.client.execute_command("HSET", queue.keys.meta, "epoch", 2)
    assert not queue.checkpoint("x", claim.token, 1)
    assert not queue.complete("x", claim.token, {})
    assert not queue.release("x", claim.token)
    assert life(queue, "x").status is Status.RUNNING


def test_a_lease_without_its_task_is_ended_by_its_own_token_only(queue: Queue, client: redis.Redis) -> None:
    claim = running(queue)
    queue.complete("x", claim.token, {})
    client.execute_command("HSET", queue.keys.leases, "x", f"{claim.token}|4|maker")
    assert not queue.died("x", "1-1", "silent", 3)
    assert [lease.token for lease in queue.leases()] == [claim.token]
    assert not queue.died("x", claim.token, "silent", 3)
    assert queue.leases() == []
    assert life(queue, "x").status is Status.DONE


def of_cost(task_id: str, flops: int, pack: str = "k", priority: int = 5) -> Submission:
    base = task(task_id, priority, pack)
    return Submission(base.id, base.digest, base.info, base.spec, pack, priority, Cost(flops, 10))


def test_what_a_worker_holds_itself_is_not_others_work(queue: Queue) -> None:
    queue.set_workers(2)
    who = worker(queue)
    queue.enqueue(of_cost("big", 200, "other", 9))
    assert claimed(queue, who) == ["big"]
    queue.enqueue_many(of_cost(f"t{n:02}", 10) for n in range(20))
    assert len(claimed(queue, who, 64)) == 10


def test_the_file_may_change_what_a_task_costs(queue: Queue) -> None:
    queue.set_workers(2)
    queue.enqueue_many(of_cost(f"t{n}", 10) for n in range(4))
    queue.enqueue(of_cost("t0", 1000))
    assert claimed(queue, worker(queue), 64) == ["t0"], "more than half of the work"


@pytest.mark.parametrize("while_running", [True, False])
def test_the_file_may_change_with_whom_a_task_trains(queue: Queue, while_running: bool) -> None:
    who = worker(queue)
    queue.enqueue_many([of_cost("a", 10, "old"), of_cost("b", 10, "old")])
    claim = claim_one(queue, who) if while_running else None
    queue.enqueue_many([of_cost("a", 10, "new"), of_cost("c", 10, "new")])
    if claim is not None:
        queue.release("a", claim.token)
    assert claimed(queue, who, 64) == ["a", "c"]
    assert claimed(queue, who, 64) == ["b"]


def test_a_withdrawn_task_comes_back_with_the_files_priority(queue: Queue) -> None:
    queue.enqueue(task("x", 5))
    queue.withdraw(["x"])
    queue.enqueue_many([task("x", 9), task("y", 8)])
    assert (life(queue, "x").status, life(queue, "x").priority) == (Status.QUEUED, 9)
    assert claimed(queue, worker(queue)) == ["x"]


def notices(queue: Queue) -> list[tuple[str, str]]:
    told = after(reader(queue).poll(5), state(queue)).notices
    return [(notice.level, notice.text) for notice in told]


@pytest.mark.parametrize(("count", "more"), [(5, ""), (6, "; and 1 more")])
def test_many_foreign_ids_are_counted(queue: Queue, count: int, more: str) -> None:
    for n in range(count):
        queue.client.execute_command("ZADD", queue.keys.queue, 5, f"n{n}")
    queue.reconcile()
    first = "; ".join(f'"n{n}" is no task of this campaign' for n in range(5))
    assert notices(queue) == [("warning", f"taken out of training_queue: {first}{more}")]


def test_what_is_taken_out_by_hand_is_paused_and_told(queue: Queue) -> None:
    queue.enqueue_many([task("a"), task("b")])
    queue.client.execute_command("ZREM", queue.keys.queue, "a")
    assert queue.reconcile() == 1
    assert (life(queue, "a").status, life(queue, "a").paused_by) == (Status.PAUSED, "user")
    assert notices(queue) == [
        ("warning", "taken out of training_queue by hand: a (paused; resume brings them back)"),
    ]
    assert queue.reconcile() == 0
    queue.resume("a")
    assert claimed(queue, worker(queue)) == ["a"]


def test_a_key_that_was_overwritten_is_an_error(queue: Queue, client: redis.Redis) -> None:
    queue.enqueue(task("a"))
    client.execute_command("SET", queue.keys.queue, "mine")
    queue.reconcile()
    ((level, text),) = notices(queue)
    assert level == "error"
    assert text.startswith("training_queue was overwritten by a string; it is kept as training_queue.")
    assert claimed(queue, worker(queue)) == ["a"]
