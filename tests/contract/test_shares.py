"""Who gets how much of the tasks that can train together: a fair share of the work, whoever asks first."""

from random import Random

import pytest
from msgspec.structs import replace

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Cost, Submission
from tests.contract.helpers import claimed, task, worker

LIMIT = 64


def trained(task_id: str, pack: str = "p", flops: int = 10, priority: int = 5, **cost: int) -> Submission:
    return replace(task(task_id, priority, pack), cost=Cost(epoch_flops=flops, epochs=10, **cost))


def ids(count: int, start: str = "t") -> list[str]:
    return [f"{start}{n:02}" for n in range(count)]


@pytest.mark.parametrize(
    ("tasks", "workers", "shares"),
    [(20, 2, [10, 10]), (3, 2, [2, 1]), (20, 1, [20]), (20, 3, [7, 7, 6]), (2, 4, [1, 1, 0, 0]), (1, 2, [1, 0])],
)
def test_equal_tasks_are_shared_evenly(queue: Queue, tasks: int, workers: int, shares: list[int]) -> None:
    queue.set_workers(workers)
    queue.enqueue_many(trained(task_id) for task_id in ids(tasks))
    # The first to ask gets no more though the others have not registered yet.
    assert [len(claimed(queue, worker(queue, f"w{n}"), LIMIT)) for n in range(workers)] == shares


def test_work_counts_in_flops_not_in_tasks(queue: Queue) -> None:
    queue.set_workers(2)
    queue.enqueue_many(trained(task_id, "small", flops=1) for task_id in ids(4, "s"))
    queue.enqueue_many(trained(task_id, "large", flops=100) for task_id in ids(3, "l"))
    first, second = worker(queue, "w1"), worker(queue, "w2")
    assert claimed(queue, first, LIMIT) == ids(4, "s")  # 4 of 304
    assert claimed(queue, second, LIMIT) == ["l00", "l01"]  # nearer to (300 + 4) / 2 than one or three


def test_what_others_have_left_counts(queue: Queue) -> None:
    queue.set_workers(2)
    busy, free = worker(queue, "w1"), worker(queue, "w2")
    queue.enqueue(trained("big", "other", flops=200, priority=9))
    (claim,) = queue.claim(busy, limit=LIMIT)
    queue.enqueue_many(trained(task_id) for task_id in ids(20))
    progress = {"task": "big", "token": claim.token, "resumed_epoch": 0, "epoch": 2, "step": 20}
    queue.progress(busy, [progress], {})  # 8 of 10 epochs are left: 1,600 against 2,000 queued
    assert len(claimed(queue, free, LIMIT)) == 18
    assert len(claimed(queue, busy, LIMIT)) == 2


def test_epochs_in_a_checkpoint_are_no_work_any_more(queue: Queue) -> None:
    queue.set_workers(1)
    who = worker(queue)
    queue.enqueue_many(trained(task_id) for task_id in ids(4))
    for claim in queue.claim(who, limit=2):
        queue.checkpoint(claim.id, claim.token, 9)
        queue.release(claim.id, claim.token)
    queue.set_workers(2)
    assert claimed(queue, who, LIMIT) == ids(3)  # 10 + 10 + 100 of 220


def test_a_claim_that_is_sent_twice_gives_the_same_share(queue: Queue) -> None:
    queue.set_workers(2)
    queue.enqueue_many(trained(task_id) for task_id in ids(20))
    who = worker(queue)
    first = queue.claim(who, nonce="n", limit=LIMIT)
    assert len(first) == 10
    assert queue.claim(who, nonce="n", limit=LIMIT) == first


def test_progress_of_an_earlier_run_is_no_work_done(queue: Queue) -> None:
    queue.set_workers(2)
    busy = worker(queue, "w1")
    queue.enqueue(trained("big", "other", flops=200, priority=9))
    (claim,) = queue.claim(busy)
    queue.progress(busy, [{"task": "big", "token": claim.token, "epoch": 10, "step": 100}], {})
    queue.complete("big", claim.token, {})
    queue.resubmit("big")
    assert len(queue.claim(busy)) == 1
    queue.enqueue_many(trained(task_id) for task_id in ids(20))
    assert len(claimed(queue, worker(queue, "w2"), LIMIT)) == 20


def test_a_pack_stays_within_the_memory_but_for_its_first_member(queue: Queue) -> None:
    who = worker(queue)
    queue.enqueue_many(trained(task_id, member_bytes=100, shared_bytes=50) for task_id in ids(9))
    assert [claim.id for claim in queue.claim(who, limit=LIMIT, memory_bytes=360)] == ids(3)
    assert len(queue.claim(who, limit=LIMIT, memory_bytes=10)) == 1
    assert len(queue.claim(who, limit=LIMIT, memory_bytes=10**6)) == 5


def test_only_mates_of_one_priority_train_together(queue: Queue) -> None:
    who = worker(queue)
    queue.enqueue_many([trained("a"), trained("b", priority=6), trained("c"), trained("d", "q"), trained("e", "")])
    assert claimed(queue, who, LIMIT) == ["b"]
    assert claimed(queue, who, LIMIT) == ["a", "c"]
    assert claimed(queue, who, LIMIT) == ["d"]
    assert claimed(queue, who, LIMIT) == ["e"]


def test_a_task_that_was_resubmitted_joins_another_pack(queue: Queue) -> None:
    who = worker(queue)
    queue.enqueue(trained("a"))
    (claim,) = queue.claim(who)
    queue.complete("a", claim.token, {"loss": 1.0})
    queue.enqueue(trained("b"))
    queue.resubmit("a")
    assert claimed(queue, who, LIMIT) == ["b", "a"]


def test_after_its_workers_death_a_pack_comes_back_one_by_one(queue: Queue) -> None:
    who = worker(queue)
    queue.enqueue_many(trained(task_id) for task_id in ids(3))
    for claim in queue.claim(who, limit=LIMIT):
        assert queue.died(claim.id, claim.token, "killed", max_deaths=3)
    assert [len(queue.claim(who, limit=LIMIT)) for _ in range(4)] == [1, 1, 1, 0]


@pytest.mark.parametrize("seed", range(5))
def test_no_task_is_given_twice_or_forgotten(queue: Queue, seed: int) -> None:
    draw = Random(seed)
    queue.set_workers(3)
    known = ids(60)
    queue.enqueue_many(
        trained(task_id, draw.choice("pqr"), draw.choice([1, 10, 300]), draw.choice([5, 6]), member_bytes=10)
        for task_id in known
    )
    workers, done = [worker(queue, f"w{n}") for n in range(3)], set[str]()
    for _ in range(400):
        who = draw.choice(workers)
        for claim in queue.claim(who, limit=draw.choice([1, 4, LIMIT]), memory_bytes=draw.choice([15, 60, 10**6])):
            assert claim.id not in done
            match draw.choice(["complete", "release", "die"]):
                case "complete":
                    assert queue.complete(claim.id, claim.token, {})
                    done.add(claim.id)
                case "release":
                    assert queue.release(claim.id, claim.token)
                case "die":
                    queue.died(claim.id, claim.token, "killed", max_deaths=10**6)
    assert sorted(done) == known
    assert queue.depth() == 0
