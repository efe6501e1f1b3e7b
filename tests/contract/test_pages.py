"""A screen of very many tasks holds some of them, and counts the others as those that hold all."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cqltui.broker.feed import feed as feeds
from cqltui.broker.feed import paging
from cqltui.broker.feed.feed import Feed
from cqltui.broker.protocol import codec, pages, summary
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import TaskError
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.server.acl import OWNER
from cqltui.broker.server.connect import client_of, connect_url
from cqltui.broker.server.handle import ServerHandle
from cqltui.state import page as paged
from cqltui.state.counting import counted, tally
from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState, Status, Tally, TaskState
from cqltui.state.page import Page
from cqltui.state.reduce import reduce_all
from tests.contract.helpers import eventually, formed, state, task, worker
from tests.contract.machine import STEP, Machine
from tests.contract.readers import where

SIZE = 6
IDS = [f"t{number:02}" for number in range(20)]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of six tasks, of however few."""
    monkeypatch.setattr(pages, "MANY", 0)
    for module in (paged, pages, paging):
        monkeypatch.setattr(module, "SIZE", SIZE)
    monkeypatch.setattr(pages, "BEFORE", 1)
    monkeypatch.setattr(paging, "STEP", 4)
    monkeypatch.setattr(summary, "CHUNK", 3)


class Screen:
    """A feed for a screen, and the state that it makes."""

    def __init__(self, queue: Queue) -> None:
        place = where(queue)
        self.feed = Feed(lambda: client_of(place), for_screen=True)
        self.state = RunState()
        self.kinds: list[Kind] = []

    def read(self, timeout_s: float = 0.1) -> RunState:
        """The state after what has come."""
        events = self.feed.poll(timeout_s)
        self.kinds += [event.kind for event in events]
        self.state = reduce_all(self.state, events)
        return self.state

    def read_to(self, seq: int) -> RunState:
        """The state after the event of that number."""
        eventually(lambda: self.read().seq >= seq)
        return self.state

    def read_page(self, is_there: Callable[[Page], bool]) -> RunState:
        """The state with such a page."""
        eventually(lambda: is_there(self.read().page or Page()))
        return self.state


@pytest.fixture
def screen(queue: Queue) -> Iterator[Screen]:
    """A screen, which is closed in the end."""
    made = Screen(queue)
    yield made
    made.feed.close()


def told(found: Tally) -> object:
    """What counts say, but for epochs that are done in part: those of tasks that are not held are not known."""
    phases = {name: (dict(of.states), of.epochs_total) for name, of in found.phases.items() if of.states}
    return dict(found.states), dict(found.queued), phases, found.work_total


def in_any_order(found: Tally) -> Tally:
    """Counts, whatever began to run first."""
    return replace(found, running=tuple(sorted(found.running)))


def agrees(some: RunState, whole: RunState) -> None:
    """What is held is as who holds all has it, and the counts are of all."""
    assert some.page is not None
    assert dict(some.tasks) == {
        name: replace(whole.tasks[name], info_version=held.info_version) for name, held in some.tasks.items()
    }
    assert told(tally(some)) == told(whole.counted)
    assert tally(some) is some.counted
    assert in_any_order(some.counted) == in_any_order(counted(some.tasks, some.alike.values()))
    assert {name for name, one in whole.tasks.items() if one.status is Status.RUNNING} <= set(some.tasks)
    assert sum(each.number for each in some.alike.values()) + len(some.tasks) == len(whole.tasks)


def filled(queue: Queue, rows: bool = True) -> None:
    """Twenty tasks that wait."""
    queue.enqueue_many([formed(task_id, int(task_id[1:]) % 3, "k") for task_id in IDS], rows=rows)


@pytest.mark.parametrize("rows", [True, False], ids=["rows", "hashes"])
def test_a_late_screen_holds_a_page_and_what_runs(queue: Queue, screen: Screen, rows: bool) -> None:
    filled(queue, rows)
    who = worker(queue)
    held = queue.claim(who, limit=2)
    dead, done = queue.claim(who, limit=2)
    queue.fail(dead.id, dead.token, "boom", None)
    queue.complete(done.id, done.token, {"loss": 0.5})
    queue.pause(IDS[0])
    found = screen.read(5)
    agrees(found, state(queue))
    assert screen.kinds == [Kind.CONNECTION, Kind.SUMMARY]
    first = min(IDS.index(one.id) for one in held) - 1  # a page begins a little before the first that runs
    assert found.page == Page(tuple(IDS[first : first + SIZE]), first)
    assert set(found.tasks) == {*found.page.ids, *(one.id for one in held), dead.id}
    assert found.workers.keys() == {who.id}
    assert found.online


