"""Very many tasks are submitted together, and none has a hash of its own before something happens to it: nobody who
asks, reads or claims can tell."""

from collections.abc import Callable

import orjson
import pytest
from msgspec.structs import replace

from cqltui.broker.feed.stream import events_after
from cqltui.broker.protocol import queue as protocol
from cqltui.broker.protocol.census import standing
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Cost, ServerFullError, Submission, TaskError
from cqltui.state.events import Kind
from cqltui.state.model import Lifecycle, RunState, Status, TaskCommand, TaskState
from cqltui.state.reduce import reduce
from tests.contract.helpers import INFO_FORM, after, claimed, formed, life, state, task, worker
from tests.contract.machine import invariants
from tests.contract.readers import drain, reader, same

TASKS = [formed("low", 3, "k"), *(formed(f"t{n}", 5, "k", title=f'no. {n}, "odd",\n%1 ü') for n in range(8))]


def submit(queue: Queue, tasks: list[Submission] = TASKS) -> int:
    return queue.enqueue_many(tasks, rows=True)


def untouched(queue: Queue) -> set[str]:
    """The ids of those that have no hash; none of them has one."""
    ids = {raw.decode() for raw in queue.client.execute_command("HKEYS", queue.keys.untouched)}
    assert ids == {raw.decode() for raw in queue.client.execute_command("HKEYS", queue.keys.untouched_rest)}
    assert not any(queue.client.execute_command("EXISTS", queue.keys.task(task_id)) for task_id in ids)
    return ids


def hashed(queue: Queue, task_id: str) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = queue.client.execute_command("HGETALL", queue.keys.task(task_id))
    return found


def timeless(run: RunState) -> dict[str, TaskState]:
    """The tasks, without when, and by which of how many events, they were submitted."""
    return {
        name: replace(known, info_version=(0, 0), life=replace(known.life, version=(0, 0), queued_ts=0.0))
        for name, known in run.tasks.items()
    }


def test_one_event_tells_of_all_and_readers_end_where_a_late_one_does(any_queue: Queue) -> None:
    queue = any_queue
    early = reader(queue)
    seen = early.poll(5)
    assert submit(queue) == 9
    (event,) = events_after(queue, (0, 0))
    assert (event.kind, event.task, event.seq) == (Kind.TASKS_QUEUED, "", 1)
    drain(early, seen, 1)
    early.close()
    late = state(queue)
    assert same(after(seen), late)
    assert reduce(RunState(), event).tasks == late.tasks
    assert [(known.id, known.life.priority, known.info.title) for known in late.tasks.values()] == [
        (one.id, one.priority, one.info["title"]) for one in TASKS
    ]
    assert untouched(queue) == {one.id for one in TASKS}
    queue.client.execute_command("FLUSHALL")
    queue.enqueue_many(TASKS)
    assert timeless(late) == timeless(state(queue))
    assert late.counted.queued == state(queue).counted.queued


def test_its_hash_becomes_what_it_would_have_been(queue: Queue) -> None:
    submit(queue)
    before = state(queue).tasks["t3"]
    queue.pause("t3")
    queue.resume("t3")
    touched = hashed(queue, "t3")
    queue.client.execute_command("FLUSHALL")
    queue.enqueue_many(TASKS)
    queue.pause("t3")
    queue.resume("t3")
    own = (b"seq", b"queued_ts", b"asked")
    assert {**touched, **dict.fromkeys(own)} == {**hashed(queue, "t3"), **dict.fromkeys(own)}
    assert orjson.loads(touched[b"info"])["form"] == INFO_FORM.ref
    assert before.life.queued_ts > 0


def test_packs_are_claimed_as_ever(queue: Queue) -> None:
    submit(queue)
    queue.set_workers(2)
    who = worker(queue)
    assert claimed(queue, who, 8) == ["t0", "t1", "t2", "t3"], "the fair share, by what each costs"
    assert untouched(queue) == {"low", "t4", "t5", "t6", "t7"}
    (claim,) = queue.claim(worker(queue, "w2"))
    assert (claim.id, claim.spec) == ("t4", {"digest": "d", "lr": 1e-4})
    invariants(queue)


