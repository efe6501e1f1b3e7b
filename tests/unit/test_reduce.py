"""The reducer ends where one that saw everything does, whatever was lost, repeated or out of order."""

import random

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState, Status, Tally
from cqltui.state.reduce import NOTICES, reduce, reduce_all
from tests.unit.foreign import foreign_events
from tests.unit.history import Server

OPERATIONS = [
    *("enqueue", "claim", "report", "checkpoint", "done", "delayed", "dead", "paused", "requeue"),
    *("start", "stop", "wanted", "notice", "rebuild", "clock", "snapshot"),
]
histories = st.lists(
    st.tuples(st.sampled_from(OPERATIONS), st.sampled_from("abc"), st.sampled_from(["w1", "w2"])), max_size=60
)


def played(operations: list[tuple[str, str, str]]) -> Server:
    """The server after the operations; snapshots that a reader took meanwhile are among its events."""
    server = Server()
    for operation, task, worker in operations:
        if operation == "snapshot":
            server.events.append(server.snapshot())
        else:
            server.apply(operation, task, worker)
    return server


def essence(state: RunState, notices: bool = True) -> RunState:
    """The state without what a reader that missed events cannot know: workers that have gone, past notices, times,
    and reports under another token than the task's, which are shown nowhere; nor what is each reader's own."""
    live = {worker_id: worker for worker_id, worker in state.workers.items() if not worker.stopped}
    tasks = {
        task_id: task if task.live and task.live.token == task.life.token else replace(task, live=None)
        for task_id, task in state.tasks.items()
    }
    kept = state.notices if notices else ()
    its = replace(state, read_version=(0, 0), counted=Tally())
    return replace(its, workers=live, tasks=tasks, notices=kept, now=0.0)


@settings(max_examples=60)
@given(histories, st.randoms(use_true_random=False))
def test_repeated_and_reordered_events_end_the_same(
    operations: list[tuple[str, str, str]], draw: random.Random
) -> None:
    server = played(operations)
    events = [event for event in server.events if event.kind is not Kind.SNAPSHOT]
    shuffled = events + [event for event in events if draw.random() < 0.3]
    draw.shuffle(shuffled)
    whole, other = reduce_all(RunState(), events), reduce_all(RunState(), shuffled)
    assert other.workers == whole.workers
    assert essence(other) == essence(whole)


@settings(max_examples=50)
@given(histories, st.randoms(use_true_random=False))
def test_old_snapshots_among_them_change_nothing(operations: list[tuple[str, str, str]], draw: random.Random) -> None:
    server = played(operations)
    last = server.snapshot()
    whole = reduce_all(RunState(), [*server.events, last])
    shuffled = list(server.events)
    draw.shuffle(shuffled)
    assert essence(reduce_all(RunState(), [*shuffled, last])) == essence(whole)


LOST_WITH_ITS_REPORTS = [*(("enqueue", "b", ""), ("claim", "b", "w1"), ("report", "b", "")), ("paused", "b", "")]


@settings(max_examples=60)
@given(histories, st.randoms(use_true_random=False))
@example([*LOST_WITH_ITS_REPORTS, ("rebuild", "", "")], random.Random(3))
def test_lost_events_are_made_good_by_a_snapshot(operations: list[tuple[str, str, str]], draw: random.Random) -> None:
    server = played(operations)
    last = server.snapshot()
    whole = reduce_all(RunState(), [*server.events, last])
    kept = [event for event in server.events if draw.random() < 0.5]
    draw.shuffle(kept)
    assert essence(reduce_all(RunState(), [*kept, last]), False) == essence(whole, False)


@settings(max_examples=60)
@given(histories, st.randoms(use_true_random=False))
def test_lost_repeated_and_reordered_ones_are_made_good_by_what_the_feed_does(
    operations: list[tuple[str, str, str]], draw: random.Random
) -> None:
    """After a loss the feed reads the stream from some place on, of the epoch of now, and then a snapshot; messages
    that were under way still come after it."""
    server = played(operations)
    last = server.snapshot()
    whole = reduce_all(RunState(), [*server.events, last])
    heard = [event for event in server.events for _ in range(draw.choice((0, 1, 1, 2)))]
    draw.shuffle(heard)
    lifecycle = [event for event in server.events if event.seq and event.kind is not Kind.SNAPSHOT]
    stream = [event for event in lifecycle if event.epoch == server.epoch][draw.randint(0, len(lifecycle)) :]
    late = [event for event in server.events if draw.random() < 0.3]
    draw.shuffle(late)
    told = reduce_all(RunState(), [*heard, *stream, last, *late])
    assert essence(told, False) == essence(whole, False)


