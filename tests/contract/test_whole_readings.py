"""What is read or looked at in several parts is whole, whatever is moved between two of them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest

from cqltui.broker.protocol import snapshot
from cqltui.broker.protocol.queue import ALIGN, Queue
from cqltui.broker.protocol.records import Claim
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.server.epoch import open_epoch
from cqltui.state.events import Kind
from cqltui.state.model import Status
from tests.contract.helpers import after, claimed, eventually, formed, life, state, task, worker
from tests.contract.readers import polled, reader, same

TASKS = 300
PART = 50
"""Tasks that a reading of these tests asks for at once: the server gives some more or fewer."""
IDS = [f"t{number:03}" for number in range(TASKS)]


def _claims(queue: Queue, limit: int = TASKS) -> dict[str, Claim]:
    return {claim.id: claim for claim in queue.claim(worker(queue), limit=limit)}


def _cancelled(queue: Queue) -> None:
    for task_id in IDS:
        queue.cancel(task_id)


def _paused(queue: Queue) -> None:
    for task_id in IDS:
        queue.pause(task_id)


def _nothing(queue: Queue) -> None:
    pass


def _resubmit(queue: Queue, ids: Sequence[str]) -> None:
    for task_id in ids:
        queue.resubmit(task_id)


def _zadd(queue: Queue, ids: Sequence[str]) -> None:
    for task_id in ids:
        queue.client.execute_command("ZADD", queue.keys.queue, 7, task_id)
    queue.reconcile()


def _zrem(queue: Queue, ids: Sequence[str]) -> None:
    queue.client.execute_command("ZREM", queue.keys.queue, *ids)
    queue.reconcile()


def _priority(queue: Queue, ids: Sequence[str]) -> None:
    for place, task_id in enumerate(ids):
        queue.set_priority(task_id, place)


def _pause(queue: Queue, ids: Sequence[str]) -> None:
    _each(queue.pause, ids)


def _resume(queue: Queue, ids: Sequence[str]) -> None:
    _each(queue.resume, ids)


def _each(command: Callable[[str], bool], ids: Sequence[str]) -> None:
    for task_id in ids:
        command(task_id)


def _withdraw_and_return(queue: Queue, ids: Sequence[str]) -> None:
    queue.withdraw(ids)
    queue.enqueue_many(task(task_id, pack="k") for task_id in reversed(ids))


def _complete_and_resubmit(queue: Queue, ids: Sequence[str]) -> None:
    for task_id, claim in _claims(queue, len(ids)).items():
        queue.complete(task_id, claim.token, {"loss": 0.5})
        queue.resubmit(task_id)


def _grow(queue: Queue, ids: Sequence[str]) -> None:
    queue.enqueue_many(task(f"new{ids[0]}-{number}") for number in range(TASKS // 2))


Prepare = Callable[[Queue], None]
Reorder = Callable[[Queue, Sequence[str]], None]
CASES: dict[str, tuple[Prepare, Reorder]] = {
    "resubmit": (_cancelled, _resubmit),
    "zadd by hand of what has ended": (_cancelled, _zadd),
    "zadd by hand": (_nothing, _zadd),
    "zrem by hand": (_nothing, _zrem),
    "priority": (_nothing, _priority),
    "pause": (_nothing, _pause),
    "resume": (_paused, _resume),
    "withdraw and return": (_nothing, _withdraw_and_return),
    "done and resubmitted": (_nothing, _complete_and_resubmit),
    "many new tasks": (_nothing, _grow),
}


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    """What is to happen before each further part of a reading, if something is."""
    between: list[Callable[[], None]] = []
    parts, run = count(), Scripts.run

    def interrupted(self: Scripts, name: str, *args: str | bytes | int | float) -> object:
        if name == "snapshot" and between and next(parts):
            between[0]()
        return run(self, name, *args)

    monkeypatch.setattr(snapshot, "CHUNK", PART)
    monkeypatch.setattr(Scripts, "run", interrupted)
    yield between
    assert not between or next(parts) > 2, "there were several parts"


@pytest.mark.parametrize("case", CASES)
def test_no_task_is_missing_from_a_reading_whatever_is_moved_meanwhile(
    queue: Queue, in_parts: list[Callable[[], None]], case: str
) -> None:
    prepare, reorder = CASES[case]
    queue.enqueue_many(task(task_id, pack="k") for task_id in IDS)
    prepare(queue)
    feed = reader(queue)
    left = list(IDS)

    def move_some() -> None:
        ids, left[:PART] = left[:PART], []
        if ids:
            reorder(queue, ids)

    in_parts.append(move_some)
    events = feed.poll(5)
    read = next(event for event in events if event.kind is Kind.SNAPSHOT)
    assert set(IDS) - read.data["tasks"].keys() == set()
    in_parts[:] = [lambda: None]
    eventually(lambda: polled(feed, events).seq == state(queue).seq and same(after(events), state(queue)))
    feed.close()


def test_readings_beside_a_thread_that_resubmits_are_whole(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "CHUNK", PART)
    queue.enqueue_many(task(task_id) for task_id in IDS)
    _cancelled(queue)
    done = threading.Event()

    def resubmit_all() -> None:
        while not done.is_set():
            for task_id in IDS:
                queue.resubmit(task_id)
                queue.cancel(task_id)

    other = Queue(queue.client)
    thread = threading.Thread(target=resubmit_all)
    thread.start()
    try:
        missing = [TASKS - len(other.snapshot().data["tasks"]) for _ in range(20)]
    finally:
        done.set()
        thread.join()
    assert missing == [0] * 20


def test_readings_beside_a_thread_that_touches_tasks_are_whole(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "CHUNK", PART)
    queue.enqueue_many([formed(task_id, 5, "k") for task_id in IDS], rows=True)
    first = queue.version()
    other = Queue(queue.client)
    thread = threading.Thread(target=_paused, args=(queue,))
    thread.start()
    missing = []
    while thread.is_alive():
        missing.append(TASKS - len(other.snapshot().data["tasks"]))
    thread.join()
    assert missing == [0] * len(missing)
    assert {known.status for known in state(other).tasks.values()} == {Status.PAUSED}
    assert queue.version() > first


def test_a_server_that_was_made_again_meanwhile_is_read_anew(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    queue.enqueue_many([formed(task_id, 5, "k") for task_id in IDS], rows=True)
    run, beginnings = Scripts.run, count()

    def rebuilt(self: Scripts, name: str, *args: str | bytes | int | float) -> object:
        if name == "about" and next(beginnings) == 1:
            monkeypatch.undo()
            queue.client.execute_command("FLUSHALL")
            open_epoch(queue.client, tmp_path / "epoch", known=(7, 0))
            queue.enqueue_many([formed("new", 5, "k")], rows=True)
        return run(self, name, *args)

    monkeypatch.setattr(Scripts, "run", rebuilt)
    assert list(state(queue).tasks) == ["new"]


def test_a_reading_is_in_the_order_of_submission(queue: Queue) -> None:
    queue.enqueue_many(task(task_id) for task_id in IDS)
    queue.cancel("t000")
    queue.resubmit("t000")
    assert list(queue.snapshot().data["tasks"]) == [*IDS[1:], "t000"]


# Other commands that look at a part


def test_what_was_taken_out_far_behind_is_paused_and_holds_up_no_claim(queue: Queue) -> None:
    queue.enqueue_many(task(f"t{number}") for number in range(2 * ALIGN + 500))
    taken = f"t{2 * ALIGN}"
    queue.client.execute_command("ZREM", queue.keys.queue, taken)
    assert claimed(queue, worker(queue)) == ["t0"], "before any reconcile"
    assert queue.reconcile() == 1
    assert (life(queue, taken).status, life(queue, taken).paused_by) == (Status.PAUSED, "user")
    assert claimed(queue, worker(queue)) == ["t1"]
    assert queue.reconcile() == 0


def test_an_entry_behind_many_that_are_thrown_out_is_not_passed_over(queue: Queue) -> None:
    queue.enqueue_many(task(f"t{number}", priority=5 + number % 2) for number in range(ALIGN // 2))
    queue.client.execute_command("ZADD", queue.keys.queue, 6, "t0", 5, "t1")  # as many at each priority as before
    junk = [value for number in range(2 * ALIGN) for value in (0, f"junk{number}")]
    queue.client.execute_command("ZADD", queue.keys.queue, *junk)
    queue.reconcile()
    assert queue.depth() == ALIGN // 2
    assert (life(queue, "t0").priority, life(queue, "t1").priority) == (6, 5)


def test_all_delayed_tasks_that_are_due_are_queued_at_once(queue: Queue) -> None:
    queue.enqueue_many(task(task_id, pack="k") for task_id in IDS)
    for task_id, claim in _claims(queue).items():
        queue.fail(task_id, claim.token, "boom", 0.0)
    assert queue.depth() == 0
    assert queue.promote() == TASKS
    assert queue.depth() == TASKS
