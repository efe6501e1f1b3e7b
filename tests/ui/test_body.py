"""Which panels are seen, where, and which has the keys: by digit, by Tab, and by the mouse."""

import pytest
from textual.events import MouseScrollDown
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input

from cqltui.ui.layout import LOW_ROWS, PANELS
from cqltui.ui.line import Line, width
from cqltui.ui.panels.filterline import FilterLine
from cqltui.ui.panels.header import Header
from cqltui.ui.panels.nameline import GAP
from cqltui.ui.panels.tabs import NAMES, TabLine, tab_line, tabbed
from cqltui.ui.ports import LeaveChoice
from cqltui.ui.remembered import Remembered
from tests.ui.conftest import Bench
from tests.ui.driving import RUNNING_S, started, table
from tests.ui.late import LateDraws
from tests.ui.night import Night
from tests.ui.test_sizes import leads_out, lines, resized

LARGE, SMALL = (110, 34), (80, 24)
ALL = set(PANELS) - {"details"}
"""Of so wide a terminal: the details come with more cells, or with the keys."""


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where panels stand is looked at, and nothing is drawn: that took half of the time."""
    LateDraws.nothing(monkeypatch)


def seen(bench: Bench) -> set[str]:
    """The panels on the screen, each itself at its place."""
    screen = bench.app.screen
    regions = {panel: screen.query_one(f"#{panel}", Widget).region for panel in PANELS}
    found = {panel for panel, region in regions.items() if region.area}
    for panel in found:
        assert screen.get_widget_at(*regions[panel].offset)[0].id == panel, f"something lies over {panel}"
    return found


def focused(bench: Bench) -> str:
    """The panel with the keys."""
    widget = bench.app.screen.focused
    return (widget.id or "") if widget else ""


async def press(bench: Bench, pilot: Pilot[LeaveChoice], *keys: str) -> None:
    """Press the keys, and wait until all is drawn."""
    await pilot.press(*keys)
    await bench.rest(pilot)


def text(line: Line) -> str:
    """The line without its colours."""
    return "".join(part for part, _ in line)


async def test_digits_go_to_panels_hide_them_and_show_them_again() -> None:
    async with started(size=LARGE) as (bench, pilot):
        screen = bench.app.screen
        assert (seen(bench), focused(bench)) == (ALL, "tasks")
        titles = {panel: str(screen.query_one(f"#{panel}", Widget)._border_title) for panel in PANELS}
        assert [title[:2] for title in titles.values()] == [f"{n} " for n in range(1, 10)]
        for number, panel in enumerate(PANELS, 1):
            await pilot.press(str(number))
            assert focused(bench) == panel
        await bench.rest(pilot)
        assert "details" in seen(bench), "it has the keys"
        await press(bench, pilot, "1", "1")
        assert (seen(bench), focused(bench)) == (ALL, "tasks"), "the list is always seen"

        body = screen.query_one("#body").region
        await press(bench, pilot, "4", "4", "8", "8")
        assert (seen(bench), focused(bench)) == (ALL - {"log", "phases"}, "tasks")
        assert table(bench).region.offset == body.offset, "the list has the room of the phases"
        curves = screen.query_one("#curves").region
        assert (curves.x, curves.width) == (0, table(bench).region.width), "and the curves that of the log"
        await press(bench, pilot, "tab", "tab", "tab")
        assert focused(bench) == "evaluation", "Tab passes the log over"
        await press(bench, pilot, *"2233556677")
        assert seen(bench) == {"tasks"}
        assert table(bench).region == body
        await press(bench, pilot, "4")
        assert (seen(bench), focused(bench)) == ({"tasks", "log"}, "log"), "the digit shows it again"
        await resized(bench, pilot, SMALL)
        assert (seen(bench), focused(bench)) == ({"log"}, "log")
        await resized(bench, pilot, LARGE)
        assert (seen(bench), focused(bench)) == ({"tasks", "log"}, "log")


async def test_the_panel_with_the_keys_is_zoomed_and_escape_leads_back() -> None:
    async with started(size=LARGE) as (bench, pilot):
        screen = bench.app.screen
        body = screen.query_one("#body").region
        await press(bench, pilot, "slash", *"seed", "enter", "2", "underscore")
        assert (seen(bench), focused(bench)) == ({"curves"}, "curves")
        assert screen.query_one("#curves").region == body
        assert "running" in lines(screen.query_one(Header))[1]
        assert leads_out(bench, "Leave")
        assert leads_out(bench, "Unzoom")
        await press(bench, pilot, "tab")
        assert (seen(bench), focused(bench)) == ({"timeline"}, "timeline"), "the zoom goes along"
        await resized(bench, pilot, SMALL)
        assert seen(bench) == {"timeline"}
        assert not screen.query_one(TabLine).region.area
        await press(bench, pilot, "escape")
        assert seen(bench) == {"phases", "timeline"}
        assert screen.query_one("#filter", Input).value == "seed", "Esc leaves the zoom before it clears the filter"
        assert not leads_out(bench, "Unzoom")
        await resized(bench, pilot, LARGE)
        await press(bench, pilot, "underscore", "underscore")
        assert seen(bench) == ALL
        await press(bench, pilot, "underscore", "3")
        assert (seen(bench), focused(bench)) == (ALL - {"timeline"}, "tasks"), "what is hidden is zoomed no more"
        await press(bench, pilot, "escape")
        assert screen.query_one("#filter", Input).value == ""


async def test_digits_choose_where_one_panel_is_seen_at_a_time_and_are_letters_in_the_filter() -> None:
    async with started(size=SMALL) as (bench, pilot):
        for number, panel in enumerate(PANELS, 1):
            await pilot.press(str(number))
            assert (seen(bench) - {"phases"} or {"phases"}, focused(bench)) == ({panel}, panel)
        await press(bench, pilot, "8")
        assert focused(bench) == "phases", "again hides nothing here"
        assert bench.app.screen.query_one("#queue").region.area, "below the phases there is room for the queue"
        await press(bench, pilot, "tab", "slash", "4", "2")
        assert bench.app.screen.query_one("#filter", Input).value == "42"
        assert seen(bench) == {"phases", "tasks"}


async def test_the_mouse_chooses_tabs_zooms_by_titles_and_scrolls_what_is_under_it() -> None:
    async with started(size=SMALL) as (bench, pilot):
        screen = bench.app.screen
        tabs = text(screen.query_one(TabLine).lines[0])
        for panel in ("evaluation", "events", "tasks"):
            await pilot.click(TabLine, offset=(tabs.index(f"{PANELS.index(panel) + 1} ") + 2, 0))
            await bench.rest(pilot)
            assert focused(bench) == panel
        await resized(bench, pilot, LARGE)

        evaluation = screen.query_one("#evaluation", Widget)
        top = evaluation.scroll_offset.y
        x, y = evaluation.region.offset
        bench.app.post_message(MouseScrollDown(None, x + 3, y + 3, 0, 1, 0, False, False, False))
        await bench.rest(pilot)
        assert evaluation.scroll_offset.y > top
        assert focused(bench) == "tasks", "the wheel takes no keys away"

        await pilot.click("#hardware", offset=(5, 0))
        assert (focused(bench), seen(bench)) == ("hardware", ALL)
        await pilot.double_click("#hardware", offset=(5, 0))
        await bench.rest(pilot)
        assert seen(bench) == {"hardware"}
        await pilot.double_click("#hardware", offset=(5, 0))
        await bench.rest(pilot)
        assert seen(bench) == ALL

        await pilot.double_click("#phases", offset=(5, 4))
        await bench.rest(pilot)
        assert screen.query_one("#filter", Input).value == 'phase="ensemble"'
        assert (focused(bench), len(table(bench).ids)) == ("tasks", 20)


async def test_what_is_arranged_is_kept_and_found_again() -> None:
    async with started(size=LARGE) as (bench, pilot):
        await press(bench, pilot, "2", "2", "7", "7", "6", "underscore")
        assert bench.app.memory.settled(30)
        assert bench.kept[-1] == Remembered(hidden=("curves", "events"), tab="hardware")
    night = Night(RUNNING_S)
    kept = Remembered(hidden=("curves", "events", "tasks", "no such panel"), tab="hardware")
    for size, panels, keys in (
        (LARGE, ALL - {"curves", "events"}, "tasks"),
        (SMALL, {"phases", "hardware"}, "hardware"),
    ):
        bench = Bench(night.events(), night.now, remembered=kept)
        async with bench.app.run_test(size=size) as pilot:
            await bench.settle(pilot)
            assert (seen(bench), focused(bench)) == (panels, keys)
            assert bench.kept == [], "nothing has changed"


async def test_a_panel_without_room_has_it_while_it_has_the_keys() -> None:
    async with started(size=(120, 30)) as (bench, pilot):
        assert seen(bench) == ALL - {"events"}
        await press(bench, pilot, "7")
        assert (focused(bench), "events" in seen(bench), "tasks" in seen(bench)) == ("events", True, True)
        await press(bench, pilot, "1")
        assert seen(bench) == ALL - {"events"}


@pytest.mark.parametrize("current", PANELS)
def test_tabs_fit_at_every_width_and_name_the_current_one(current: str) -> None:
    for cells in range(40, 121):
        tabs = tab_line(current, cells)
        assert set(PANELS) - set(tabbed(current)) == {"details"} - {current}
        assert sum(map(width, tabs)) + len(GAP) * (len(tabs) - 1) <= cells
        assert [text(tab).strip(" ▏")[0] for tab in tabs] == [str(PANELS.index(panel) + 1) for panel in tabbed(current)]
        assert len(text(tabs[PANELS.index(current)])) >= 6, "digits alone only of the others"
    assert text(tab_line(current, 42)[PANELS.index(current)])[3:] == NAMES[current]
    assert [text(tab)[3:] for tab in tab_line(current, 120)] == [NAMES[panel] for panel in tabbed(current)]
    if current != "details":
        assert all(len(text(tab)) > 3 for tab in tab_line(current, 80)), "at 80 all have names"


@pytest.mark.parametrize("size", [(40, 10), SMALL, LARGE, (110, 28), (160, 48)])
async def test_what_is_typed_takes_its_rows_from_what_stands_lowest(size: tuple[int, int]) -> None:
    async with started(size=size) as (bench, pilot):
        screen = bench.app.screen

        def regions() -> dict[str, Region]:
            return {panel: screen.query_one(f"#{panel}", Widget).region for panel in seen(bench)}

        async def typed(text: str) -> int:
            await pilot.press(*text)
            await bench.rest(pilot)
            line = screen.query_one(FilterLine)
            assert line.rows == (line.outer_size.height if line.display else 0)
            return line.rows

        before = regions()
        lent = await typed("/")
        assert lent == 2 - (size[1] < LOW_ROWS)
        for panel, region in regions().items():
            lowest = before[panel].bottom == max(each.bottom for each in before.values())
            assert region == Region(*region.offset, region.width, before[panel].height - lent * lowest), panel
        await resized(bench, pilot, (size[0], size[1] - 1))
        await resized(bench, pilot, size)
        assert regions()["tasks"].offset == before["tasks"].offset
        await pilot.press("enter")
        await bench.rest(pilot)
        assert regions() == before
