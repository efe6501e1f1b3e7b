"""The task states: what each command does in each of them, and how a task comes back."""

import pytest
import redis

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Directive, TaskError
from cqltui.errors import InputError
from cqltui.state.model import Status, Wanted
from tests.contract.helpers import claim_one, claimed, eventually, life, put_into, task, worker

S = Status
NO = False
# State -> command -> the state after it; NO: nothing to do; a text: refused with it. A running task notes the wish.
TABLE: dict[Status, dict[str, Status | bool | str]] = {
    S.QUEUED: {"pause": S.PAUSED, "resume": NO, "cancel": S.CANCELLED, "resubmit": "is queued", "priority": S.QUEUED},
    S.RUNNING: {"pause": S.RUNNING, "resume": NO, "cancel": S.RUNNING, "resubmit": "is running", "priority": S.RUNNING},
    S.DELAYED: {
        "pause": "waits for its retry",
        "resume": "waits for its retry",
        "cancel": S.CANCELLED,
        "resubmit": "waits for its retry",
        "priority": S.DELAYED,
    },
    S.PAUSED: {"pause": NO, "resume": S.QUEUED, "cancel": S.CANCELLED, "resubmit": "resume it", "priority": S.PAUSED},
    S.DONE: {
        "pause": "is done; resubmit it first",
        "resume": "is done; resubmit it first",
        "cancel": "nothing to cancel",
        "resubmit": S.QUEUED,
        "priority": "is done; resubmit it first",
    },
    S.DEAD: {
        "pause": "is dead; resubmit it first",
        "resume": "is dead; resubmit it first",
        "cancel": "nothing to cancel",
        "resubmit": S.QUEUED,
        "priority": "is dead; resubmit it first",
    },
    S.CANCELLED: {
        "pause": "is cancelled; resubmit it first",
        "resume": "is cancelled; resubmit it first",
        "cancel": NO,
        "resubmit": S.QUEUED,
        "priority": "is cancelled; resubmit it first",
    },
    S.WITHDRAWN: dict.fromkeys(["pause", "resume", "cancel", "resubmit", "priority"], "no longer in the campaign file"),
}


def _do(queue: Queue, command: str) -> bool:
    match command:
        case "pause":
            return queue.pause("x")
        case "resume":
            return queue.resume("x")
        case "cancel":
            return queue.cancel("x")
        case "resubmit":
            return queue.resubmit("x")
        case _:
            return queue.set_priority("x", 9)


@pytest.mark.parametrize("command", ["pause", "resume", "cancel", "resubmit", "priority"])
@pytest.mark.parametrize("status", list(Status))
def test_every_command_in_every_state(any_queue: Queue, status: Status, command: str) -> None:
    queue = any_queue
    put_into(queue, status)
    expected = TABLE[status][command]
    before = life(queue, "x")
    if isinstance(expected, str) and not isinstance(expected, Status):
        with pytest.raises(TaskError, match=expected):
            _do(queue, command)
        assert life(queue, "x") == before
        return
    assert _do(queue, command) is (expected is not NO)
    now = life(queue, "x")
    assert now.status is (before.status if expected is NO else expected)
    assert queue.depth() == (now.status is Status.QUEUED)
    assert (now == before) is (expected is NO)
    if status is Status.RUNNING and command in {"pause", "cancel"}:
        assert now.want == command
    if command == "priority" and status is not Status.RUNNING:
        assert now.priority == 9


def test_unknown_task_and_wrong_priority(queue: Queue) -> None:
    with pytest.raises(TaskError, match="no such task"):
        queue.pause("nobody")
    queue.enqueue(task("x"))
    for wrong in (-1, 1_000_001, True):
        with pytest.raises(InputError, match="whole number"):
            queue.set_priority("x", wrong)


