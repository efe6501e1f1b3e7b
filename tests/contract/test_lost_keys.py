"""Any one key of the server is lost: that is noticed, it is made again, and all goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Claim, Directive, Submission
from cqltui.results.rundir import RunDir
from cqltui.state.events import Event
from cqltui.state.model import Lifecycle, RunState, Status, Wanted
from cqltui.supervisor import audit
from cqltui.supervisor.audit import Audit
from cqltui.supervisor.records import Records
from tests.contract.helpers import after, claim_one, eventually, state, task, worker
from tests.contract.machine import invariants
from tests.contract.readers import polled, reader
from tests.unit.made import leave_result

TASKS = [
    task("ran", 9),
    task("retried", 8),
    task("died", 8),
    task("done", 8),
    task("runs", 7),
    task("first", 5, "k"),
    task("second", 5, "k"),
    task("alone", 4),
    task("held", 5),
    task("stopped", 5),
]
KEYS = [
    "training_queue",
    "active_workers",
    "cq:tasks",
    "cq:order:5",
    "cq:order:4",
    "cq:pack:5:k",
    "cq:levels",
    "cq:leases",
    "cq:delayed",
    "cq:paused",
    "cq:dead",
    "cq:results",
    "cq:events",
    "cq:notices",
    "cq:worker:w1",
    *(f"cq:task:{known.id}" for known in TASKS),
]


class Night:
    """A queue with a task in every state, its run directory, and what the supervisor does about it twice a second."""

    def __init__(self, queue: Queue, folder: Path) -> None:
        folder.mkdir()
        self.queue = queue
        self.run_dir = RunDir(folder)
        self.records = Records(self.run_dir)
        self.feed = reader(queue)
        self.seen: list[Event] = []
        self.submitted = 0
        self.who = worker(queue)
        self.claim = self._fill()
        self.audit = Audit(queue, self.records, [known.id for known in TASKS], self._submissions)
        queue.notice("info", "the night begins")
        eventually(lambda: polled(self.feed, self.seen).seq == state(queue).seq)
        for known in self.state.tasks.values():
            self.records.remember(known)

    def _submissions(self) -> list[Submission]:
        self.submitted += 1
        return TASKS

    def _fill(self) -> Claim:
        queue = self.queue
        queue.enqueue_many(TASKS)
        self.complete(claim_one(queue, self.who))
        assert queue.resubmit("ran", 8)
        queue.fail("retried", claim_one(queue, self.who).token, "boom", 3600.0)
        queue.fail("died", claim_one(queue, self.who).token, "boom", None)
        self.complete(claim_one(queue, self.who))
        self.complete(claim_one(queue, self.who))  # "ran" once more
        queue.pause("held")
        queue.cancel("stopped")
        return claim_one(queue, self.who)

    def complete(self, claim: Claim) -> None:
        """The task is done, with its files in the run directory."""
        folder = self.run_dir.attempt(claim.id, claim.run, claim.token)
        data = leave_result(folder, claim.id, claim.run, claim.token, attempt=claim.attempt)
        assert self.queue.complete(claim.id, claim.token, data)
        result = self.queue.result(claim.id, claim.run)
        assert result is not None
        assert self.records.publish(result)

    @property
    def state(self) -> RunState:
        """What the supervisor knows."""
        return after(self.seen)

    def chores(self) -> bool:
        """Once; whether nothing is out of line any more."""
        self.seen += self.feed.poll(0.02)
        self.audit.step(self.state)
        self.queue.reconcile()
        self.queue.promote()
        report = self.queue.heartbeat(self.who, {self.claim.id: self.claim.token}, {"pid": 1})
        if not report.registered:
            self.queue.register_worker("w1", {"pid": 1}, self.who.instance)
        self.seen += self.feed.poll(0.02)
        before = self.queue.version()
        self.audit.step(self.state)
        return self.queue.version() == before == (self.state.epoch, self.state.seq)

    def close(self) -> None:
        """The supervisor leaves."""
        self.feed.close()
        self.records.close()


@pytest.fixture
def night(queue: Queue, tmp_path: Path) -> Iterator[Night]:
    """A night in its midst."""
    made = Night(queue, tmp_path / "run")
    yield made
    made.close()


def _lives(run: RunState, lost: str) -> dict[str, tuple[object, ...]]:
    """What has to come back of each task. One whose hash is lost while it runs is queued."""
    return {name: _kept(known.life, f"cq:task:{name}" == lost) for name, known in run.tasks.items()}


def _kept(life: Lifecycle, lost: bool) -> tuple[object, ...]:
    again = lost and life.status in (Status.RUNNING, Status.DELAYED, Status.QUEUED)
    status = Status.QUEUED if again else life.status
    return status, life.priority, life.run, life.order, life.paused_by, "" if again else life.token, life.error


def _all_done(night: Night) -> list[list[str]]:
    """The rest of the night: what was claimed together."""
    queue = night.queue
    if queue.heartbeat(night.who, {"runs": night.claim.token}, {}).directives["runs"] is Directive.OK:
        night.complete(night.claim)
    groups = []
    while claims := queue.claim(night.who, limit=2):
        groups.append([claim.id for claim in claims])
        for claim in claims:
            night.complete(claim)
    return groups


@pytest.mark.parametrize("key", KEYS)
def test_a_lost_key_is_made_again(night: Night, client: redis.Redis, key: str) -> None:
    queue = night.queue
    before, notices = _lives(state(queue), key), night.state.notices
    results = [queue.result(*run) for run in (("done", 1), ("ran", 2))]
    assert client.delete(key) == 1
    late, seen = reader(queue), list[Event]()
    polled(late, seen)  # who looks first now may see less than all
    eventually(night.chores)
    assert _lives(state(queue), "") == before
    assert _lives(night.state, "") == before
    eventually(lambda: _lives(polled(late, seen), "") == before)
    late.close()
    for was in results:
        assert was is not None
        now = queue.result(was.id, was.run)
        assert now is not None
        assert (now.token, now.attempt, now.worker, now.data["metrics"]["loss"]) == (
            was.token,
            was.attempt,
            was.worker,
            0.5,
        )
    assert {notice.text for notice in after(reader(queue).poll(5)).notices} >= {notice.text for notice in notices}
    assert state(queue).workers.keys() == {"w1"}
    invariants(queue)
    queue.want(Wanted.PAUSED)
    queue.want(Wanted.RUNNING)  # brings back what the campaign's pause had paused
    for task_id in ("died", "stopped"):
        assert queue.resubmit(task_id)
    if key != "cq:task:retried":
        assert queue.promote("retried") == 1
    assert queue.resume("held")
    assert ["first", "second"] in _all_done(night), "still a pack"
    assert {known.status for known in state(queue).tasks.values()} == {Status.DONE}
    invariants(queue)


def test_nothing_lost_costs_one_call_and_says_nothing(night: Night) -> None:
    version = night.queue.version()
    for _ in range(3):
        night.audit.step(night.state)
    assert night.queue.version() == version
    assert night.submitted == 0


def test_of_many_tasks_those_that_nobody_would_come_back_to_are_looked_at_first(
    night: Night, monkeypatch: pytest.MonkeyPatch, client: redis.Redis
) -> None:
    monkeypatch.setattr(audit, "PAGE", 2)
    client.delete("cq:leases", "cq:delayed", "cq:paused")
    for _ in range(2):
        night.audit.step(night.state)
    assert night.state.tasks.keys() >= {"runs", "retried", "held"}
    invariants(night.queue)


def test_a_task_that_was_done_a_moment_ago_is_not_trained_again(night: Night, client: redis.Redis) -> None:
    known = night.state  # the supervisor has not heard yet
    night.complete(night.claim)
    client.delete("cq:task:runs")
    night.audit.step(known)
    assert "runs" not in state(night.queue).tasks, "its last event is waited for"
    eventually(night.chores)
    assert state(night.queue).tasks["runs"].status is Status.DONE
    assert night.queue.depth() == 3


def test_the_queue_lost_while_another_task_is_queued_pauses_nothing(queue: Queue) -> None:
    queue.enqueue_many([task("a"), task("b"), task("c", 6)])
    queue.pause("c")
    queue.client.delete(queue.keys.queue)
    queue.resume("c")
    queue.reconcile()
    assert {known.status for known in state(queue).tasks.values()} == {Status.QUEUED}
    assert queue.depth() == 3
    invariants(queue)


def test_a_delayed_task_without_a_hash_does_not_stop_the_others(queue: Queue) -> None:
    queue.enqueue_many([task("a"), task("b")])
    who = worker(queue)
    for _ in range(2):
        claim = claim_one(queue, who)
        queue.fail(claim.id, claim.token, "boom", 3600.0)
    queue.client.execute_command("ZADD", queue.keys.delayed, queue.now() + 1e6, "a")
    queue.client.delete(queue.keys.task("a"))
    assert queue.promote() == 0
    assert queue.promote("b") == 1