COMMANDS: dict[str, tuple[Callable[[Queue], object], Status, float]] = {
    "pause": (lambda queue: queue.pause("t1"), Status.PAUSED, 5),
    "cancel": (lambda queue: queue.cancel("t1"), Status.CANCELLED, 5),
    "priority": (lambda queue: queue.set_priority("t1", 9), Status.QUEUED, 9),
    "withdraw": (lambda queue: queue.withdraw(["t1"]), Status.WITHDRAWN, 5),
    "typed priority": (lambda queue: queue.client.zadd(queue.keys.queue, {"t1": 7}), Status.QUEUED, 7),
    "taken out": (lambda queue: queue.client.zrem(queue.keys.queue, "t1"), Status.PAUSED, 5),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_asked_of_it_touches_it_alone(any_queue: Queue, name: str) -> None:
    queue, (act, status, priority) = any_queue, COMMANDS[name]
    submit(queue)
    act(queue)
    queue.reconcile()
    assert untouched(queue) == {one.id for one in TASKS} - {"t1"}
    assert (life(queue, "t1").status, life(queue, "t1").priority) == (status, priority)
    invariants(queue)


def test_who_only_looks_touches_none(queue: Queue) -> None:
    submit(queue)
    version = queue.version()
    queue.reconcile()
    found = queue.audit([one.id for one in TASKS])
    assert (found.lost, found.resultless) == (frozenset(), frozenset())
    assert standing(queue.client, "").counts == {Status.QUEUED: 9}
    assert queue.version() == version, "and nothing is told"
    assert len(untouched(queue)) == 9


@pytest.mark.parametrize("key", ["training_queue", "cq:tasks", "cq:order:5", "cq:pack:5:k", "cq:levels"])
def test_lists_that_were_lost_are_made_again_by_the_rows(queue: Queue, key: str) -> None:
    submit(queue)
    queue.client.execute_command("DEL", key)
    queue.reconcile()
    queue.audit([one.id for one in TASKS])
    invariants(queue)
    assert len(untouched(queue)) == 9
    queue.set_workers(1)
    assert claimed(queue, worker(queue), 4) == ["t0", "t1", "t2", "t3"]


@pytest.mark.parametrize("row", ["", "x", '["t1",1,2,3,5]', '["t1",oops,2,3,5,"ab",[1]]'])
def test_a_row_that_was_damaged_is_a_lost_task(queue: Queue, row: str) -> None:
    submit(queue)
    queue.client.execute_command("HSET", queue.keys.untouched, "t1", row)
    assert queue.audit(["t0", "t1"]).lost == {"t1"}
    assert "t1" not in state(queue).tasks
    _is_made_again(queue)


@pytest.mark.parametrize("lost", ["row", "rest", "rest in part", "both"])
def test_of_which_a_part_was_lost_is_a_lost_task(queue: Queue, lost: str) -> None:
    submit(queue)
    client, keys = queue.client, queue.keys
    if lost in {"row", "both"}:
        client.execute_command("DEL", keys.untouched)
    if lost in {"rest", "both"}:
        client.execute_command("DEL", keys.untouched_rest)
    if lost == "rest in part":
        client.execute_command("HSET", keys.untouched_rest, "t1", "oops")
    assert "t1" in queue.audit(["t0", "t1"]).lost
    assert queue.restore(TASKS[2], Lifecycle(priority=5))
    assert queue.restore(TASKS[1], Lifecycle(priority=5)) is (lost != "rest in part")
    _is_made_again(queue)


def _is_made_again(queue: Queue) -> None:
    submit(queue)
    assert life(queue, "t1").status is Status.QUEUED
    assert claimed(queue, worker(queue), 1) == ["t0"]
    invariants(queue)


def test_a_row_whose_values_are_damaged_hides_no_other(queue: Queue) -> None:
    submit(queue)
    (raw,) = queue.client.execute_command("HMGET", queue.keys.untouched, "t1")
    queue.client.execute_command("HSET", queue.keys.untouched, "t1", raw.replace(b'"no. 1', b'oops"no. 1'))
    read = state(queue).tasks
    assert (read["t1"].status, read["t1"].info.phase) == (Status.QUEUED, "")
    assert read["t2"].info.title == TASKS[3].info["title"]


def test_submitted_again_nothing_changes(queue: Queue) -> None:
    submit(queue)
    version, rows = queue.version(), queue.client.execute_command("HGETALL", queue.keys.untouched)
    submit(queue)
    assert (queue.version(), queue.client.execute_command("HGETALL", queue.keys.untouched)) == (version, rows)
    assert len(untouched(queue)) == 9


def test_what_no_reader_is_told_is_renewed_where_it_lies(queue: Queue) -> None:
    submit(queue)
    version = queue.version()
    submit(queue, [replace(one, cost=Cost(20, 20)) for one in TASKS])
    assert queue.version() == version
    assert len(untouched(queue)) == 9
    queue.pause("t1")
    assert hashed(queue, "t1")[b"cost"] == b"20 20 0 0"


def test_what_readers_are_told_is_told_anew(queue: Queue) -> None:
    submit(queue)
    epoch, seq = queue.version()
    submit(queue, [*TASKS[:3], formed("t2", 5, "k", title="another"), formed("t3", 9, "k", title="no. 3")])
    told = [(event.kind, event.task) for event in events_after(queue, (epoch, seq))]
    assert told == [("task.queued", "t2"), ("task.priority", "t3"), ("task.queued", "t3")]
    assert state(queue).tasks["t2"].info.title == "another"
    assert life(queue, "t3").priority == 9
    invariants(queue)


def test_the_same_id_with_another_digest_is_refused_by_name(queue: Queue) -> None:
    submit(queue)
    with pytest.raises(TaskError, match="task t1: the server holds another definition"):
        submit(queue, [formed("t1", 5, "k", digest="e"), formed("new", 5, "k")])
    assert life(queue, "new").status is Status.QUEUED
    assert hashed(queue, "t1")[b"digest"] == b"d"


def test_known_and_new_ones_lie_side_by_side(queue: Queue) -> None:
    queue.enqueue_many(TASKS[:4])
    queue.pause("t0")
    submit(queue)
    assert untouched(queue) == {one.id for one in TASKS[4:]}
    assert [*state(queue).tasks] == [one.id for one in TASKS], "in the order in which they came"
    assert life(queue, "t0").status is Status.PAUSED
    invariants(queue)


@pytest.mark.parametrize("odd", [task("odd", 5), replace(formed("odd"), pack="two\nlines")])
def test_what_cannot_be_a_row_is_kept_as_ever(queue: Queue, odd: Submission) -> None:
    submit(queue, [TASKS[0], odd, TASKS[1]])
    assert untouched(queue) == set()
    assert [*state(queue).tasks] == ["low", "odd", "t0"]


def test_no_event_is_larger_than_readers_have_room_for(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "EVENT_BYTES", 300)
    submit(queue)
    assert {event.kind for event in events_after(queue, (0, 0))} == {"task.queued"}
    assert len(state(queue).tasks) == 9


def test_a_full_server_takes_none_of_a_batch_and_does_what_is_asked(queue: Queue) -> None:
    client = queue.client
    submit(queue, TASKS[:2])
    client.config_set("maxmemory", 1 << 20)
    try:
        with pytest.raises(ServerFullError, match="0 tasks were submitted, from t1 on none"):
            submit(queue, TASKS[2:])
        assert [*state(queue).tasks] == ["low", "t0"]
        assert queue.pause("t0")
        assert claimed(queue, worker(queue)) == ["low"]
    finally:
        client.config_set("maxmemory", 0)
    assert untouched(queue) == set()


def test_a_command_is_undone(queue: Queue) -> None:
    submit(queue)
    receipt = queue.ask(TaskCommand.CANCEL, "t1")
    assert receipt is not None
    assert life(queue, "t1").status is Status.CANCELLED
    queue.undo(receipt)
    assert life(queue, "t1").status is Status.QUEUED
    invariants(queue)
