"""Submission, order, claims, leases and fencing."""

import pytest
import redis

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Directive, FencedError, ServerFullError, TaskError, UnregisteredError
from cqltui.errors import InputError
from cqltui.state.events import parse_token
from cqltui.state.model import Status, Wanted
from tests.contract.helpers import claim_one, claimed, life, put_into, state, task, worker


def test_priority_then_submission_order(any_queue: Queue) -> None:
    queue = any_queue
    queue.enqueue_many([task("z", 6), task("b", 8), task("a", 8), task("m", 7), task("c", 8)])
    who = worker(queue)
    assert [claimed(queue, who)[0] for _ in range(5)] == ["b", "a", "c", "m", "z"]
    assert claimed(queue, who) == []
    assert queue.depth() == 0


def test_a_pack_has_one_key_and_one_priority(any_queue: Queue) -> None:
    queue = any_queue
    queue.enqueue_many([task("a", 5, "k"), task("b", 5, "other"), task("c", 5, "k")])
    queue.enqueue_many([task("d", 4, "k"), task("e", 5, "k")])
    who = worker(queue)
    first = queue.claim(who, limit=2)
    assert [claim.id for claim in first] == ["a", "c"]
    assert len({claim.token for claim in first}) == 2
    assert claimed(queue, who, 9) == ["b"]
    assert claimed(queue, who, 9) == ["e"]
    assert claimed(queue, who, 9) == ["d"]


def test_tasks_without_a_pack_key_train_alone(queue: Queue) -> None:
    queue.enqueue_many([task("a"), task("b")])
    assert claimed(queue, worker(queue), 5) == ["a"]


def test_min_priority(queue: Queue) -> None:
    queue.enqueue_many([task("low", 3), task("high", 7)])
    who = worker(queue)
    assert [claim.id for claim in queue.claim(who, min_priority=5)] == ["high"]
    assert queue.claim(who, min_priority=5) == []


def test_a_repeated_nonce_gets_the_same_answer(any_queue: Queue) -> None:
    queue = any_queue
    queue.enqueue_many([task("a", pack="k"), task("b", pack="k"), task("c", pack="k")])
    who = worker(queue)
    first = queue.claim(who, nonce="n1", limit=2)
    assert queue.claim(who, nonce="n1", limit=2) == first
    assert queue.depth() == 1
    assert [claim.id for claim in queue.claim(who, nonce="n2", limit=2)] == ["c"]


def test_a_tokens_counter_never_comes_again(any_queue: Queue) -> None:
    queue = any_queue
    queue.enqueue_many([task("a", pack="k"), task("b", pack="k"), task("c"), task("d", pack="l"), task("e", pack="l")])
    who = worker(queue)
    before = [parse_token(claim.token) for claim in queue.claim(who, limit=2)]
    queue.client.execute_command("HDEL", queue.keys.meta, "token")  # as if the last writes had been lost
    (after,) = (parse_token(claim.token) for claim in queue.claim(who))
    assert before[0] < before[1] < after
    ahead = 2**52  # as if the clock had been set back
    queue.client.execute_command("HSET", queue.keys.meta, "token", ahead)
    assert [parse_token(claim.token)[1] for claim in queue.claim(who, limit=2)] == [ahead + 1, ahead + 2]
    assert int(queue.client.execute_command("HGET", queue.keys.meta, "token")) == ahead + 2


def test_a_repeated_nonce_leaves_out_what_is_lost(queue: Queue) -> None:
    queue.enqueue(task("a"))
    who = worker(queue)
    (claim,) = queue.claim(who, nonce="n1")
    assert queue.died("a", claim.token, "gone", 3)
    assert queue.claim(who, nonce="n1") == []


@pytest.mark.parametrize("wanted", [Wanted.PAUSED, Wanted.DRAINING, Wanted.STOPPED])
def test_no_claims_unless_running(queue: Queue, wanted: Wanted) -> None:
    queue.enqueue(task("a"))
    who = worker(queue)
    assert queue.want(wanted)
    assert not queue.want(wanted)
    assert claimed(queue, who) == []
    assert queue.want(Wanted.RUNNING)
    assert claimed(queue, who) == ["a"]


def test_enqueue_is_idempotent_and_refuses_another_definition(any_queue: Queue) -> None:
    queue = any_queue
    queue.enqueue(task("a", description="old"))
    queue.enqueue(task("a", description="new"))
    assert queue.depth() == 1
    assert state(queue).tasks["a"].info.description == "new"
    with pytest.raises(TaskError, match="task a: the server holds another definition"):
        queue.enqueue_many([task("a", digest="e"), task("b")])
    assert queue.ids() == ["a", "b"]


