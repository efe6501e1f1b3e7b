"""The screens at the sizes where their layout changes, and at the smallest and the largest."""

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from cqltui.state import select
from cqltui.state.events import Kind
from cqltui.ui.line import width
from cqltui.ui.panels.header import Header
from cqltui.ui.panels.keys import KeyLine
from cqltui.ui.panels.phases import PhasesPanel
from cqltui.ui.panels.tasks import TaskTable
from cqltui.ui.panels.view import LineView
from cqltui.ui.ports import LeaveChoice
from cqltui.ui.screens.details import DetailsScreen
from cqltui.ui.screens.dialog import Dialog
from tests.ui.conftest import Bench
from tests.ui.late import LateDraws
from tests.ui.night import PHASES, Night

SIZES = (
    (40, 10), (40, 13), (59, 17), (60, 18), (79, 24), (80, 24), (99, 30), (100, 30), (120, 30),
    (109, 34), (109, 50), (110, 27), (110, 28), (110, 34), (160, 48), (200, 60), (300, 80),
)  # fmt: skip

SMALL = ((40, 10), (59, 17), (60, 18), (80, 24), (100, 30))


def lines(view: LineView) -> list[str]:
    """What a view shows."""
    return [view.render_line(y).text for y in range(view.size.height)]


def leads_out(bench: Bench, word: str) -> bool:
    """Whether the last line offers the way out, all of it."""
    screen = bench.app.screen
    line = screen.query_one(KeyLine)
    return screen.region.contains_region(line.region) and f" {word} " in f"{lines(line)[0]} "


async def resized(
    bench: Bench, pilot: Pilot[LeaveChoice], size: tuple[int, int], draws: LateDraws | None = None
) -> None:
    """Another size, drawn."""
    await pilot.resize_terminal(*size)
    await bench.until(pilot, lambda: bench.app.screen.size == size)
    await bench.rest(pilot)
    if draws is not None:
        draws.draw()


async def test_what_must_be_seen_is_seen_at_every_breakpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    draws = LateDraws(bench.app, monkeypatch)
    async with bench.app.run_test(size=(80, 24)) as pilot:
        await bench.settle(pilot)
        for size in SIZES:
            await resized(bench, pilot, size, draws)
            screen = bench.app.screen
            header = lines(screen.query_one(Header))[1]
            assert all(part in header for part in ("running", "17/49 done", "ETA ~Sat 00:08")), size
            table = screen.query_one(TaskTable)
            assert screen.region.contains_region(table.region), size
            assert len([line for line in lines(table)[1:] if line.strip()]) >= 2, size
            assert any(line.split()[:2] == ["▌", "R"] for line in lines(table)[1:]), f"{size}: the selected task runs"
            if size[1] >= 16:
                phases = lines(screen.query_one(PhasesPanel))
                for phase in PHASES:
                    assert any(phase["title"][:8] in line for line in phases), f"{phase['title']} at {size}"
            assert leads_out(bench, "Leave"), size


async def test_questions_details_and_help_lead_out_at_every_breakpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    draws = LateDraws(bench.app, monkeypatch)
    async with bench.app.run_test(size=(80, 24)) as pilot:
        await bench.settle(pilot)
        for key in ("q", "x", "enter", "question_mark"):
            await pilot.press(key)
            await bench.rest(pilot)
            for size in SMALL:
                await resized(bench, pilot, size, draws)
                screen = bench.app.screen
                if key == "enter":
                    assert isinstance(screen, DetailsScreen)
                    assert leads_out(bench, "Back"), size
                    assert any("running" in line for line in lines(screen.query_one("#fields", LineView))), size
                elif key == "question_mark":
                    keys = screen.query_one("#keys", Static)
                    assert keys.region.width <= screen.size.width, size
                    assert max(map(len, str(keys.content).splitlines())) <= keys.size.width, size
                else:
                    options = screen.query_one(OptionList)
                    assert screen.region.contains_region(options.region), size
                    assert options.max_scroll_y == 0, f"{size}: each answer"
            await pilot.press("escape")
            await bench.rest(pilot)


async def test_after_the_last_task_nothing_is_said_to_end_in_no_time() -> None:
    night = Night(1e6)
    events = [event for event in night.events() if event.kind is not Kind.FINISHED]
    bench = Bench(events, night.now)
    async with bench.open() as pilot:
        await bench.settle(pilot)
        assert lines(bench.app.screen.query_one(Header))[1].split()[0] == "finishing"
        assert lines(bench.app.screen.query_one(Header))[1].rstrip().endswith("results and report are made")
        await pilot.resize_terminal(40, 10)
        await bench.rest(pilot)
        assert "made" not in lines(bench.app.screen.query_one(Header))[1], "a half of it says nothing"
        await pilot.resize_terminal(80, 24)
        phases = bench.app.screen.query_one(PhasesPanel)
        phases._count = len("10000/10000")
        frame = bench.app.frame
        assert frame is not None
        first = select.phases(frame.state)[0]
        row = phases._row(replace(first, done=10_000, total=10_000), frame, 76)
        assert (width(row), row[5][0]) == (76, " 10000/10000"), "beside the bar, and not in it"


async def test_the_line_of_keys_is_drawn_anew_only_when_others_are_shown() -> None:
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    async with bench.open((100, 30)) as pilot:
        await bench.settle(pilot)
        keys = bench.app.screen.query_one(KeyLine)
        shown = keys.lines
        assert "Details" in lines(keys)[0]
        for key in ("q", "escape"):
            await pilot.press(key)
            await bench.rest(pilot)
        assert keys.lines is shown
        await resized(bench, pilot, (40, 10))
        assert 0 < len(keys.lines[0]) < len(shown[0])
        await pilot.click(KeyLine, offset=(lines(keys)[0].index("Leave"), 0))
        await bench.until(pilot, lambda: bench.shows(Dialog))
