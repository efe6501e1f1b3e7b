"""A screen of very many tasks holds some of them, and counts the others as those that hold all."""

import pytest

from cqltui.broker.feed import paging
from cqltui.broker.feed.feed import Feed
from cqltui.broker.protocol import pages
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.connect import client_of
from cqltui.state.events import Kind
from cqltui.state.model import RunState, Status
from cqltui.state.page import Page
from cqltui.state.reduce import reduce_all
from tests.contract.helpers import eventually, formed, state, task, worker
from tests.contract.readers import where
from tests.contract.screens import IDS, SIZE, Screen, agrees, at_page, filled

pytestmark = pytest.mark.usefixtures("small_pages")


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
    at_page(queue, screen, 14)
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
    at_page(queue, screen, 14)
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
    elsewhere = set(done) - set(IDS[14:])
    assert elsewhere - set(screen.state.tasks), "of the others some were let go"
