"""The task list by itself: what it lists, marks and draws, where the cursor goes, and what the mouse does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen

from cqltui.state.described import PhaseInfo
from cqltui.state.eta import Estimate
from cqltui.state.filter import compiled
from cqltui.state.model import Lifecycle, RunState, Status, TaskInfo, TaskState
from cqltui.ui.frame import Frame
from cqltui.ui.panels.cursor import HEADING
from cqltui.ui.panels.tasks import TaskTable
from cqltui.ui.screens.tasks import TaskScreen

NOW = 1_760_734_800.0
COUNT, ROWS = 20, 8
"""Tasks, and how many of them are seen at once."""


class Bare(Screen[None]):
    """A screen that knows the roles of what is drawn."""

    COMPONENT_CLASSES = TaskScreen.COMPONENT_CLASSES


class Host(App[None]):
    """Nothing but the list."""

    CSS = f"TaskTable {{ width: 90; height: {ROWS + HEADING}; border: none; scrollbar-size: 1 1; }}"

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.moves = 0

    def get_default_screen(self) -> Screen[None]:
        """The one that the list is on."""
        return Bare()

    def compose(self) -> ComposeResult:
        """The list."""
        yield TaskTable("tasks", "Tasks")

    def on_panel_task_opened(self, message: TaskTable.TaskOpened) -> None:
        """Remember it."""
        self.opened.append(message.task_id)

    def on_panel_moved(self) -> None:
        """Count it."""
        self.moves += 1


def task(number: int, status: Status = Status.QUEUED, phase: str = "even") -> TaskState:
    life = Lifecycle((1, number + 1), status, number % 3)
    return TaskState(TaskInfo(f"t{number:02}", phase, f"Title {number}", index=number), life)


def frame(running: int = -1, seq: int = 1, count: int = COUNT, pending: str = "") -> Frame:
    """The tasks t00 to t19, the odd ones of a second phase; one of them runs."""
    tasks = [
        task(n, Status.RUNNING if n == running else Status.QUEUED, "odd" if n % 2 else "even") for n in range(count)
    ]
    phases = (PhaseInfo("even", priority=2), PhaseInfo("odd", priority=1))
    campaign = replace(RunState().campaign, phases=phases)
    state = RunState(campaign, tasks={entry.id: entry for entry in tasks}, epoch=1, seq=seq, online=True)
    return Frame(state, Estimate(None, {}, {}), NOW, {pending: "pause"} if pending else {})


@asynccontextmanager
async def shown(first: Frame) -> AsyncIterator[tuple[TaskTable, Host, Pilot[None]]]:
    """The list with the frame, focused."""
    app = Host()
    async with app.run_test(size=(90, 20)) as pilot:
        table = app.query_one(TaskTable)
        table.focus()
        table.show(first)
        await pilot.pause()
        yield table, app, pilot


EVEN_FIRST = tuple(f"t{n:02}" for n in (*range(0, COUNT, 2), *range(1, COUNT, 2)))


def text(table: TaskTable, row: int) -> str:
    """What is drawn in a row of the screen, its blanks folded."""
    return " ".join(table.render_line(row).text.split())


async def test_movement_and_scrolling() -> None:
    async with shown(frame()) as (table, app, pilot):
        assert table.ids == EVEN_FIRST
        places = []
        for key in ("j", "j", "k", "G", "k", "g", "k", "ctrl+d", "ctrl+d", "ctrl+u", "G", "j"):
            await pilot.press(key)
            places.append(table.ids.index(table.cursor_id))
            assert 0 <= places[-1] - table.scroll_offset.y < ROWS, "the cursor is seen"
        page = ROWS - 1 - HEADING + 1
        assert places == [1, 2, 1, 19, 18, 0, 0, page, 2 * page, page, 19, 19]
        assert app.moves == 11, "two keys moved nothing, and at first it went to the first task"


async def test_the_cursor_follows_what_runs_until_the_user_takes_it() -> None:
    async with shown(frame(running=9)) as (table, _, pilot):
        assert table.cursor_id == "t09"
        assert table.scroll_offset.y > 0, "it lies further down"
        table.show(frame(running=5, seq=2))
        assert table.cursor_id == "t05"
        table.show(frame(seq=3))
        assert table.cursor_id == "t05", "nothing runs"
        await pilot.press("j")
        table.show(frame(running=0, seq=4))
        assert table.cursor_id == "t07"


async def test_marks_and_the_titles_count() -> None:
    async with shown(frame()) as (table, _, pilot):
        assert str(table.border_title) == "Tasks · 20"
        await pilot.press("space", "space")
        assert (table.marked, table.cursor_id) == ({"t00", "t02"}, "t04")
        assert str(table.border_title) == "Tasks · 20 · 2 marked"
        assert table.render_line(HEADING).text.startswith(" + Q")
        assert table.render_line(HEADING + 2).text.startswith("▌  Q")
        await pilot.press("g", "space")
        assert table.marked == {"t02"}
        assert str(table.border_title) == "Tasks · 20 · 1 marked"
        table.show(frame(seq=2, count=2))
        assert table.marked == set(), "that task is gone"
        table.unmark()
        assert str(table.border_title) == "Tasks · 2"
        await pilot.press("space")
        table.unmark()
        assert table.marked == set()
        assert str(table.border_title) == "Tasks · 2"


async def test_a_filter_lists_what_it_finds_and_the_cursor_comes_back_to_its_task() -> None:
    async with shown(frame(running=3)) as (table, _, _pilot):
        for wanted, found in (
            ("T17", ("t17",)),
            ('"title 1"', ("t10", "t12", "t14", "t16", "t18", "t01", "t11", "t13", "t15", "t17", "t19")),
            (" odd ", EVEN_FIRST[10:]),
            ("running", ("t03",)),
            ("nothing", ()),
            ("", EVEN_FIRST),
        ):
            table.set_filter(compiled(wanted))
            assert table.ids == found
            total = f"{len(found)} of {COUNT}" if wanted else f"{COUNT}"
            assert str(table.border_title) == f"Tasks · {total}"
            assert str(table.border_subtitle) == (f"filter: {wanted.strip()}" if wanted else "")
        table.move_to(5)
        table.set_filter(compiled("odd"))
        assert table.cursor_id == "t11", "the task under the cursor went: its neighbour in that row"
        table.set_filter(compiled("t19"))
        assert table.cursor_id == "t19"
        table.set_filter(compiled(""))
        assert table.cursor_id == "t10"


async def test_the_heading_names_what_sorts() -> None:
    async with shown(frame()) as (table, _, pilot):
        assert text(table, 0).startswith("S id title")
        seen = []
        for _ in range(9):
            await pilot.press("greater_than_sign")
            seen.append((table.sort_name, [word for word in text(table, 0).split() if word[-1] in "▾▴"], table.ids[0]))
        assert seen == [
            ("state", ["▴"], "t00"),
            ("id", ["id▴"], "t00"),
            ("title", ["title▴"], "t00"),
            ("epoch", ["epoch▾"], "t00"),
            ("loss", ["loss▴"], "t00"),
            ("val", ["val▴"], "t00"),
            ("best", ["best▴"], "t00"),
            ("best_epoch", ["at▴"], "t00"),
            ("curve", ["curve▴"], "t00"),
        ]
        await pilot.press(*["less_than_sign"] * 6)
        assert table.sort_name == "title"
        assert table.ids[:3] == ("t00", "t01", "t10")
        await pilot.press("less_than_sign", "less_than_sign", "less_than_sign", "less_than_sign")
        assert table.sort_name == "eta", "before the first column is the campaign's own order, and then the last"


async def test_i_reverses_and_so_does_a_second_click_on_the_heading() -> None:
    async with shown(frame()) as (table, _, pilot):
        await pilot.press("i")
        assert table.ids == EVEN_FIRST, "nothing sorts"
        await pilot.press("greater_than_sign", "greater_than_sign", "i")
        assert (table.sort_name, table.inverted, table.ids[0]) == ("id", True, "t19")
        assert "id▾" in text(table, 0)
        assert table.cursor_id == "t00", "the cursor stays on its task"
        await pilot.press("greater_than_sign")
        assert (table.sort_name, table.inverted) == ("title", False)
        place = table.render_line(0).text.index("epoch")
        for inverted, sign in ((False, "epoch▾"), (True, "epoch▴"), (False, "epoch▾")):
            await pilot.click(TaskTable, offset=(place, 0))
            assert (table.sort_name, table.inverted) == ("epoch", inverted)
            assert sign in text(table, 0)
        await pilot.click(TaskTable, offset=(1, 0))
        assert (table.sort_name, table.inverted) == ("epoch", False), "the margin is no column"


async def test_a_range_grows_and_shrinks_with_the_cursor() -> None:
    async with shown(frame()) as (table, _, pilot):
        await pilot.press("space", "j", "v")
        assert table.marked == {"t00", "t04"}
        assert str(table.border_title) == "Tasks · 20 · 2 marked · range"
        await pilot.press("j", "j", "k")
        assert table.marked == {"t00", "t04", "t06"}
        await pilot.press("g", "j")
        assert table.marked == {"t00", "t02", "t04"}, "the other way, and what was marked before stays"
        await pilot.press("v", "G")
        assert table.marked == {"t00", "t02", "t04"}
        await pilot.press("v", "k")
        assert table.end_range()
        assert not table.end_range()
        await pilot.press("k")
        assert table.marked == {"t00", "t02", "t04", "t19", "t17"}


async def test_all_that_are_listed_are_marked_and_what_is_hidden_is_told() -> None:
    async with shown(frame()) as (table, _, pilot):
        await pilot.press("space")
        table.set_filter(compiled("odd"))
        await pilot.press("V")
        assert table.marked == {"t00", *EVEN_FIRST[10:]}
        assert str(table.border_title) == "Tasks · 10 of 20 · 11 marked, 1 not listed"
        assert table.targets == EVEN_FIRST[10:], "what is not seen is not acted on"
        await pilot.press("V")
        assert table.marked == {"t00"}
        assert table.targets == (table.cursor_id,)


async def test_a_click_selects_and_a_second_opens() -> None:
    async with shown(frame()) as (table, app, pilot):
        await pilot.click(TaskTable, offset=(5, HEADING + 3))
        assert (table.cursor_id, app.opened) == ("t06", [])
        await pilot.click(TaskTable, offset=(5, HEADING + 4), times=2)
        assert (table.cursor_id, app.opened) == ("t08", ["t08"])
        await pilot.click(TaskTable, offset=(5, 0), times=2)
        assert (table.cursor_id, app.opened) == ("t08", ["t08"]), "the heading is no task"
        await pilot.press("enter")
        assert app.opened == ["t08", "t08"]
        table.show(frame(running=0, seq=2))
        assert table.cursor_id == "t08", "the user has chosen it"


async def test_what_was_asked_of_a_task_shows_in_its_margin() -> None:
    async with shown(frame(pending="t02")) as (table, _, _pilot):
        assert [table.render_line(row).text[:4] for row in (1, 2, 3)] == ["▌  Q", "  …Q", "   Q"]
        asked = replace(task(4), life=Lifecycle(status=Status.RUNNING, want="pause"))
        tasks = dict(frame().state.tasks) | {"t04": asked}
        table.show(replace(frame(seq=2), state=replace(frame(seq=2).state, tasks=tasks)))
        assert table.render_line(3).text[:4] == "▌ …R"
        assert text(table, 1).startswith("Q t00 Title 0")


async def test_without_tasks_it_says_so() -> None:
    async with shown(frame(count=0)) as (table, app, pilot):
        table.show_empty([(("nothing yet", "dim"),), (("wait", "dim"),)])
        height = table.size.height
        lines = [text(table, row) for row in range(height)]
        start = (height - 2) // 3
        assert lines == ["nothing yet" if y == start else "wait" if y == start + 1 else "" for y in range(height)]
        table.set_filter(compiled("x"))
        assert not any(text(table, row) for row in range(height)), "it is the filter that leaves nothing"
        await pilot.press("j", "k", "g", "G", "space", "enter", "greater_than_sign")
        assert (table.cursor_id, table.marked, app.opened) == ("", set(), [])


async def test_only_rows_that_changed_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    async with shown(frame()) as (table, _, pilot):
        await pilot.pause()
        drawn: list[int] = []
        monkeypatch.setattr(table, "refresh_row", drawn.append)
        table.show(frame(seq=2))
        tasks = dict(frame().state.tasks)
        same = Frame(replace(frame(seq=2).state, tasks=tasks), Estimate(None, {}, {}), NOW)
        for row in range(HEADING, ROWS + HEADING):
            table.render_line(row)
        table.show(same)
        drawn.clear()
        for row in range(HEADING, ROWS + HEADING):
            table.render_line(row)
        changed = replace(same, state=replace(same.state, tasks=tasks | {"t04": task(4, Status.DONE)}))
        table.show(changed)
        assert drawn == [HEADING + 2]
        table.show(replace(changed, pending={"t06": "pause"}))
        assert drawn == [HEADING + 2, HEADING + 2, HEADING + 3], "until a row is drawn it is asked for again"