def test_resubmission_is_a_new_run_and_keeps_the_old_result(queue: Queue) -> None:
    queue.enqueue_many([task("x"), task("y")])
    who = worker(queue)
    first = claim_one(queue, who)
    queue.checkpoint("x", first.token, 3)
    queue.complete("x", first.token, {"loss": 1.0})
    assert queue.resubmit("x")
    assert life(queue, "x").run == 2
    assert claimed(queue, who) == ["y"], "last of its priority"
    second = claim_one(queue, who)
    assert (second.run, second.attempt, second.checkpoint_epoch) == (2, 1, 0)
    assert not queue.complete("x", first.token, {"loss": 7.0})
    assert queue.complete("x", second.token, {"loss": 2.0})
    assert sorted((r.run, r.data["loss"]) for r in queue.results()) == [(1, 1.0), (2, 2.0)]
    assert queue.resubmit("x", 9)
    assert life(queue, "x").priority == 9


def test_a_paused_task_keeps_its_place_and_checkpoint(queue: Queue) -> None:
    queue.enqueue_many([task("x"), task("y")])
    who = worker(queue)
    claim = claim_one(queue, who)
    queue.pause("x")
    assert queue.heartbeat(who, {"x": claim.token}, {}).directives == {"x": Directive.PAUSE}
    assert queue.checkpoint("x", claim.token, 4)
    assert queue.release("x", claim.token, Status.PAUSED, "user")
    assert (life(queue, "x").status, life(queue, "x").paused_by) == (Status.PAUSED, "user")
    assert queue.resume("x")
    again = claim_one(queue, who)
    assert (again.id, again.checkpoint_epoch, again.checkpoint_token, again.attempt) == ("x", 4, claim.token, 2)


def test_a_pause_taken_back_in_time(queue: Queue) -> None:
    claim = put_into(queue, Status.RUNNING)
    assert claim is not None
    assert queue.pause("x")
    assert not queue.pause("x")
    assert queue.resume("x")
    assert queue.release("x", claim.token, Status.PAUSED, "user"), "the worker had heard of the pause already"
    assert life(queue, "x").status is Status.QUEUED


def test_a_cancel_goes_before_a_release(queue: Queue) -> None:
    claim = put_into(queue, Status.RUNNING)
    assert claim is not None
    queue.cancel("x")
    assert not queue.pause("x")
    assert queue.release("x", claim.token, Status.QUEUED)
    assert life(queue, "x").status is Status.CANCELLED


def test_campaign_pause_and_resume(any_queue: Queue) -> None:
    queue = any_queue
    queue.enqueue_many([task("a"), task("b"), task("c")])
    who = worker(queue)
    claim = claim_one(queue, who)
    queue.pause("b")
    queue.want(Wanted.PAUSED)
    assert queue.release("a", claim.token, Status.PAUSED, "campaign")
    assert life(queue, "a").paused_by == "campaign"
    queue.want(Wanted.RUNNING)
    assert life(queue, "a").status is Status.QUEUED
    assert life(queue, "b").status is Status.PAUSED, "that one the user paused"
    assert claimed(queue, who) == ["a"]


def test_stop_gives_back_to_the_queue(queue: Queue) -> None:
    claim = put_into(queue, Status.RUNNING)
    assert claim is not None
    queue.want(Wanted.STOPPED)
    assert queue.release("x", claim.token, Status.QUEUED)
    assert life(queue, "x").status is Status.QUEUED


def test_priority_of_a_running_task_counts_when_it_is_queued_again(queue: Queue) -> None:
    claim = put_into(queue, Status.RUNNING)
    assert claim is not None
    assert queue.set_priority("x", 9)
    assert not queue.set_priority("x", 9)
    assert life(queue, "x").priority == 5
    queue.release("x", claim.token)
    assert life(queue, "x").priority == 9


def test_failures_wait_and_come_back(any_queue: Queue, any_client: redis.Redis) -> None:
    queue = any_queue
    put_into(queue, Status.DELAYED)
    assert queue.promote() == 0
    assert life(queue, "x").ready_ts > queue.now()
    assert any_client.execute_command("ZCARD", "cq:delayed") == 1
    assert queue.promote("x") == 1
    who = worker(queue)
    claim = claim_one(queue, who)
    assert queue.fail("x", claim.token, "again \udcff", 0.05)
    eventually(lambda: queue.promote() == 1)
    assert life(queue, "x").error == "again ?"
    assert claimed(queue, who) == ["x"]


