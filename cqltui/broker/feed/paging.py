"""What a screen is told of very many tasks: the events of all, and some of them to hold."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from operator import itemgetter
from typing import Any

import redis
from msgspec import Struct
from msgspec.structs import replace

from cqltui.broker.protocol import codec
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.pages import Pages, as_of
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.protocol.snapshot import Told
from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState, Status, TaskState
from cqltui.state.page import SIZE, Page
from cqltui.state.reduce import reduce

FIRST = float("-inf")
STEP = 500
"""Tasks that are looked at at once: ten milliseconds."""
TOLD_STEPS = 20
"""Of these what is told at least, though nothing was found."""
MOST_HELD = 3 * SIZE
"""Tasks beside the page and those that run; of more, those that something happened to longest ago are let go."""
LONGER = frozenset({Status.RUNNING, Status.DEAD})
"""Tasks that are held though they are on no page any more: a worker reports them, or all can be run again at once."""


class Wish(Struct, frozen=True, eq=False):
    """Which tasks a screen wants to hold; each is another one."""

    first: int | None = None
    """A page behind so many tasks; None: around those that run."""
    words: str = ""
    test: Callable[[TaskState], bool] | None = None
    """The first tasks that pass it instead."""


class Paging:
    """Follows which tasks are held. For one connection; for one thread."""

    def __init__(self, client: redis.Redis, keys: Keys, scripts: Scripts) -> None:
        self._pages = Pages(client, keys, scripts)
        self._page = Page()
        self._served: Wish | None = None
        self._held: dict[str, object] = {}
        """Task -> status; what something has happened to last is last."""
        self._tidy_at = 0
        """How many have to be held before it is looked which are to be let go."""
        self._parts: Sequence[tuple[int, int]] = ()
        """As they were counted; see `Groups`."""
        self._order, self._steps = FIRST, 0
        """How far has been looked, and in how many steps since that was told."""
        self.lost = False
        """Whether something has happened that cannot be counted: all is to be read again."""

    def begin(self, wish: Wish, now: float) -> Event | None:
        """Return the first reading, as `Pages.first_reading` has it."""
        found = self._pages.first_reading(now, None if wish.test else wish.first)
        if found is None:
            return None
        event, groups = found
        self._parts = groups.parts
        self._page = event.data["page"]
        self._served = None if wish.test else wish
        self._hold({**event.data["tasks"], **event.data["changed"]})
        self._tidy_at = len(self._held) + MOST_HELD // 2
        return event

    @property
    def busy(self) -> bool:
        """Whether tasks are being looked for."""
        return not self._page.through

    def _hold(self, told: dict[str, Told]) -> None:
        self._held |= {task_id: raw["life"].get("status") for task_id, raw in told.items()}

    def completed(self, events: Iterable[Event]) -> list[Event]:
        """Return the events; those of tasks that are not held with what is fixed about these, for they are from now
        on."""
        events = list(events)
        unknown = {event.task: event.epoch for event in events if _is_of_task(event) and event.task not in self._held}
        read = self._pages.tasks(list(unknown), next(iter(unknown.values()))) if unknown else {}
        return [self._complete(event, read) if _is_of_task(event) else event for event in events]

    def _complete(self, event: Event, read: dict[str, Told]) -> Event:
        if self._held.pop(event.task, None) is None:
            info = event.data.get("info") or (read[event.task]["info"] if event.task in read else None)
            if info is None or "was" not in event.data:  # lost since, or told by an earlier version
                self.lost = True
                return event
            was = "" if self._was_passed_over(event) else event.data["was"]
            event = replace(event, data={**event.data, "info": info, "was": was})
        self._held[event.task] = event.data.get("status")
        return event

    def _was_passed_over(self, event: Event) -> bool:
        """Return whether the task was counted nowhere: it was submitted again, and so had another place, before its
        part was counted."""
        if not self._parts or event.seq > self._parts[-1][1]:
            return False
        *_, order = str(event.data["was"]).split(" ")
        place = bisect_left(self._parts, codec.number(order), key=itemgetter(0))
        return place < len(self._parts) and event.seq <= self._parts[place][1]

    def turned(self, wish: Wish, version: tuple[int, int], now: float) -> list[Event]:
        """Return what brings the state nearer to this wish: another page, a part of the tasks that are looked for, or
        nothing. `version`: of the newest event that was told."""
        if wish is not self._served:
            self._served = wish
            if wish.test is None:
                first, ids = self._pages.page(wish.first or 0)
                return [self._turn(Page(tuple(ids), first), ids, version, now)]
            self._order, self._steps = FIRST, 0
            return [self._turn(Page(filter=wish.words, through=False), (), version, now)]
        if self.busy and wish.test is not None:
            return self._look(wish.test, version, now)
        return [self._turn(self._page, (), version, now)] if len(self._held) > self._tidy_at else []

    def _look(self, test: Callable[[TaskState], bool], version: tuple[int, int], now: float) -> list[Event]:
        """Look at the next tasks."""
        ids = self._pages.behind(self._order, STEP)
        told = self._pages.tasks(ids, version[0])
        known = reduce(RunState(), Event(Kind.SNAPSHOT, now, *version, data={"tasks": told})).tasks
        found = [one for one in ids if (task := known.get(one)) is not None and test(task)]
        found = found[: SIZE - len(self._page.ids)]
        order = self._pages.order_of(ids[-1]) if ids else None
        self._order, self._steps = self._order if order is None else order, self._steps + 1
        through = order is None or len(ids) < STEP or len(self._page.ids) + len(found) >= SIZE
        self._page = replace(
            self._page,
            ids=(*self._page.ids, *found),
            looked_at=self._page.looked_at + len(ids),
            through=through,
        )
        if not found and not through and self._steps < TOLD_STEPS:
            return []
        self._steps = 0
        return [self._tell({one: told[one] for one in found if one not in self._held}, (), version, now)]

    def _turn(self, page: Page, ids: Collection[str], version: tuple[int, int], now: float) -> Event:
        """Return the event of another page, and let go what is on it no longer."""
        wanted, before = frozenset(ids or page.ids), self._page.ids
        self._page = page
        told = self._pages.tasks([one for one in ids if one not in self._held], version[0])
        gone = [one for one in before if one not in wanted and one in self._held and self._held[one] not in LONGER]
        gone += self._too_many(wanted.union(gone))
        return self._tell(told, gone, version, now)

    def _too_many(self, wanted: Collection[str]) -> list[str]:
        """Return which others are to be let go: the dead ones last, since they can be run again all at once."""
        others = [one for one, status in self._held.items() if status != Status.RUNNING and one not in wanted]
        gone: list[str] = []
        if len(others) > MOST_HELD:
            others.sort(key=lambda one: self._held[one] == Status.DEAD)  # stable
            gone = others[: -MOST_HELD // 2]
        self._tidy_at = len(self._held) - len(gone) + MOST_HELD // 2
        return gone

    def _tell(self, told: dict[str, Told], gone: Collection[str], version: tuple[int, int], now: float) -> Event:
        """Return an event of the page. What has changed since the newest event is told by the next."""
        tasks = as_of(told, version[1])
        self._hold(tasks)
        for task_id in gone:
            del self._held[task_id]
        data: dict[str, Any] = {"page": self._page, "tasks": tasks, "gone": tuple(gone)}
        return Event(Kind.PAGE, now, version[0], data=data)


def _is_of_task(event: Event) -> bool:
    return bool(event.task and event.seq)