def test_a_screen_of_few_holds_all(queue: Queue, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MANY", len(IDS))
    filled(queue)
    found = screen.read(5)
    assert (found.page, set(found.tasks), dict(found.alike)) == (None, set(IDS), {})


def test_others_hold_all(queue: Queue) -> None:
    filled(queue)
    place = where(queue)
    feed = Feed(lambda: client_of(place))
    found = reduce_all(RunState(), feed.poll(5))
    feed.close()
    assert (found.page, len(found.tasks)) == (None, len(IDS))


def test_what_something_happens_to_is_held(queue: Queue, screen: Screen) -> None:
    filled(queue)
    before = screen.read(5)
    outside = [task_id for task_id in IDS if task_id not in before.tasks]
    queue.pause(outside[0])
    queue.set_priority(outside[1], 9)
    queue.cancel(outside[2])
    queue.enqueue(task("new", 4, "k"))
    queue.enqueue_many([formed(f"row{n}", 4, "k") for n in range(3)], rows=True)
    (claim,) = queue.claim(who := worker(queue))
    assert claim.id == outside[1]
    queue.progress(who, [{"task": claim.id, "token": claim.token, "step": 3, "epoch": 1}], {"pid": 1})
    screen.read_to(queue.version()[1])
    eventually(lambda: (live := screen.read().tasks[claim.id].live) is not None and live.step == 3)
    agrees(screen.state, state(queue))
    assert {*before.tasks, *outside[:3], "new"} == set(screen.state.tasks)
    assert screen.state.tasks[outside[0]].info == state(queue).tasks[outside[0]].info
    assert Kind.SNAPSHOT not in screen.kinds


def test_a_page_is_turned(queue: Queue, screen: Screen) -> None:
    filled(queue)
    screen.read(5)
    (held,) = queue.claim(worker(queue))
    screen.read_to(queue.version()[1])
    for first, there in ((7, 7), (14, 14), (19, 14), (0, 0)):
        screen.feed.turn(first)
        found = screen.read_page(lambda page, there=there: page.first == there)  # type: ignore[misc]
        agrees(found, state(queue))
        assert found.page == Page(tuple(IDS[there : there + SIZE]), there)
        assert set(found.tasks) == {*found.page.ids, held.id}
    assert screen.kinds.count(Kind.SUMMARY) == 1


def test_the_first_that_a_test_finds_are_held(queue: Queue, screen: Screen) -> None:
    filled(queue)
    screen.read(5)
    queue.pause(IDS[17])
    queue.pause(IDS[3])
    screen.read_to(queue.version()[1])
    screen.feed.turn(0, "state:paused", lambda one: one.status is Status.PAUSED)
    found = screen.read_page(lambda page: page.filter == "state:paused" and page.through)
    agrees(found, state(queue))
    assert found.page == Page((IDS[3], IDS[17]), 0, "state:paused", len(IDS))
    screen.feed.turn(0, "even", lambda one: int(one.id[1:]) % 2 == 0)
    found = screen.read_page(lambda page: page.filter == "even" and page.through)
    agrees(found, state(queue))
    assert found.page == Page(tuple(IDS[:12:2]), 0, "even", 12)
    assert set(found.tasks) == {*found.page.ids, IDS[17], IDS[3]} - {IDS[17], IDS[3]}
    screen.feed.turn(0, "all", lambda one: True)
    found = screen.read_page(lambda page: page.filter == "all" and page.through)
    assert (found.page, set(found.tasks)) == (Page(tuple(IDS[:SIZE]), 0, "all", 8), set(IDS[:SIZE]))
    screen.feed.turn(2)
    found = screen.read_page(lambda page: page.first == 2)
    agrees(found, state(queue))
    assert set(found.tasks) == set(IDS[2:8])


def test_a_search_is_told_while_it_goes_on(queue: Queue, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "TOLD_STEPS", 2)
    filled(queue)
    screen.read(5)
    seen: list[tuple[int, bool]] = []
    screen.feed.turn(0, "none", lambda one: False)
    while not seen or not seen[-1][1]:
        page = screen.read().page
        if page is not None and page.filter == "none" and (not seen or seen[-1][0] != page.looked_at):
            seen.append((page.looked_at, page.through))
    assert seen == [(0, False), (8, False), (16, False), (20, True)]


def test_what_has_ended_is_let_go(queue: Queue, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MOST_HELD", 4)
    filled(queue)
    screen.read(5)
    screen.feed.turn(14)
    screen.read_page(lambda page: page.first == 14)
    who = worker(queue)
    kept = queue.claim(who, limit=2)
    for _ in range(8):
        (claim,) = queue.claim(who)
        queue.complete(claim.id, claim.token, {"loss": 0.5})
    last = kept.pop()
    queue.complete(last.id, last.token, {"loss": 0.5})
    screen.read_to(queue.version()[1])
    eventually(lambda: len(screen.read().tasks) <= SIZE + len(kept) + 4)
    agrees(screen.state, state(queue))
    assert last.id in screen.state.tasks, "the last that something happened to stays"
    done = [one.id for one in state(queue).tasks.values() if one.status is Status.DONE]
    gone = next(task_id for task_id in done if task_id not in screen.state.tasks)
    queue.resubmit(gone)
    agrees(screen.read_to(queue.version()[1]), state(queue))
    assert gone in screen.state.tasks


def test_the_dead_are_let_go_last(queue: Queue, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MOST_HELD", 4)
    filled(queue)
    screen.read(5)
    screen.feed.turn(14)
    screen.read_page(lambda page: page.first == 14)
    who, dead, done = worker(queue), list[str](), list[str]()
    for n in range(8):
        (claim,) = [one for one in queue.claim(who) if one.id < IDS[14]] or queue.claim(who)
        if n < 2:
            queue.fail(claim.id, claim.token, "boom", None)
            dead.append(claim.id)
        else:
            queue.complete(claim.id, claim.token, {"loss": 0.5})
            done.append(claim.id)
        screen.read_to(queue.version()[1])
        screen.read(0.0)
    agrees(screen.state, state(queue))
    assert set(dead) <= set(screen.state.tasks)
    others = [one for one in done if one not in IDS[14:] and one in screen.state.tasks]
    assert len(others) < len([one for one in done if one not in IDS[14:]])


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


def test_a_new_life_of_the_server_is_read_again(queue: Queue, screen: Screen, tmp_path: object) -> None:
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
