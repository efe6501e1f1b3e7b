"""A task list of so many tasks that a page of them is held, and somebody who is asked for pages."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import cache

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.pilot import Pilot

from cqltui.state.counting import counted
from cqltui.state.described import PhaseInfo
from cqltui.state.eta import Estimate
from cqltui.state.model import Alike, Lifecycle, RunState, Status, TaskInfo, TaskState
from cqltui.state.page import SIZE, Page
from cqltui.ui.frame import Frame
from cqltui.ui.panels.tasks import TaskTable
from tests.ui.test_table import NOW, Host

TOTAL = 1_000_000
Test = Callable[[TaskState], bool]


@cache
def task(number: int, status: Status = Status.QUEUED) -> TaskState:
    """Those of even numbers are of a phase that comes first in the campaign, where the last submitted comes first."""
    info = TaskInfo(f"t{number:06}", "odd" if number % 2 else "even", f"Title {number}", index=TOTAL - number)
    return TaskState(info, Lifecycle((1, 5), status, order=number + 1))


def state(page: Page, others: Iterable[TaskState] = (), seq: int = 9, total: int = TOTAL) -> RunState:
    """The page's tasks and others are held; all that are not wait."""
    tasks = {one: task(int(one[1:])) for one in page.ids} | {one.id: one for one in others}
    alike = Alike(task(0).info, Status.QUEUED, 0.0, total - len(tasks))
    phases = (PhaseInfo("even", priority=2), PhaseInfo("odd", priority=1))
    return RunState(
        replace(RunState().campaign, phases=phases),
        tasks=tasks,
        page=page,
        alike={("all",): alike},
        epoch=1,
        seq=seq,
        online=True,
        counted=counted(tasks, [alike]),
    )


def part(first: int, count: int = SIZE) -> Page:
    """So many tasks in a row."""
    return Page(tuple(f"t{number:06}" for number in range(first, first + count)), first)


def found(words: str, numbers: Iterable[int], looked_at: int, through: bool = False) -> Page:
    """Tasks that a search has found so far."""
    return Page(tuple(f"t{number:06}" for number in numbers), 0, words, looked_at, through)


def frame(page: Page, *others: TaskState, seq: int = 9, total: int = TOTAL, now: float = NOW) -> Frame:
    return Frame(state(page, others, seq, total), Estimate(None, {}, {}), now)


class PagedHost(Host):
    """The list, with somebody who is asked for pages."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[tuple[int, str]] = []
        self.tests: list[Test | None] = []

    def turn(self, first: int, words: str, test: Test | None) -> None:
        """Remember it."""
        self.turns.append((first, words))
        self.tests.append(test)

    def compose(self) -> ComposeResult:
        """The list."""
        yield TaskTable("tasks", "Tasks", self.turn)


@asynccontextmanager
async def shown(first: Frame) -> AsyncIterator[tuple[TaskTable, PagedHost, Pilot[None]]]:
    """The list with the frame, focused; its clock stands."""
    app = PagedHost()
    async with app.run_test(size=(90, 20)) as pilot:
        listed = app.query_one(TaskTable)
        listed.pages.clock = lambda: 0.0
        listed.focus()
        listed.show(first)
        await pilot.pause()
        yield listed, app, pilot


def height(listed: TaskTable) -> int:
    """Where the cursor's row is on the screen."""
    return listed.row - listed.scroll_offset.y


def title(listed: TaskTable) -> str:
    return str(listed.border_title)


RUNS = task(700_000, Status.RUNNING)
