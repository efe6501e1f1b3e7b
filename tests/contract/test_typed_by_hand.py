"""What users type with redis-cli: zadd and zrem on training_queue, with anything in them."""

import io

import pytest
import redis

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server import redis_cli
from cqltui.state.model import Status
from cqltui.state.reduce import reduce_all
from tests.contract.helpers import claim_one, claimed, eventually, life, put_into, state, task, worker
from tests.contract.readers import reader


def _zadd(queue: Queue, score: float | str, member: str | bytes) -> None:
    queue.client.execute_command("ZADD", queue.keys.queue, score, member)


def _notices(queue: Queue) -> list[str]:
    events = reader(queue).poll(5)
    return [notice.text for notice in reduce_all(state(queue), events).notices]


def test_a_new_priority_for_a_queued_task_counts_at_once(any_queue: Queue) -> None:
    queue = any_queue
    queue.enqueue_many([task("a"), task("b"), task("c")])
    _zadd(queue, 9, "c")
    who = worker(queue)
    assert claimed(queue, who) == ["c"], "before any reconcile"
    _zadd(queue, 7, "b")
    assert queue.reconcile() == 1
    assert life(queue, "b").priority == 7
    assert queue.reconcile() == 0
    assert claimed(queue, who) == ["b"]


def test_two_that_change_places_are_noticed(queue: Queue) -> None:
    queue.enqueue_many([task("a", 5), task("b", 6)])
    _zadd(queue, 6, "a")
    _zadd(queue, 5, "b")
    assert queue.reconcile() == 2
    assert (life(queue, "a").priority, life(queue, "b").priority) == (6, 5)


def test_moved_between_levels_first_in_first_out_holds(queue: Queue) -> None:
    queue.enqueue_many([task("a", 5), task("b", 6), task("c", 6)])
    _zadd(queue, 6, "a")
    who = worker(queue)
    assert [claimed(queue, who)[0] for _ in range(3)] == ["a", "b", "c"]


def test_for_a_running_task_it_is_the_next_priority(any_queue: Queue) -> None:
    queue = any_queue
    claim = put_into(queue, Status.RUNNING)
    assert claim is not None
    _zadd(queue, 9, "x")
    assert claimed(queue, worker(queue)) == [], "it runs already"
    queue.reconcile()
    assert queue.depth() == 0
    assert life(queue, "x").status is Status.RUNNING
    queue.release("x", claim.token)
    assert life(queue, "x").priority == 9


@pytest.mark.parametrize("status", [Status.DONE, Status.DEAD, Status.CANCELLED])
def test_for_an_ended_task_it_is_a_resubmission(any_queue: Queue, status: Status) -> None:
    queue = any_queue
    put_into(queue, status)
    _zadd(queue, 9, "x")
    queue.reconcile()
    now = life(queue, "x")
    assert (now.status, now.run, now.priority) == (Status.QUEUED, 2, 9)
    assert claim_one(queue, worker(queue)).run == 2


def test_a_delayed_task_is_queued_at_once(queue: Queue) -> None:
    put_into(queue, Status.DELAYED)
    _zadd(queue, 9, "x")
    assert claimed(queue, worker(queue)) == ["x"]
    assert queue.client.execute_command("ZCARD", "cq:delayed") == 0


@pytest.mark.parametrize("status", [Status.PAUSED, Status.WITHDRAWN])
def test_a_paused_or_withdrawn_task_stays_so(queue: Queue, status: Status) -> None:
    put_into(queue, status)
    _zadd(queue, 9, "x")
    queue.reconcile()
    assert queue.depth() == 0
    assert life(queue, "x").status is status
    assert any("x" in text for text in _notices(queue))


@pytest.mark.parametrize("score", ["inf", "-inf", "-8", "7.5", "1e300", "1000001"])
@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.DONE, Status.PAUSED])
def test_a_score_that_is_no_priority_changes_nothing_but_is_told(queue: Queue, status: Status, score: str) -> None:
    put_into(queue, status)
    _zadd(queue, score, "x")
    queue.reconcile()
    now = life(queue, "x")
    assert (now.status, now.priority) == (status, 5)
    assert queue.depth() == (status is Status.QUEUED)
    (text,) = _notices(queue)
    assert "is no priority" in text
    assert queue.reconcile() == 0


def test_a_wrong_score_does_not_hold_up_a_claim(queue: Queue) -> None:
    queue.enqueue_many([task("a"), task("b")])
    _zadd(queue, "inf", "b")
    assert claimed(queue, worker(queue)) == ["a"]


FOREIGN = [b"\xff\xfe", b"x" * 10_000, b"a\nb\x1b[31m", b"", b"[bold]", "é".encode(), b"a\0b"]


