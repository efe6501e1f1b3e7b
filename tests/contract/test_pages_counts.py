"""What a screen of very many tasks counts is right, whatever happens while it reads and on the way."""

from collections.abc import Mapping
from contextlib import suppress

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cqltui.broker.feed import feed as feeds
from cqltui.broker.feed.feed import Feed
from cqltui.broker.protocol import codec, pages, summary
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import TaskError
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.server.acl import OWNER
from cqltui.broker.server.connect import connect_url
from cqltui.broker.server.handle import ServerHandle
from cqltui.state.counting import counted, tally
from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState, TaskState
from cqltui.state.reduce import reduce_all
from tests.contract.helpers import eventually, formed, state, task, worker
from tests.contract.machine import STEP, Machine
from tests.contract.screens import IDS, SIZE, Screen, agrees, filled, in_any_order, told

pytestmark = pytest.mark.usefixtures("small_pages")


def test_changes_while_tasks_are_counted_are_counted_once(
    queue: Queue, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(queue)
    who = worker(queue)
    parts = [0]
    run = Scripts.run

    def busy(self: Scripts, name: str, *args: str | bytes | int | float) -> object:
        answer = run(self, name, *args)
        if name == "about" and not parts[0]:
            queue.enqueue(task("early", 1, "k"))
            queue.enqueue_many([formed(f"early{n}", 1, "k") for n in range(2)], rows=True)
            queue.pause("early1")
        if name == "summary" and parts[0] < 6:
            n = parts[0] = parts[0] + 1
            with suppress(TaskError):
                queue.pause(IDS[n])  # has been counted, or is still to come
                queue.pause(IDS[-n])
                queue.cancel(IDS[n])
            queue.enqueue(task(f"new{n}", 1, "k"))
            queue.enqueue_many([formed(f"row{n}", 1, "k")], rows=True)
            for claim in queue.claim(who, limit=2):  # soon before they are counted
                queue.complete(claim.id, claim.token, {"loss": 0.5})
                queue.resubmit(claim.id)
        return answer

    monkeypatch.setattr(Scripts, "run", busy)
    screen.read(5)
    monkeypatch.undo()
    monkeypatch.setattr(pages, "MANY", 0)
    assert parts[0] == 6
    assert screen.kinds == [Kind.CONNECTION, Kind.SUMMARY]
    assert set(screen.state.tasks) >= {IDS[-1]}, "what has changed is held"
    agrees(screen.read_to(queue.version()[1]), state(queue))
    assert screen.kinds.count(Kind.SUMMARY) == 1


@given(st.lists(st.one_of(STEP, st.tuples(st.just("turn"), st.integers(0, 6), st.just(0))), max_size=25))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_commands(queue: Queue, steps: list[tuple[str, str, int]]) -> None:
    queue.client.execute_command("FLUSHALL")
    queue.enqueue_many([formed(f"r{n}", n % 3, "k") for n in range(8)], rows=True)
    machine, screen = Machine(queue), Screen(queue)
    screen.read(5)
    for name, what, n in steps:
        if name == "turn":
            screen.feed.turn(int(what))
        else:
            machine.step(name, what, n)
        screen.read(0.0)
    whole = state(queue)
    screen.read_to(whole.seq)
    screen.read(0.0)
    some = screen.state
    assert some.page is not None
    assert told(tally(some)) == told(whole.counted)
    assert in_any_order(some.counted) == in_any_order(counted(some.tasks, some.alike.values()))
    assert sum(each.number for each in some.alike.values()) + len(some.tasks) == len(whole.tasks)
    for name, held in some.tasks.items():
        assert (held.life, held.info) == (whole.tasks[name].life, whole.tasks[name].info)
    screen.feed.close()


def test_a_new_life_of_the_server_is_read_again(queue: Queue, screen: Screen) -> None:
    filled(queue)
    screen.feed.turn(3)
    screen.read(5)
    queue.client.execute_command("HSET", queue.keys.meta, "epoch", 7)
    queue.pause(IDS[0])
    eventually(lambda: screen.read().epoch == 7)
    agrees(screen.state, state(queue))
    assert screen.state.page is not None
    assert screen.state.page.first == 3, "the page stays"


def test_what_is_told_before_a_reading_says_nothing_of_what_it_holds(queue: Queue, screen: Screen) -> None:
    filled(queue)
    before = screen.read(5)
    outside = next(task_id for task_id in IDS if task_id not in before.tasks)
    queue.pause(outside)
    epoch, seq = queue.version()
    queue.client.execute_command("HINCRBY", queue.keys.meta, "seq", 1)
    again = Event(Kind.NOTICE, 1.0, epoch, seq + 1, data={"level": "info", "text": "again", "reread": True})
    queue.client.execute_command("PUBLISH", queue.keys.events, codec.encode_event(again))
    eventually(lambda: screen.read().notices != ())
    assert screen.kinds[-2:] == [Kind.NOTICE, Kind.SUMMARY]
    assert outside not in screen.state.tasks
    queue.resume(outside)
    agrees(screen.read_to(queue.version()[1]), state(queue))


def test_what_an_earlier_version_tells_is_read_again(
    queue: Queue, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "AGAIN_S", 0.0)
    filled(queue)
    before = screen.read(5)
    decode = codec.decode_event

    def earlier(raw: bytes | str | None) -> Event | None:
        event = decode(raw)
        without: Mapping[str, object] = {k: v for k, v in event.data.items() if k != "was"} if event else {}
        return replace(event, data=without) if event else None

    monkeypatch.setattr(codec, "decode_event", earlier)
    outside = next(task_id for task_id in IDS if task_id not in before.tasks)
    queue.pause(outside)
    eventually(lambda: screen.read().seq >= queue.version()[1] and screen.kinds.count(Kind.SUMMARY) == 2)
    agrees(screen.state, state(queue))


@pytest.mark.parametrize("lacking", ["", "+srandmember"], ids=["now", "of an earlier version"])
def test_an_owners_rights_suffice(queue: Queue, server: ServerHandle, client: redis.Redis, lacking: str) -> None:
    filled(queue)
    dead = next(one for one in queue.claim(worker(queue), limit=9) if one.id > IDS[SIZE + 1])
    queue.fail(dead.id, dead.token, "boom", None)
    client.execute_command(*(rule for rule in OWNER.rules(Keys(), "secret").split() if rule != lacking))
    url = f"unix://{OWNER.user}:secret@{server.socket}"
    feed = Feed(lambda: connect_url(url), for_screen=True)
    found = reduce_all(RunState(), feed.poll(5))
    assert found.online
    agrees(found, state(queue))
    assert (dead.id in found.tasks) is not bool(lacking)
    feed.turn(14)
    eventually(lambda: any(event.kind is Kind.PAGE for event in feed.poll(0.1)))
    feed.turn(0, "all", lambda one: True)
    eventually(lambda: any(event.kind is Kind.PAGE and event.data["page"].through for event in feed.poll(0.1)))
    feed.close()
    client.execute_command("ACL", "DELUSER", OWNER.user)


def test_tasks_with_little_in_common_are_all_read(
    queue: Queue, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "MOST_GROUPS", 0)
    filled(queue)
    found: dict[str, TaskState] = dict(screen.read(5).tasks)
    assert (screen.state.page, len(found)) == (None, len(IDS))