def test_a_clock_set_back_does_not_delay_for_longer(queue: Queue, client: redis.Redis) -> None:
    put_into(queue, Status.DELAYED)
    before = life(queue, "x")
    far = queue.now() + 100_000  # as it was when the clock was ahead
    client.execute_command("ZADD", "cq:delayed", far, "x")
    client.execute_command("HSET", queue.keys.task("x"), "ready_ts", far)
    assert queue.promote() == 0
    now = life(queue, "x")
    assert now.status is Status.DELAYED
    assert abs(now.ready_ts - queue.now() - 3600) < 60
    assert float(client.execute_command("ZSCORE", "cq:delayed", "x")) == pytest.approx(now.ready_ts)
    assert now.version > before.version, "and it is told"


def test_dead_after_three_deaths_alone_without_a_checkpoint(any_queue: Queue) -> None:
    queue = any_queue
    queue.enqueue(task("x"))
    who = worker(queue)
    for deaths in (1, 2):
        assert queue.died("x", claim_one(queue, who).token, "killed", 3)
        assert (life(queue, "x").status, life(queue, "x").deaths) == (Status.QUEUED, deaths)
    claim = claim_one(queue, who)
    assert queue.checkpoint("x", claim.token, 1)
    assert life(queue, "x").deaths == 0
    assert queue.died("x", claim.token, "killed", 3)
    for _ in range(2):
        claim = claim_one(queue, who)
        assert claim.checkpoint_epoch == 1
        assert queue.checkpoint("x", claim.token, 1), "no new one: the deaths go on counting"
        assert queue.died("x", claim.token, "signal 9", 3)
    assert (life(queue, "x").status, life(queue, "x").error) == (Status.DEAD, "signal 9")
    assert queue.resubmit("x")
    assert life(queue, "x").deaths == 0


def test_pack_mates_come_back_one_by_one(any_queue: Queue) -> None:
    queue = any_queue
    queue.enqueue_many([task(name, pack="k") for name in ("a", "b", "poison")])
    who = worker(queue)
    for claim in queue.claim(who, limit=3):
        assert queue.died(claim.id, claim.token, "killed", 1), "a death together is nobody's alone"
    first = queue.claim(who, limit=3)
    assert [claim.id for claim in first] == ["a"]
    assert queue.checkpoint("a", first[0].token, 1)
    assert queue.release("a", first[0].token)
    assert claimed(queue, who, 3) == ["a"]
    assert claimed(queue, who, 3) == ["b"]
    poison = claim_one(queue, who)
    assert queue.died("poison", poison.token, "killed", 1)
    assert life(queue, "poison").status is Status.DEAD


def test_after_a_checkpoint_it_trains_in_a_pack_again(queue: Queue) -> None:
    queue.enqueue_many([task("a", pack="k"), task("b", pack="k")])
    who = worker(queue)
    for claim in queue.claim(who, limit=2):
        queue.died(claim.id, claim.token, "killed", 3)
    for _ in range(2):
        claim = claim_one(queue, who)
        queue.checkpoint(claim.id, claim.token, 1)
        queue.want(Wanted.RUNNING)
        queue.pause(claim.id)
        queue.release(claim.id, claim.token, Status.PAUSED, "user")
    queue.resume("a")
    queue.resume("b")
    assert claimed(queue, who, 2) == ["a", "b"]


@pytest.mark.parametrize(("want", "after"), [("pause", Status.PAUSED), ("cancel", Status.CANCELLED)])
def test_a_death_does_not_forget_what_was_asked(queue: Queue, want: str, after: Status) -> None:
    claim = put_into(queue, Status.RUNNING)
    assert claim is not None
    assert _do(queue, want)
    assert queue.died("x", claim.token, "killed", 3)
    assert life(queue, "x").status is after


def test_retry_after_a_death_can_wait(queue: Queue) -> None:
    claim = put_into(queue, Status.RUNNING)
    assert claim is not None
    assert queue.died("x", claim.token, "killed", 3, 60.0)
    assert life(queue, "x").status is Status.DELAYED