def test_a_late_message_brings_back_no_worker_that_had_gone() -> None:
    server = played([("start", "a", "w1"), ("stop", "a", "w1")])
    assert reduce_all(RunState(), [server.snapshot(), server.events[0]]).workers == {}


@settings(max_examples=50)
@given(histories)
def test_without_loss_a_snapshot_adds_nothing(operations: list[tuple[str, str, str]]) -> None:
    server = played(operations)
    assume(server.events)
    state = reduce_all(RunState(), server.events)
    after = reduce(state, server.snapshot())
    assert {k: (t.life, t.live) for k, t in after.tasks.items()} == {
        k: (t.life, t.live) for k, t in state.tasks.items()
    }
    assert (after.wanted, after.epoch, after.seq) == (state.wanted, state.epoch, state.seq)


@settings(max_examples=50)
@given(histories, st.data())
def test_an_old_snapshot_takes_nothing_back(operations: list[tuple[str, str, str]], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(operations)))
    old = played(operations[:cut]).snapshot()
    # The moment of the reading, and not one after it.
    old = replace(old, ts=old.ts - 1)
    state = reduce_all(RunState(), played(operations).events)
    after = reduce(state, old)
    assert {k: (t.life, t.live) for k, t in after.tasks.items()} == {
        k: (t.life, t.live) for k, t in state.tasks.items()
    }
    assert after.wanted is state.wanted


def told(*operations: tuple[str, str, str]) -> RunState:
    """The state after the operations."""
    return reduce_all(RunState(), played(list(operations)).events)


def test_a_task_from_queue_to_end() -> None:
    state = told(("enqueue", "a", ""), ("claim", "a", "w1"), ("report", "a", ""), ("report", "a", ""))
    task = state.tasks["a"]
    assert (task.status, task.life.worker, task.life.attempt, task.epochs_done) == (Status.RUNNING, "w1", 1, 2)
    assert task.info.title == "of a"
    assert state.workers["w1"].tasks == ("a",)
    done = told(("enqueue", "a", ""), ("claim", "a", "w1"), ("report", "a", ""), ("done", "a", ""))
    assert (done.tasks["a"].status, done.tasks["a"].epochs_done) == (Status.DONE, 10)


def test_a_new_run_begins_at_epoch_zero() -> None:
    start = [("enqueue", "a", ""), ("claim", "a", "w1"), ("report", "a", ""), ("dead", "a", ""), ("enqueue", "a", "")]
    again = told(*start).tasks["a"]
    assert (again.status, again.life.run, again.epochs_done, again.progress) == (Status.QUEUED, 2, 0, None)
    assert again.info.title.startswith("of a, again")
    claimed = told(*start, ("claim", "a", "w1"), ("report", "a", "")).tasks["a"]
    assert claimed.epochs_done == 1


def test_a_task_that_does_not_run_shows_what_it_has_saved() -> None:
    start = [("enqueue", "a", ""), ("claim", "a", "w1"), ("report", "a", ""), ("checkpoint", "a", "")]
    start += [("report", "a", ""), ("report", "a", "")]
    assert told(*start).tasks["a"].epochs_done == 3, "it runs: as it says"
    for end in ("delayed", "paused", "dead"):
        task = told(*start, (end, "a", "")).tasks["a"]
        assert (task.epochs_done, task.headline) == (1, 1 / 13), end
    again = [*start, ("delayed", "a", ""), ("requeue", "a", "")]
    for state in (told(*again), told(*again, ("claim", "a", "w2")), told(*start, ("rebuild", "", ""))):
        assert state.tasks["a"].epochs_done == 1, "until the next attempt reports"
    assert told(*again, ("claim", "a", "w2"), ("report", "a", "")).tasks["a"].epochs_done == 4
    nothing = told(("enqueue", "a", ""), ("claim", "a", "w1"), ("report", "a", ""), ("delayed", "a", ""))
    assert (nothing.tasks["a"].epochs_done, nothing.tasks["a"].progress) == (0, None)


def test_a_done_task_shows_its_accepted_result() -> None:
    """Also where its last reports were lost while the server was away, or come late."""
    done = told(("enqueue", "a", ""), ("claim", "a", "w1"), ("report", "a", ""), ("done", "a", ""))
    late = reduce(done, _report("a", "1-1", 500, 3002.0))
    rebuilt = reduce(told(("enqueue", "a", ""), ("claim", "a", "w1"), ("done", "a", "")), done_snapshot())
    for state in (done, late, rebuilt):
        progress = state.tasks["a"].progress
        assert progress is not None
        assert (progress.epoch, progress.metrics["loss"]) == (10, 0.25)


