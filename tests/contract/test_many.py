"""What a queue of very many tasks does differently: samples in place of scans, and a journal that keeps up."""

import contextlib
from collections.abc import Iterator

import pytest
import redis
from msgspec.structs import replace

from cqltui.broker.protocol import queue as protocol
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Cost, Directive, Submission
from cqltui.broker.server.acl import WORKER
from cqltui.broker.server.connect import connect_url
from cqltui.broker.server.epoch import open_epoch
from cqltui.broker.server.handle import ServerHandle
from cqltui.state.live import MANY_WORKERS
from cqltui.supervisor import submit
from cqltui.supervisor.records import Records
from tests.contract.helpers import claimed, formed, life, task, worker
from tests.scale.campaigns import place

SAMPLED = 600
"""More than are looked at one by one."""


def of_cost(count: int, prefix: str, priority: int, pack: str) -> list[Submission]:
    """So many tasks of 100 FLOPs each."""
    return [replace(task(f"{prefix}{n}", priority, pack), cost=Cost(10, 10)) for n in range(count)]


def leased(queue: Queue) -> None:
    """Other workers hold many tasks."""
    other = worker(queue, "other")
    queue.enqueue_many(of_cost(SAMPLED, "held", 9, ""))
    for _ in range(SAMPLED):
        assert claimed(queue, other)


def test_what_many_others_have_left_is_told_by_a_sample(any_queue: Queue) -> None:
    leased(any_queue)
    any_queue.enqueue_many(of_cost(20, "t", 5, "k"))
    any_queue.set_workers(62)  # 600 and 20 tasks, to be shared: ten each
    assert len(claimed(any_queue, worker(any_queue), 64)) == 10


def test_what_is_queued_is_told_by_a_sample(queue: Queue) -> None:
    queue.enqueue_many(of_cost(1_000, "t", 5, "k"))
    queue.set_workers(100)
    assert len(claimed(queue, worker(queue), 64)) == 10


@pytest.fixture
def earlier_rights(server: ServerHandle, client: redis.Redis) -> Iterator[Queue]:
    """For a worker whose user was made by an earlier version, which drew no samples and knew of no rows."""
    rules = WORKER.rules(Keys(), "secret").split()
    client.execute_command(*(rule for rule in rules if rule not in ("+hlen", "+hrandfield", "+hscan")))
    with contextlib.closing(connect_url(f"unix://{WORKER.user}:secret@{server.socket}")) as limited:
        yield Queue(limited)
    client.execute_command("ACL", "DELUSER", WORKER.user)


def test_a_user_of_an_earlier_version_looks_at_them_all(queue: Queue, earlier_rights: Queue) -> None:
    leased(queue)
    queue.enqueue_many(of_cost(20, "t", 5, "k"))
    queue.set_workers(62)
    assert len(claimed(earlier_rights, worker(earlier_rights), 64)) == 10


def test_a_user_of_an_earlier_version_claims_what_has_no_hash(queue: Queue, earlier_rights: Queue) -> None:
    assert earlier_rights.snapshot().data["tasks"] == {}, "where there are no rows none are asked for"
    queue.enqueue_many([formed("a"), formed("b")], rows=True)
    assert claimed(earlier_rights, worker(earlier_rights)) == ["a"]


def test_who_holds_a_lease_is_asked_once_and_a_fence_still_shows(queue: Queue) -> None:
    queue.enqueue_many([task("a"), task("b")])
    who = worker(queue)
    assert claimed(queue, who) == ["a"]
    assert [(lease.id, lease.fenced) for lease in queue.leases()] == [("a", False)]
    assert claimed(queue, worker(queue, "w2")) == ["b"]
    worker(queue)  # another process of the same id
    assert {lease.id: lease.fenced for lease in queue.leases()} == {"a": True, "b": False}
    (lease,) = (lease for lease in queue.leases() if lease.id == "a")
    assert queue.died("a", lease.token, "replaced", 3)
    assert claimed(queue, queue.register_worker("w1", {}, "the next"), 1) == ["a"]
    assert {lease.id: lease.fenced for lease in queue.leases()} == {"a": False, "b": False}, "of the new claim"
    assert life(queue, "a").attempt == 2


def test_the_journal_has_what_a_large_submission_drives_out_of_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (protocol, submit):
        monkeypatch.setattr(module, "BATCH", 2)
        monkeypatch.setattr(module, "ROUND", 1)
    with place(7) as at, contextlib.closing(Records(at.run_dir)) as records:
        open_epoch(at.client, at.run_dir.server / "epoch")
        submit.submit(at.server.queue, at.campaign, at.data, records)
        assert records.version == (1, 6), "the last round is for the supervisor's first reading"
        assert at.run_dir.journal.read_bytes().count(b"task.queued") == 6


def test_of_many_workers_a_report_brings_the_curves_that_somebody_looks_at(queue: Queue) -> None:
    queue.enqueue_many([task("a", 5, "k"), task("b", 5, "k"), task("c", 5, "k")])
    who = worker(queue)
    leases = {claim.id: claim.token for claim in queue.claim(who, limit=3)}
    queue.look_at(["b", "gone"])
    few = queue.heartbeat(who, leases, {})
    assert (few.workers, few.looked) == (1, frozenset()), "all are told"
    for n in range(MANY_WORKERS):
        worker(queue, f"other{n}")
    many = queue.heartbeat(who, leases, {})
    assert (many.workers, many.looked) == (MANY_WORKERS + 1, frozenset("b"))
    assert set(many.directives.values()) == {Directive.OK}, "the sign is no part of it"
    queue.look_at(["c"], seconds=0)
    queue.look_at(["a"], seconds=60)
    queue.pause("a")
    asked = queue.heartbeat(who, leases, {})
    assert (asked.looked, asked.directives["a"]) == (frozenset("ab"), Directive.PAUSE)
