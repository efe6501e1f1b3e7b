"""Which page of very many tasks the list asks for, and where its cursor goes meanwhile."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from cqltui.state.counting import tally
from cqltui.state.filter import Filter
from cqltui.state.filter_fields import Moment
from cqltui.state.model import RunState, TaskState
from cqltui.state.page import SIZE, Page

NEAR = 250
"""So many rows before the page's end the next one is asked for."""
HALF = SIZE // 2
"""How far a page is turned: around the cursor tasks stay."""
WAIT_S = 3.0
"""So long a key does not lead across the page's end, behind which tasks are asked for."""
PATIENCE_S = 30.0
"""After so long without an answer the same is asked for again."""
AGAIN_S = 30.0
"""So long after its end a search whose tasks come and go is made again."""
Turn = Callable[[int, str, Callable[[TaskState], bool] | None], object]
"""As of `Ports.turn`."""


def ask_nobody(first: int, words: str, test: Callable[[TaskState], bool] | None) -> None:
    """Have no other page."""


class Pages:
    """Asks for pages, each once. There are some only in a state that has one."""

    def __init__(self, turn: Turn = ask_nobody) -> None:
        self._turn = turn
        self.clock: Callable[[], float] = time.monotonic
        self._asked: tuple[int, str] | None = None
        """From where, and the words, of what was asked for and is not there."""
        self._asked_s = 0.0
        self._first = 0
        """Where the page without words began that was there last."""
        self._ended: Page | None = None
        """The search that has come to its end, and when it is made again."""
        self._again_s = 0.0
        self._end: int | None = None
        """Which task of the page that was asked for the cursor is to go to, 0 or -1; None: to none."""
        self.target = ""
        """The task that the cursor is to go to now; empty: it stays."""

    # What is there

    def look(self, state: RunState, wanted: Filter, moment: Moment) -> None:
        """Take note of the page that is there; ask for the one that the filter wants, if that is another."""
        page = state.page
        if page is None:
            return
        if self._asked is not None and _answers(page, *self._asked, _total(state)):
            self._asked = None
            if self._end is not None and page.ids:
                self.target, self._end = page.ids[self._end], None
        if not page.filter:
            self._first = page.first
        words = wanted.text if wanted.words else ""
        if words != page.filter or (self._asked is not None and words != self._asked[1]):
            self._seek(wanted, words, moment)
        elif words and wanted.live and page.through:
            if page is not self._ended:
                self._ended, self._again_s = page, self.clock() + AGAIN_S
            elif self.clock() >= self._again_s:
                self._again_s = self.clock() + AGAIN_S
                self._seek(wanted, words, moment)

    def _seek(self, wanted: Filter, words: str, moment: Moment) -> None:
        if words:
            self._ask(0, words, partial(wanted.matches, moment=moment))
        else:
            self._ask(self._first)

    def _ask(
        self, first: int, words: str = "", test: Callable[[TaskState], bool] | None = None, end: int | None = None
    ) -> None:
        now, self._end, self.target = self.clock(), end, ""
        if self._asked != (first, words) or now - self._asked_s >= PATIENCE_S:
            self._asked, self._asked_s = (first, words), now
            self._turn(first, words, test)

    # Where the cursor goes

    def stay(self) -> None:
        """Hear that the user wants the cursor where it is now."""
        self._end, self.target = None, ""

    def near(self, state: RunState, places: Mapping[str, int], row: int, by: int) -> None:
        """Ask for the page behind, or before, if the cursor has come near there."""
        page, (first, last) = state.page, _rows(state.page, places)
        if page is None or not first <= row <= last:
            return
        if by > 0 and last - row <= NEAR and (total := _total(state)) > behind(page):
            self._ask(_next(page, total))
        elif by < 0 and row - first <= NEAR and page.first > 0:
            self._ask(_before(page))

    def scrolled(self, state: RunState, places: Mapping[str, int], row: int, by: int) -> None:
        """Ask for the same where this row is the last, or the first, that is seen."""
        first, last = _rows(state.page, places)
        self.near(state, places, min(max(row, first), last), by)

    def bounded(self, state: RunState, places: Mapping[str, int], row: int, by: int) -> int:
        """Return how many rows a key leads on. Where there are tasks behind the page that belong before the next row,
        these are asked for, and it does not lead across the page's end for a while."""
        page, (first, last) = state.page, _rows(state.page, places)
        if page is None:
            return by
        if row <= last < row + by and (total := _total(state)) > behind(page):
            self._ask(_next(page, total))
            end = last
        elif row >= first > row + by and page.first > 0:
            self._ask(_before(page))
            end = first
        else:
            return by
        return end - row if self.clock() - self._asked_s < WAIT_S else by

    def ask_end(self, state: RunState, end: int) -> bool:
        """Ask for the page with the first of all tasks, 0, or the last, -1, where the cursor is to go to. Return
        whether that is another page."""
        page, total = state.page, _total(state)
        if page is None or (behind(page) >= total if end else page.first == 0):
            return False
        self._ask(max(0, total - SIZE) if end else 0, end=end)
        return True


def _answers(page: Page, first: int, words: str, total: int) -> bool:
    """Return whether this is what was asked for: the last page begins where it may."""
    if page.filter != words:
        return False
    return bool(words) or page.first == first or (page.first < first and behind(page) >= total)


def _next(page: Page, total: int) -> int:
    return max(0, min(page.first + HALF, total - SIZE))


def _before(page: Page) -> int:
    return max(0, page.first - HALF)


def behind(page: Page) -> int:
    """Return how many tasks there are up to the page's end."""
    return page.first + len(page.ids)


def _total(state: RunState) -> int:
    return sum(tally(state).states.values())


def _rows(page: Page | None, places: Mapping[str, int]) -> tuple[int, int]:
    """Return the rows of the first and the last task of the page; no row is between them where none is listed."""
    ids = page.ids if page is not None else ()
    first = next((places[one] for one in ids if one in places), 0)
    return first, next((places[one] for one in reversed(ids) if one in places), -1)


def submitted(state: RunState) -> tuple[str, ...]:
    """Return the tasks that are held as they were submitted, which is the order of pages."""
    return tuple(task.id for task in sorted(state.tasks.values(), key=lambda task: (task.life.order, task.id)))