def test_a_priority_changed_in_the_file_counts_but_not_over_the_users(queue: Queue) -> None:
    queue.enqueue_many([task("a", 5), task("b", 5)])
    queue.set_priority("a", 9)
    queue.enqueue_many([task("a", 5), task("b", 6)])
    assert (life(queue, "a").priority, life(queue, "b").priority) == (9, 6)
    assert claimed(queue, worker(queue)) == ["a"]


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.WITHDRAWN])
def test_withdrawn_and_back_in_the_file(queue: Queue, status: Status) -> None:
    claim = put_into(queue, status)
    assert queue.withdraw(["x", "unknown"]) == 1
    assert queue.withdraw(["x"]) == 0
    assert life(queue, "x").status is Status.WITHDRAWN
    assert queue.depth() == 0
    if claim is not None:
        assert not queue.complete("x", claim.token, {})
    queue.enqueue(task("x"))
    back = Status.QUEUED if status in {Status.RUNNING, Status.DELAYED} else status
    assert life(queue, "x").status is back
    assert queue.depth() == (back is Status.QUEUED)


def test_results_are_recorded_once_and_late_ones_refused(any_queue: Queue) -> None:
    queue = any_queue
    queue.enqueue(task("a"))
    old, new = worker(queue, "old"), worker(queue, "new")
    zombie = claim_one(queue, old)
    assert queue.died("a", zombie.token, "lease expired", 3)
    claim = claim_one(queue, new)
    assert claim.attempt == 2
    assert not queue.complete("a", zombie.token, {"loss": 9.0})
    assert not queue.checkpoint("a", zombie.token, 5)
    assert not queue.fail("a", zombie.token, "x", None)
    assert not queue.release("a", zombie.token)
    assert not queue.died("a", zombie.token, "again", 3)
    assert queue.heartbeat(old, {"a": zombie.token}, {}).directives == {"a": Directive.LOST}
    assert queue.complete("a", claim.token, {"loss": 1.0})
    assert queue.complete("a", claim.token, {"loss": 2.0}), "a call that was sent twice is told the same"
    (result,) = queue.results()
    assert (result.run, result.attempt, result.token, result.worker) == (1, 2, claim.token, "new")
    assert result.data == {"loss": 1.0}
    assert queue.result("a", 1) == result
    assert life(queue, "a").token == claim.token


def test_an_older_worker_of_the_same_id_is_fenced(any_queue: Queue) -> None:
    queue = any_queue
    queue.enqueue_many([task("a"), task("b")])
    older = worker(queue, "w")
    claim = claim_one(queue, older)
    newer = worker(queue, "w")
    with pytest.raises(FencedError):
        queue.claim(older)
    report = queue.heartbeat(older, {"a": claim.token}, {})
    assert (report.registered, report.fenced) == (False, True)
    assert report.directives == {"a": Directive.LOST}
    assert not queue.complete("a", claim.token, {})
    assert [(lease.id, lease.fenced) for lease in queue.leases()] == [("a", True)]
    assert not queue.unregister_worker(older)
    assert claimed(queue, newer) == ["b"]
    assert queue.died("a", claim.token, "fenced", 3)
    assert life(queue, "a").status is Status.QUEUED


def test_an_unknown_worker_is_told_to_register(queue: Queue, client: redis.Redis) -> None:
    who = worker(queue)
    client.flushall()
    with pytest.raises(UnregisteredError):
        queue.claim(who)
    report = queue.heartbeat(who, {"a": "1-1"}, {})
    assert not report.registered
    assert not report.fenced


def test_active_workers(queue: Queue, client: redis.Redis) -> None:
    who = worker(queue, "w1")
    worker(queue, "w2")
    assert client.execute_command("SMEMBERS", "active_workers") == {b"w1", b"w2"}
    assert queue.unregister_worker(who)
    assert queue.unregister_worker("w2")
    assert not queue.unregister_worker("w2")
    assert client.execute_command("EXISTS", "active_workers") == 0


