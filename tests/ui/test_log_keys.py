"""The log's own keys: what is searched for, followed, wrapped and left out."""

from msgspec.structs import replace
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input

from cqltui.ui.panels.log import LogPanel
from cqltui.ui.ports import LeaveChoice
from tests.ui.conftest import Bench
from tests.ui.driving import RUNNING, started, table

LONG = "x" * 300
LINES = [f"21:00:{i:02} {'WARNING' if i == 30 else 'INFO'} line {i} px+ {LONG if i == 5 else ''}" for i in range(60)]


async def read(bench: Bench, pilot: Pilot[LeaveChoice], lines: list[str]) -> LogPanel:
    """The log once it has been read again, and holds these lines."""
    log = bench.app.screen.query_one(LogPanel)
    bench.logs.say(lines)
    bench.now += 1.5
    claimed = [event for event in bench.given if event.task == RUNNING][-1]
    bench.give(replace(claimed, seq=max(event.seq for event in bench.given) + 1))  # the task has changed
    await bench.until(pilot, lambda: log.texts == tuple(lines))
    await bench.rest(pilot)
    return log


def top(log: LogPanel) -> str:
    """The first line that is seen."""
    return "".join(text for text, _ in log.lines[log.scroll_offset.y])


def marked(log: LogPanel) -> list[str]:
    """The lines with something that stands out."""
    return ["".join(t for t, _ in line) for line in log.lines if any(role == "found" for _, role in line)]


async def test_the_log_is_followed_until_one_scrolls_up() -> None:
    async with started() as (bench, pilot):
        await pilot.press("tab", "tab", "tab")
        log = await read(bench, pilot, LINES)
        assert log.has_focus
        assert str(log.border_title).endswith("· following")
        at_end = log.scroll_offset.y
        assert at_end == len(LINES) - log.size.height
        await pilot.press("k")
        assert "stopped" in str(log.border_title)
        first = top(log)
        await read(bench, pilot, [*LINES[2:], "21:02:00 more", "21:02:01 more"])
        assert top(log) == first, "it stays where it is, though lines have gone from its beginning"
        await pilot.press("G")
        assert str(log.border_title).endswith("· following")
        assert log.scroll_offset.y == at_end
        await pilot.press("f")
        await read(bench, pilot, [*LINES[2:], "21:02:00 more", "21:02:01 more", "21:02:02 more"])
        assert log.scroll_offset.y == at_end, "f stops it too"
        await pilot.press("f")
        assert log.scroll_offset.y == at_end + 1
        await pilot.press("w")
        rows = len(log.lines)
        assert rows > len(log.texts)
        assert log.scroll_offset.y == rows - log.size.height, "the end is followed"
        await pilot.press("T", "g")
        assert top(log).startswith("  INFO line 2")
        assert str(log.border_subtitle) == "wrapped · no times"
        await pilot.press("T", "w")
        assert top(log).startswith("  21:00:02 INFO line 2"), "the same line is at the top"
        assert len(log.lines) == len(log.texts)


async def test_slash_searches_in_a_log_that_has_the_keys() -> None:
    async with started() as (bench, pilot):
        await pilot.press("tab", "tab", "tab")
        log = await read(bench, pilot, LINES)
        await pilot.press("slash", *"px+", *["backspace"] * 3, *"line 3", "enter")
        assert log.has_focus
        assert len(table(bench).ids) == 49
        assert str(log.border_subtitle) == "/line 3 · 11 of 11", "3 and 30 to 39; the end was seen"
        assert marked(log) == ["  21:00:39 INFO line 39 px+ "]
        await pilot.press("n")
        assert marked(log) == ["  21:00:03 INFO line 3 px+ "], "after the last comes the first"
        assert top(log).startswith("  21:00:03")
        await pilot.press("n")
        assert marked(log) == ["! 21:00:30 WARNING line 30 px+ "]
        await pilot.press("N", "N")
        assert marked(log) == ["  21:00:39 INFO line 39 px+ "]
        await read(bench, pilot, LINES[4:])
        assert str(log.border_subtitle) == "/line 3 · 10 of 10"
        await pilot.press("escape")
        assert str(log.border_subtitle) == ""
        await pilot.press("n", "slash", *"nowhere")
        assert str(log.border_subtitle) == "/nowhere▏ · not found"
        offered = {active.binding.action for active in bench.app.screen.active_bindings.values()}
        assert not offered & {"follow", "match(1)", "pause", "filter", "priority(1)"}, "they would be letters"
        bench.app.post_message(Paste(": here\nand more"))
        await bench.until(pilot, lambda: str(log.border_subtitle) == "/nowhere: here▏ · not found")
        await pilot.press("escape", "tab")
        assert await bench.commands(pilot) == []
        await pilot.press("shift+tab", "shift+tab", "shift+tab", "shift+tab")
        assert table(bench).has_focus
        await pilot.press("slash")
        assert isinstance(bench.app.screen.focused, Input), "elsewhere it filters the list"
