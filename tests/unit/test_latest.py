"""Reports that later ones of a batch make void are not read, and the state is the same as if they had been."""

import random
from typing import Any

import pytest

from cqltui.state import decode
from cqltui.state.events import Event, Kind
from cqltui.state.latest import latest
from cqltui.state.model import RunState
from cqltui.state.reduce import reduce, reduce_all


def report(ts: float, number: int, worker: str = "w1", token: str = "1-7", **steps: int) -> Event:
    """A report of a worker about tasks, each with its step."""
    members = [{"task": task, "token": token, "step": step, "curve": [[1, 0.5]]} for task, step in steps.items()]
    return Event(Kind.PROGRESS, ts, 1, worker=worker, data={"since": 4, "report": number, "members": members})


def life(seq: int, status: str, **fields: Any) -> Event:
    return Event(Kind.TASK_QUEUED, 5.0, 1, seq, task="a", data={"status": status, "run": 1, **fields})


def test_the_last_report_of_a_worker_stands_for_those_before_it() -> None:
    last = report(12.0, 3, a=9, b=9)
    found = latest([report(10.0, 1, a=5, b=5), report(11.0, 2, a=7, b=7), last])
    assert found == [Event(Kind.TICK, 10.0), Event(Kind.TICK, 11.0), last]


@pytest.mark.parametrize(
    "later",
    [
        [report(11.0, 2, a=5, b=6)],  # no step further: the earlier one tells since when
        [report(11.0, 2, b=6)],
        [report(11.0, 2, token="1-8", a=6, b=6)],
        [report(11.0, 2, "w2", a=6, b=6)],
        [report(9.0, 0, a=6, b=6)],  # of the worker the earlier one counts
        [Event(Kind.SNAPSHOT, 10.5, 1, 9), report(11.0, 2, a=6, b=6)],
    ],
)
def test_a_report_that_says_something_stays(later: list[Event]) -> None:
    first = report(10.0, 1, a=5, b=5)
    assert latest([first, *later]) == [first, *later]


def test_of_a_batch_of_reports_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read, progress = [], decode.progress
    monkeypatch.setattr(decode, "progress", lambda raw, ts: read.append(ts) or progress(raw, ts))  # type: ignore[func-returns-value]
    state = reduce_all(RunState(), [report(float(i), i, a=i) for i in range(1, 50)])
    assert read == [49.0]
    assert state.now == 49.0


def test_a_batch_ends_where_its_events_one_by_one_do() -> None:
    chance = random.Random(4)
    for _ in range(300):
        events: list[Event] = []
        for place in range(chance.randint(1, 8)):
            if chance.random() < 0.8:
                tasks = {task: chance.randint(0, 3) for task in chance.sample("abc", chance.randint(0, 3))}
                token = chance.choice(["1-7", "1-8", "0-9"])
                number, worker = chance.randint(0, 4), chance.choice(["w1", "w2"])
                events.append(report(chance.random(), number, worker, token, **tasks))
            else:
                status = chance.choice(["running", "done", "queued"])
                events.append(life(place, status, run=chance.choice([1, 2]), token="1-7", queued_ts=chance.random()))
        known = reduce(RunState(), life(0, "running", token="1-7"))
        one_by_one = known
        for event in events:
            one_by_one = reduce(one_by_one, event)
        assert reduce_all(known, events) == one_by_one, events
