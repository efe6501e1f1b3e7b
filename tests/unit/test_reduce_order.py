"""Where two messages tell of the same thing: which of them counts."""

from typing import Any

from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState, Status, Wanted
from cqltui.state.reduce import reduce, reduce_all


def report(ts: float = 10.0, since: int = 4, number: int = 1, **member: Any) -> Event:
    """A report of worker w1, which registered with event 4, about task a."""
    members = [{"task": "a", "token": "1-7"} | member] if member else []
    data = {"since": since, "report": number, "samples_per_s": 50.0, "members": members}
    return Event(Kind.PROGRESS, ts, 1, worker="w1", data=data)


def snapshot(seq: int, ts: float = 20.0, **data: Any) -> Event:
    return Event(Kind.SNAPSHOT, ts, 1, seq, data=data)


def life(seq: int, ts: float = 5.0, **fields: Any) -> Event:
    return Event(Kind.TASK_QUEUED, ts, 1, seq, task="a", data={"status": "queued", "run": 1} | fields)


def test_a_repeated_report_does_not_bring_a_stopped_worker_back() -> None:
    heard = reduce(RunState(), report(number=2))
    gone = reduce(heard, snapshot(9))
    assert (gone.workers["w1"].stopped, gone.workers["w1"].samples_per_s, gone.workers["w1"].tasks) == (True, 0, ())
    assert reduce(gone, report(number=2)).workers["w1"].stopped, "the same report again"
    assert reduce(gone, report(number=1)).workers["w1"].stopped, "one before it"
    assert not reduce(gone, report(number=3)).workers["w1"].stopped, "it speaks again"


def test_a_worker_that_registered_with_the_snapshots_last_event_is_gone_if_it_lacks_it() -> None:
    state = reduce(RunState(), report())
    assert reduce(state, snapshot(4)).workers["w1"].stopped
    assert not reduce(state, snapshot(3)).workers["w1"].stopped


def test_of_two_reports_the_one_with_more_steps_counts() -> None:
    state = reduce_all(RunState(), [report(10.0, number=1, step=5, epoch=0), report(11.0, number=2, step=9, epoch=0)])
    assert state.tasks["a"].live is not None
    assert (state.tasks["a"].live.step, state.tasks["a"].live.ts) == (9, 11.0)
    late = reduce(state, report(12.0, number=3, step=7, epoch=0))
    assert late.tasks["a"].live == state.tasks["a"].live


def test_a_report_without_a_new_step_keeps_the_time_of_the_step() -> None:
    """It tells how long the task has made none."""
    state = reduce_all(RunState(), [report(10.0, number=1, step=9), report(99.0, number=2, step=9)])
    assert state.tasks["a"].live is not None
    assert state.tasks["a"].live.ts == 10.0
    assert state.workers["w1"].ts == 99.0


def test_an_older_event_changes_neither_life_nor_info() -> None:
    state = reduce(RunState(), life(5, priority=8, info={"title": "new"}))
    for older in (life(4, priority=1, info={"title": "old"}), Event(Kind.TASK_PAUSED, 1.0, 0, 99, "a", data={})):
        state = reduce(state, older)
    assert (state.tasks["a"].info.title, state.tasks["a"].life.priority, state.seq) == ("new", 8.0, 5)
    newer = reduce(state, life(6, priority=3))
    assert (newer.tasks["a"].info.title, newer.tasks["a"].life.priority, newer.seq) == ("new", 3.0, 6)
    rebuilt = reduce(newer, Event(Kind.TASK_QUEUED, 1.0, 2, 1, "a", data={"status": "queued", "priority": 2}))
    assert (rebuilt.tasks["a"].life.priority, rebuilt.epoch, rebuilt.seq) == (2.0, 2, 1)


def test_a_snapshot_forgets_what_it_lacks_unless_something_newer_told_of_it() -> None:
    known = reduce(RunState(), life(5))
    assert reduce(known, snapshot(5)).tasks == {}
    assert list(reduce(known, snapshot(4)).tasks) == ["a"]
    heard = reduce(known, report(21.0, step=1))
    assert list(reduce(heard, snapshot(9, ts=20.0)).tasks) == ["a"], "a report after the snapshot"
    assert reduce(heard, snapshot(9, ts=21.0)).tasks == {}


def test_a_new_run_forgets_the_report_of_the_one_before() -> None:
    done = reduce_all(RunState(), [life(1), report(10.0, step=9)])
    again = reduce(done, life(2, ts=12.0, run=2, queued_ts=12.0, token=""))
    assert again.tasks["a"].live is None
    assert reduce(again, report(11.0, number=2, step=20)).tasks["a"].live is None, "a late one"
    same_run = reduce(done, life(2, ts=12.0, run=1, queued_ts=12.0, token=""))
    assert same_run.tasks["a"].live is not None


def test_what_the_run_shall_do_is_replaced_as_a_whole() -> None:
    said = Event(Kind.WANTED, 5.0, 1, 5, data={"wanted": "draining", "campaign": {"name": "deep"}, "finished_ts": 4.0})
    state = reduce(RunState(), said)
    assert (state.wanted, state.campaign.name, state.finished_ts, state.seq) == (Wanted.DRAINING, "deep", 4.0, 5)
    assert reduce(state, Event(Kind.WANTED, 6.0, 1, 4, data={"wanted": "paused"})).wanted is Wanted.DRAINING
    later = reduce(state, Event(Kind.WANTED, 6.0, 1, 6, data={"wanted": "flying"}))
    assert (later.wanted, later.campaign.name, later.finished_ts) == (Wanted.DRAINING, "deep", 0.0)
    read = reduce(state, snapshot(9, meta={"wanted": "paused", "seq": 7}))
    assert read.wanted is Wanted.PAUSED
    assert reduce(state, snapshot(9, meta={"wanted": "paused", "seq": 3})).wanted is Wanted.DRAINING


def test_a_snapshot_dates_each_part_by_itself() -> None:
    """A task's part is as old as the event that made it, its progress as old as it says."""
    raw = {"seq": 3, "life": {"status": "done"}, "info": {"title": "t"}, "progress": {"token": "1-7", "ts": 15.0}}
    state = reduce(RunState(), snapshot(8, tasks={"a": raw}, workers={"w1": {"ts": 14.0, "since": 2, "report": 5}}))
    task = state.tasks["a"]
    assert (task.status, task.life.version, task.info_version, task.info.title) == (Status.DONE, (1, 3), (1, 3), "t")
    assert task.live is not None
    assert (task.live.ts, state.workers["w1"].ts, state.workers["w1"].version) == (15.0, 14.0, (1, 2, 5))
    assert (state.epoch, state.seq, state.now) == (1, 8, 20.0)
    newer = reduce(state, life(4))
    assert newer.tasks["a"].status is Status.QUEUED


def test_the_latest_time_that_anything_told() -> None:
    state = reduce_all(RunState(), [Event(Kind.TICK, 5.0), Event(Kind.TICK, 3.0)])
    assert (state.now, state.seq) == (5.0, 0)


def test_a_notice_that_comes_twice_is_kept_once() -> None:
    said = Event(Kind.NOTICE, 5.0, 1, 3, data={"text": "x"})
    state = reduce_all(RunState(), [said, said, Event(Kind.NOTICE, 4.0, 1, 2, data={"text": "y", "level": "error"})])
    assert [(n.level, n.text, n.ts, n.version) for n in state.notices] == [
        ("error", "y", 4.0, (1, 2)),
        ("info", "x", 5.0, (1, 3)),
    ]
