"""A screen of very many tasks is told first how many there are of what, and then which."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cqltui.broker.feed.feed import Feed
from cqltui.broker.protocol import codec, summary
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.server.connect import client_of
from cqltui.campaign.load import load_campaign
from cqltui.campaign.payload import DataSummary
from cqltui.state.counting import counted, tally
from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState, Status, TaskCommand
from cqltui.state.reduce import reduce, reduce_all
from cqltui.supervisor.submissions import submissions
from tests.contract.helpers import state, worker
from tests.contract.readers import same, where

FILE = """
[campaign]
name = "many"
[trainer]
epochs = 30
lr = 2e-4
hidden_dims = [64, 32]
alpha = 0.3
[[phase]]
name = "many"
priority = 6
[phase.grid]
seed = { from = 1, to = 40 }
[[phase.task]]
gamma = 0.5
[[phase]]
name = "few"
epochs = 7
[phase.grid]
gamma = [0.25, 0.75]
"""
DATA = DataSummary("d" * 64, 199, 20)
TASKS = 43


@pytest.fixture
def filled(queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """Tasks of a form and others, in several states."""
    monkeypatch.setattr(summary, "MANY", TASKS)
    monkeypatch.setattr(summary, "CHUNK", 10)
    (path := tmp_path / "many.toml").write_text(FILE, encoding="utf-8")
    campaign = load_campaign(path).identified(DATA.digest)
    queue.enqueue_many(submissions(campaign, DATA))
    held = queue.claim(worker(queue), limit=3)
    assert queue.complete(held[0].id, held[0].token, {"loss": 0.5})
    ids = [one.id for one in campaign.tasks]
    queue.command(TaskCommand.PAUSE, ids[-1])
    queue.command(TaskCommand.CANCEL, ids[-4])
    queue.command(TaskCommand.PRIORITY, ids[-5], 9)
    queue.withdraw([ids[-6]])
    return queue


def feed_of(queue: Queue, **options: Any) -> Feed:
    place = where(queue)
    return Feed(lambda: client_of(place), **options)


def test_counts_come_before_the_tasks_and_are_theirs(filled: Queue) -> None:
    feed = feed_of(filled, for_screen=True)
    first = feed.poll(5)
    assert [event.kind for event in first] == [Kind.CONNECTION, Kind.SUMMARY]
    early = reduce_all(RunState(), first)
    told, right = tally(early), counted(state(filled).tasks)
    assert (told.summed, len(early.tasks), early.online) == (True, 0, True)
    assert sum(told.states.values()) == TASKS
    assert (told.states, told.queued) == (right.states, right.queued)
    assert {name: (of.states, of.epochs_done, of.epochs_total) for name, of in told.phases.items()} == {
        name: (of.states, of.epochs_done, of.epochs_total) for name, of in right.phases.items()
    }
    assert (told.work_done, told.work_total) == (right.work_done, right.work_total)
    filled.command(TaskCommand.RESUME, next(i for i, t in state(filled).tasks.items() if t.status is Status.PAUSED))
    later = early
    for _ in range(3):
        later = reduce_all(later, feed.poll(0.1))
    assert same(later, state(filled))
    assert later.counted == counted(later.tasks), "nothing is counted twice"
    feed.close()


def test_rows_are_counted_with_and_without_tasks_beside_them(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "MANY", 300)
    monkeypatch.setattr(summary, "CHUNK", 10)
    (path := tmp_path / "many.toml").write_text(
        FILE.replace("to = 40", "to = 400").partition("[[phase.task]]")[0], "utf-8"
    )
    campaign = load_campaign(path).identified(DATA.digest)
    queue.enqueue_many(submissions(campaign, DATA), rows=True)
    first, second, *_ = [task.id for task in campaign.tasks]
    run, parts = Scripts.run, list[str]()

    def noted(self: Scripts, name: str, *args: str | bytes | int | float) -> object:
        parts.append(name)
        return run(self, name, *args)

    monkeypatch.setattr(Scripts, "run", noted)
    for changed in (None, first, second):
        if changed is not None:
            queue.command(TaskCommand.PAUSE, changed)
        parts.clear()
        feed = feed_of(queue, for_screen=True)
        told, right = tally(reduce_all(RunState(), feed.poll(5))), counted(state(queue).tasks)
        feed.close()
        assert (told.summed, sum(told.states.values())) == (True, 400)
        assert (told.states, told.queued, told.work_total) == (right.states, right.queued, right.work_total)
        assert parts.count("summary") > 10, "there were several parts"


def test_who_has_read_the_tasks_before_is_told_them_alone(filled: Queue) -> None:
    feed = feed_of(filled, for_screen=True)
    known = reduce_all(RunState(), feed.poll(5) + feed.poll(5))
    filled.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    again: list[Event] = []
    while not any(event.kind is Kind.SNAPSHOT for event in again):
        again += feed.poll(1)
    assert Kind.SUMMARY not in {event.kind for event in again}
    summed = Event(Kind.SUMMARY, 1.0, data={"groups": []})
    assert tally(reduce(known, summed)).states == tally(known).states
    feed.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(summary, "MANY", TASKS + 1),
        lambda patch: patch.setattr(summary, "MOST_GROUPS", 2),
    ],
    ids=["few tasks", "little in common"],
)
def test_a_summary_that_is_of_no_use_is_left_out(
    filled: Queue, monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None]
) -> None:
    change(monkeypatch)
    feed = feed_of(filled, for_screen=True)
    assert [event.kind for event in feed.poll(5)] == [Kind.CONNECTION, Kind.SNAPSHOT]
    feed.close()


def test_others_are_told_no_summary(filled: Queue) -> None:
    feed = feed_of(filled)
    assert [event.kind for event in feed.poll(5)] == [Kind.CONNECTION, Kind.SNAPSHOT]
    feed.close()
    told = Event(Kind.SUMMARY, 1.0, 1, 1, data={"groups": [{"info": {}, "status": "queued", "count": 9}]})
    assert codec.decode_event(codec.encode_event(told)) is None, "of the channel's none is believed"


@pytest.mark.parametrize(
    "group",
    [7, {}, {"info": 7}, {"info": {}, "status": "lost"}, {"info": {}, "status": 7}, {"info": None, "status": "queued"}],
)
def test_a_group_that_is_none_counts_for_nothing(group: object) -> None:
    found = reduce(RunState(), Event(Kind.SUMMARY, 1.0, data={"groups": [group], "meta": 7}))
    assert (dict(tally(found).states), tally(found).work_total) == ({}, 0)
    less = {"info": {"phase": "p", "epochs": 3}, "status": "queued", "count": -4, "priority": "x"}
    assert dict(tally(reduce(RunState(), Event(Kind.SUMMARY, 1.0, data={"groups": [less]}))).states) == {}