@pytest.mark.parametrize("at_claim", [True, False])
def test_unknown_ids_are_rejected_with_one_notice(any_queue: Queue, at_claim: bool) -> None:
    queue = any_queue
    queue.enqueue(task("a"))
    for raw in FOREIGN:
        _zadd(queue, 9, raw)
    if at_claim:
        assert claimed(queue, worker(queue)) == ["a"]
    else:
        queue.reconcile()
        assert queue.depth() == 1
    rejected = queue.client.execute_command("ZRANGE", queue.keys.rejected, 0, -1)
    assert set(rejected) == {raw[:200] for raw in FOREIGN}
    (text,) = _notices(queue)
    assert text.endswith("and 2 more")
    assert text.isascii()
    assert text.isprintable()


def test_a_flood_of_unknown_ids_is_bounded(queue: Queue) -> None:
    queue.client.execute_command("ZADD", queue.keys.queue, *[v for i in range(3000) for v in (5, f"u{i}")])
    queue.enqueue(task("a"))
    queue.reconcile()
    assert queue.depth() == 1
    assert queue.client.execute_command("ZCARD", queue.keys.rejected) == 1000


def test_taken_out_by_hand_is_paused(any_queue: Queue) -> None:
    queue = any_queue
    queue.enqueue_many([task("a"), task("b")])
    queue.client.execute_command("ZREM", queue.keys.queue, "a")
    queue.reconcile()
    assert (life(queue, "a").status, life(queue, "a").paused_by) == (Status.PAUSED, "user")
    assert queue.resume("a")
    assert claimed(queue, worker(queue)) == ["a"]


def test_a_queue_overwritten_by_another_type_comes_back(any_queue: Queue) -> None:
    queue = any_queue
    queue.enqueue_many([task("a", 6), task("b", 5)])
    queue.client.execute_command("SET", queue.keys.queue, "oops")
    queue.reconcile()
    assert [queue.client.execute_command("ZSCORE", queue.keys.queue, name) for name in ("a", "b")] == [6, 5]
    assert any("overwritten" in text for text in _notices(queue))


def test_a_long_queue_is_looked_at_bit_by_bit(queue: Queue) -> None:
    queue.enqueue_many([task(f"t{i}") for i in range(2500)])
    for name in ("t3", "t2400"):
        _zadd(queue, 6, name)
    assert queue.reconcile() == 2
    _zadd(queue, 6, "t7")
    _zadd(queue, 5, "t3")
    eventually(lambda: queue.reconcile() == 0 and life(queue, "t7").priority == 6 and life(queue, "t3").priority == 5)


def _typed(client: redis.Redis, *words: str, formatted: bool = True) -> tuple[int, str]:
    out = io.StringIO()
    code = redis_cli.main(words, client, out, formatted=formatted)
    return code, out.getvalue()


def test_our_redis_cli_prints_like_redis_cli(queue: Queue) -> None:
    queue.enqueue_many([task("a"), task("b", 6)])
    worker(queue, "w1")
    assert _typed(queue.client, "zcard", "training_queue") == (0, "(integer) 2\n")
    assert _typed(queue.client, "ZCARD", "training_queue", formatted=False) == (0, "2\n")
    assert _typed(queue.client, "smembers", "active_workers") == (0, '1) "w1"\n')
    assert _typed(queue.client, "zrange", "training_queue", "0", "-1", "withscores") == (
        0,
        '1) "a"\n2) "5"\n3) "b"\n4) "6"\n',
    )
    assert _typed(queue.client, "get", "nothing") == (0, "(nil)\n")
    assert _typed(queue.client, "lrange", "nothing", "0", "-1") == (0, "(empty array)\n")
    assert _typed(queue.client, "ping") == (0, "PONG\n")
    assert _typed(queue.client, "eval", "return {1, {'a', 2}}", "0") == (
        0,
        '1) (integer) 1\n2) 1) "a"\n   2) (integer) 2\n',
    )
    assert _typed(queue.client, "zadd", "training_queue", "9", "a") == (0, "(integer) 0\n")
    queue.reconcile()
    assert life(queue, "a").priority == 9


def test_our_redis_cli_shows_errors_and_escapes(queue: Queue) -> None:
    code, text = _typed(queue.client, "nonsense")
    assert code == 1
    assert text.startswith("(error) ERR unknown command")
    assert _typed(queue.client, "monitor")[0] == 1
    assert _typed(queue.client)[0] == 1
    queue.client.execute_command("SET", "odd", b'\x1b[31m\xff"\n')
    assert _typed(queue.client, "get", "odd") == (0, '"\\x1b[31m\\xff\\"\\n"\n')
    assert _typed(queue.client, "zadd", "training_queue", "nan", "a")[0] == 1
