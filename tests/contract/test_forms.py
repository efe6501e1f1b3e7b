"""The server keeps once what many tasks have in common, and tells each of them whole."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from cqltui.broker.feed.stream import events_after
from cqltui.broker.protocol.queue import Queue
from cqltui.campaign import payload
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import NewerSpecError
from cqltui.state import decode
from cqltui.state.counting import counted
from cqltui.state.model import Lifecycle, RunState, Status
from cqltui.state.reduce import reduce
from cqltui.state.untouched import Untouched
from cqltui.supervisor.submissions import submissions
from tests.contract.helpers import claim_one, state, worker

FILE = """
[campaign]
name = "forms"
[trainer]
epochs = 30
lr = 2e-4
hidden_dims = [64, 32]
alpha = 0.3
[[phase]]
name = "many"
[phase.grid]
seed = { from = 1, to = 12 }
[[phase.task]]
description = '100 % "odd" %1 \\, ü'
gamma = 0.5
"""
DATA = payload.DataSummary("d" * 64, 199, 20)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    path = tmp_path / "forms.toml"
    path.write_text(FILE, encoding="utf-8")
    return load_campaign(path).identified(DATA.digest)


def infos(campaign: Campaign) -> dict[str, dict[str, Any]]:
    """What each task is, each worked out by itself."""
    tasks = enumerate(campaign.tasks)
    return {task.id: orjson.loads(orjson.dumps(payload.task_info(campaign, task, n, DATA))) for n, task in tasks}


def test_events_readings_and_claims_tell_each_task_whole(any_queue: Queue, campaign: Campaign) -> None:
    queue, expected = any_queue, infos(campaign)
    assert queue.enqueue_many(submissions(campaign, DATA)) == 13
    told = {event.task: event.data["info"] for event in events_after(queue, (0, 0))}
    assert told == expected
    read = state(queue)
    assert {id_: task.info for id_, task in read.tasks.items()} == {
        id_: decode.task_info(id_, info) for id_, info in expected.items()
    }
    claimed = {claim.id: claim.spec for claim in queue.claim(worker(queue), limit=5)}
    claimed |= {claim.id: claim.spec for _ in range(12) for claim in queue.claim(worker(queue, "w2"))}
    specs = {task.id: payload.task_spec(campaign, task, DATA) for task in campaign.tasks}
    assert claimed == orjson.loads(orjson.dumps(specs))


def test_what_is_kept_of_a_task_is_its_own(queue: Queue, campaign: Campaign) -> None:
    queue.enqueue_many(submissions(campaign, DATA))
    _, first, *_ = campaign.tasks
    kept: dict[bytes, bytes] = queue.client.execute_command("HGETALL", queue.keys.task(first.id))
    assert orjson.loads(kept[b"info"])["put"] == ["seed 1", "", 1, 0.3, 2e-4, 1, None]
    assert len(kept[b"spec"]) < len(orjson.dumps(payload.task_spec(campaign, first, DATA))) / 4
    with pytest.raises(NewerSpecError, match="leaves it: install the version of the campaign's command"):
        payload.check_spec(first.id, orjson.loads(kept[b"spec"]))  # as a worker of an earlier version has it


def test_tasks_that_an_earlier_version_kept_whole_go_on_and_nothing_is_told_anew(
    queue: Queue, campaign: Campaign
) -> None:
    queue.enqueue_many(submissions(campaign, DATA))
    expected = infos(campaign)
    for task in campaign.tasks:
        spec = payload.task_spec(campaign, task, DATA)
        of_old = ("info", orjson.dumps(expected[task.id]), "spec", orjson.dumps(spec))
        queue.client.execute_command("HSET", queue.keys.task(task.id), *of_old)
    before = state(queue)
    assert claim_one(queue, worker(queue)).spec["trainer"]["gamma"] == 0.5
    version = queue.version()
    queue.enqueue_many(submissions(campaign, DATA))
    assert queue.version() == version, "they are what they were"
    assert [task.info for task in state(queue).tasks.values()] == [task.info for task in before.tasks.values()]
    _, second, *_ = campaign.tasks
    assert b'"form"' in queue.client.execute_command("HGET", queue.keys.task(second.id), "info")


def test_a_task_that_is_called_otherwise_is_told(queue: Queue, campaign: Campaign) -> None:
    *_, first = submissions(campaign, DATA)
    queue.enqueue_many(submissions(campaign, DATA))
    epoch, seq = queue.version()
    other = {**first.info} | {"title": "another"}
    queue.enqueue_many([type(first)(first.id, first.digest, other, first.spec, first.pack, first.priority, first.cost)])
    (event,) = events_after(queue, (epoch, seq))
    assert (event.task, event.data["info"]) == (first.id, other)


def test_a_task_that_was_lost_comes_back_with_its_form(queue: Queue, campaign: Campaign) -> None:
    _, first, *_ = submissions(campaign, DATA)
    assert queue.restore(first, Lifecycle(status=Status.PAUSED, paused_by="user"))
    assert state(queue).tasks[first.id].info == decode.task_info(first.id, infos(campaign)[first.id])
    queue.resume(first.id)
    assert claim_one(queue, worker(queue)).spec == dict(first.spec)


def test_in_few_words_an_untouched_task_is_told_as_in_many(any_queue: Queue, campaign: Campaign) -> None:
    queue = any_queue
    queue.enqueue_many(submissions(campaign, DATA))
    alone, _, *_ = campaign.tasks
    claimed = {claim_one(queue, worker(queue, name)).id for name in ("w1", "w2")}
    event = queue.snapshot()
    few = {task_id for task_id, told in event.data["tasks"].items() if isinstance(told, Untouched)}
    assert few == event.data["tasks"].keys() - claimed - {alone.id}, "its form is nobody else's"
    assert len(few) == 11
    in_many = {task_id: dict(told) for task_id, told in event.data["tasks"].items()}
    read = reduce(RunState(), event)
    assert read == reduce(RunState(), replace(event, data={**event.data, "tasks": in_many}))
    assert read.counted == counted(read.tasks)
    first = read.tasks[min(few)]
    assert reduce(read, event) == read, "who knows it already has it as it was"
    stored = queue.client.execute_command("HGETALL", queue.keys.task(first.id))
    life = first.life
    assert [life.priority, life.order, life.version[1]] == [float(stored[n]) for n in (b"priority", b"order", b"seq")]
    assert life.queued_ts == pytest.approx(float(stored[b"queued_ts"]), abs=1e-5)


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("by", "anna"),
        ("error", "boom"),
        ("progress", '{"token": "1-1", "step": 3, "ts": 5}'),
        ("report", '{"token": "1-1", "epoch": 3}'),
        ("run", "2"),
        ("attempt", "1"),
    ],
)
def test_of_a_task_that_something_has_happened_to_all_is_told(
    queue: Queue, campaign: Campaign, field: str, typed: str
) -> None:
    queue.enqueue_many(submissions(campaign, DATA))
    touched, other, *_ = state(queue).tasks
    queue.client.execute_command("HSET", queue.keys.task(touched), field, typed)
    told = queue.snapshot().data["tasks"]
    assert not isinstance(told[touched], Untouched)
    assert isinstance(told[other], Untouched)


@pytest.mark.parametrize("own", ['"seed 1", oops', '"too", "few"', '{"an": "object"}, 2, 3, 4, 5, 6, 7]'])
def test_one_whose_own_values_are_damaged_is_there_and_the_others_are_whole(
    queue: Queue, campaign: Campaign, own: str
) -> None:
    queue.enqueue_many(submissions(campaign, DATA))
    before = state(queue)
    damaged = next(task.id for task in before.tasks.values() if task.info.settings["seed"] == 7)
    kept = queue.client.execute_command("HGET", queue.keys.task(damaged), "info").decode()
    typed = kept.partition('"put":[')[0] + f'"put":[{own}]}}'
    queue.client.execute_command("HSET", queue.keys.task(damaged), "info", typed)
    after = state(queue)
    assert after.tasks[damaged].life == before.tasks[damaged].life
    assert after.tasks[damaged].info.phase == ""
    assert {**after.tasks, damaged: None} == {**before.tasks, damaged: None}


@pytest.mark.parametrize("text", ["", "{\n}", "\n" * 40, '{"one":\n,"more":' + "\n," * 5 + "\n}"])
def test_by_a_form_that_is_not_what_it_was_a_worker_is_told_what_is_kept(
    queue: Queue, campaign: Campaign, text: str
) -> None:
    queue.enqueue_many(submissions(campaign, DATA))
    alone, first, *_ = campaign.tasks
    assert claim_one(queue, worker(queue)).id == alone.id
    kept = orjson.loads(queue.client.execute_command("HGET", queue.keys.task(first.id), "spec"))
    queue.client.execute_command("HSET", queue.keys.meta, f"form:{kept['form']}", text)
    claimed = claim_one(queue, worker(queue, "w2"))
    assert (claimed.id, claimed.spec) == (first.id, kept)