def test_leases_count_heartbeats(queue: Queue) -> None:
    queue.enqueue(task("a"))
    who = worker(queue)
    claim = claim_one(queue, who)
    assert [(lease.token, lease.beat, lease.worker) for lease in queue.leases()] == [(claim.token, 0, "w1")]
    queue.heartbeat(who, {"a": claim.token}, {})
    queue.progress(who, [{"task": "a", "token": claim.token, "step": 3, "epoch": 1}], {})
    (lease,) = queue.leases()
    assert (lease.beat, lease.fenced) == (2, False)


def test_progress_is_stored_and_shown(queue: Queue) -> None:
    queue.enqueue(task("a"))
    who = worker(queue)
    claim = claim_one(queue, who)
    member = {"task": "a", "token": claim.token, "step": 3, "epoch": 1, "loss": float("nan"), "curve": [[1, 0.5]]}
    report = queue.progress(who, [member], {"pid": 7, "device": "cpu", "samples_per_s": 12.5})
    assert report.directives == {"a": Directive.OK}
    seen = state(queue)
    progress = seen.tasks["a"].progress
    assert progress is not None
    assert (progress.step, progress.metrics.get("loss"), progress.curve) == (3, None, ((1, 0.5),))
    assert progress.ts > 0
    assert (seen.workers["w1"].tasks, seen.workers["w1"].pid) == (("a",), 7)


@pytest.mark.parametrize(
    ("wanted", "directive"),
    [
        (Wanted.RUNNING, Directive.OK),
        (Wanted.DRAINING, Directive.OK),
        (Wanted.PAUSED, Directive.PAUSE),
        (Wanted.STOPPED, Directive.STOP),
    ],
)
def test_what_the_campaign_wants_of_running_tasks(queue: Queue, wanted: Wanted, directive: Directive) -> None:
    queue.enqueue(task("a"))
    who = worker(queue)
    claim = claim_one(queue, who)
    queue.want(wanted)
    report = queue.heartbeat(who, {"a": claim.token}, {})
    assert report.directives == {"a": directive}
    assert report.wanted is wanted
    queue.cancel("a")
    assert queue.heartbeat(who, {"a": claim.token}, {}).directives == {"a": Directive.CANCEL}


def test_a_full_server_still_records(any_queue: Queue, any_client: redis.Redis) -> None:
    queue, client = any_queue, any_client
    queue.enqueue_many([task(f"t{i}") for i in range(6)])
    who = worker(queue)
    claims = [claim_one(queue, who) for _ in range(4)]
    used = int(client.execute_command("INFO", "memory")["used_memory"])
    client.execute_command("CONFIG", "SET", "maxmemory", used // 2)
    try:
        with pytest.raises(ServerFullError, match="maxmemory"):
            queue.enqueue(task("new"))
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.execute_command("SET", "other", "x")
        assert queue.heartbeat(who, {c.id: c.token for c in claims}, {}).registered
        assert queue.checkpoint("t0", claims[0].token, 4)
        assert queue.complete("t0", claims[0].token, {"loss": 1.0})
        assert queue.fail("t1", claims[1].token, "boom", 0.0)
        assert queue.release("t2", claims[2].token)
        assert queue.died("t3", claims[3].token, "killed", 3)
        assert queue.promote() == 1
        assert queue.pause("t4")
        assert queue.resume("t4")
        assert queue.cancel("t5")
        assert queue.resubmit("t5")
        assert queue.set_priority("t5", 9)
        assert claimed(queue, who) == ["t5"]
        queue.reconcile()
        queue.notice("info", "still here")
        assert queue.withdraw(["t4"]) == 1
        assert queue.want(Wanted.DRAINING)
        queue.unregister_worker(who)
        worker(queue)
    finally:
        client.execute_command("CONFIG", "SET", "maxmemory", 0)
    assert [result.id for result in queue.results()] == ["t0"]


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", "a\n", "a\0", "\x1b[31m", "é", "-a", "x" * 65, "[red]"])
def test_names_are_checked_where_they_enter(queue: Queue, name: str) -> None:
    with pytest.raises(InputError):
        queue.enqueue(task(name))
    with pytest.raises(InputError):
        queue.register_worker(name, {})
    with pytest.raises(InputError):
        queue.pause(name)


def test_namespaces_do_not_meet(client: redis.Redis) -> None:
    one, two = Queue(client, "one"), Queue(client, "two")
    one.enqueue(task("a"))
    assert claimed(two, worker(two)) == []
    assert client.execute_command("ZCARD", "one:training_queue") == 1
    with pytest.raises(ValueError, match="namespace"):
        Queue(client, "a:b")