def done_snapshot() -> Event:
    """Of a server that knows a done task from the run directory only."""
    steps = [("enqueue", "a", ""), ("claim", "a", "w1"), ("report", "a", ""), ("done", "a", ""), ("rebuild", "", "")]
    return played(steps).snapshot()


def test_a_late_report_of_an_old_token_is_left_out() -> None:
    state = told(("enqueue", "a", ""), ("claim", "a", "w1"), ("report", "a", ""), ("delayed", "a", ""))
    state = reduce(state, _report("a", "1-9", 20, 3000.0))
    state = reduce(state, _report("a", "1-10", 21, 3001.0))
    late = reduce(state, _report("a", "1-9", 500, 3002.0))
    assert late.tasks["a"].live is not None
    assert late.tasks["a"].live.token == "1-10", "tokens are ordered as numbers"


def _report(task: str, token: str, step: int, ts: float) -> Event:
    return Event(Kind.PROGRESS, ts, worker="w1", data={"members": [{"task": task, "token": token, "step": step}]})


def test_notices_are_bounded_and_in_order() -> None:
    events = [Event(Kind.NOTICE, 1.0, 1, n + 1, data={"text": str(n)}) for n in range(3 * NOTICES)]
    random.Random(3).shuffle(events)
    state = reduce_all(RunState(), events)
    assert [notice.text for notice in state.notices] == [str(n) for n in range(2 * NOTICES, 3 * NOTICES)]


def test_connection_is_dated_once() -> None:
    state = reduce(RunState(), Event(Kind.CONNECTION, 5.0, data={"online": True}))
    assert state.online
    for ts in (7.0, 8.0):
        state = reduce(state, Event(Kind.CONNECTION, ts, data={"online": False}))
    assert (state.online, state.offline_since, state.now) == (False, 7.0, 8.0)


def test_what_a_server_says_that_refuses_is_kept_until_it_serves() -> None:
    state = reduce(RunState(), Event(Kind.CONNECTION, 5.0, data={"online": True}))
    state = reduce(state, Event(Kind.CONNECTION, 6.0, data={"online": False}))
    assert state.offline_why == ""
    state = reduce(state, Event(Kind.CONNECTION, 7.0, data={"online": False, "why": "NOPERM"}))
    assert (state.offline_since, state.offline_why) == (6.0, "NOPERM")
    state = reduce(state, Event(Kind.CONNECTION, 8.0, data={"online": True}))
    assert (state.offline_since, state.offline_why) == (0.0, "")


def test_a_worker_that_a_snapshot_lacks_has_stopped() -> None:
    state = reduce(RunState(), Event(Kind.WORKER_STARTED, 10.0, 1, 1, worker="w1", data={"pid": 4}))
    assert not state.workers["w1"].stopped
    assert reduce(state, Event(Kind.SNAPSHOT, 20.0, 1, 5)).workers["w1"].stopped
    assert not reduce(state, Event(Kind.SNAPSHOT, 9.0, 1, 0)).workers["w1"].stopped, "it came after"


def test_a_worker_is_heard_though_the_clock_was_set_back() -> None:
    state = reduce(RunState(), Event(Kind.WORKER_STARTED, 9000.0, 1, 4, worker="w1", data={"since": 4, "report": 0}))
    for report, ts in enumerate((9001.0, 5402.0, 5403.0), start=1):
        data = {"since": 4, "report": report, "samples_per_s": 100.0 * report}
        state = reduce(state, Event(Kind.PROGRESS, ts, 1, worker="w1", data=data))
    assert (state.workers["w1"].ts, state.workers["w1"].samples_per_s) == (5403.0, 300.0)
    state = reduce(state, Event(Kind.WORKER_STOPPED, 5404.0, 1, 7, worker="w1"))
    late = Event(Kind.PROGRESS, 9002.0, 1, worker="w1", data={"since": 4, "report": 9})
    assert reduce(state, late).workers["w1"].stopped, "said before its end"
    again = Event(Kind.PROGRESS, 5405.0, 1, worker="w1", data={"since": 8, "report": 1})
    assert not reduce(state, again).workers["w1"].stopped, "another process"


def test_an_event_without_meaning_makes_no_task() -> None:
    state = reduce(RunState(), Event(Kind.TASK_QUEUED, 1.0, 1, 1, task="a", data={"status": "flying"}))
    assert not state.tasks
    assert state.seq == 1


@settings(max_examples=60)
@given(st.lists(foreign_events, max_size=12))
def test_nonsense_never_raises(foreign: list[Event]) -> None:
    state = reduce_all(told(("enqueue", "a", ""), ("claim", "a", "w1")), foreign)
    forgets = {Kind.SNAPSHOT, Kind.ANEW}
    assert "a" in state.tasks or any(event.kind in forgets for event in foreign)
