"""Screens of very many tasks, where six make a page and there are very many from one task on."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from cqltui.broker.feed import paging
from cqltui.broker.feed.feed import Feed
from cqltui.broker.protocol import pages, summary
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.connect import client_of
from cqltui.state import page as paged
from cqltui.state.counting import counted, tally
from cqltui.state.events import Kind
from cqltui.state.model import RunState, Status, Tally
from cqltui.state.page import Page
from cqltui.state.reduce import reduce_all
from tests.contract.helpers import eventually, formed
from tests.contract.readers import where

SIZE = 6
IDS = [f"t{number:02}" for number in range(20)]


def make_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of six tasks, of however few, read by threes and fours."""
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


def at_page(queue: Queue, screen: Screen, first: int) -> None:
    """Twenty tasks that wait, and the page behind so many of them."""
    filled(queue)
    screen.read(5)
    screen.feed.turn(first)
    screen.read_page(lambda page: page.first == first)
