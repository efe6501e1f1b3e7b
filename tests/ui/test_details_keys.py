"""The keys of the details, and what they show of one task after the other."""

import threading

import pytest

from cqltui.state.record import Attempt, FileEntry, TaskRecord
from cqltui.ui.panels.log import LogPanel
from cqltui.ui.panels.view import LineView
from cqltui.ui.screens.details import PARTS, DetailsScreen
from cqltui.ui.screens.main import MainScreen
from tests.ui.conftest import DEADLINE_S, Bench
from tests.ui.driving import ALL, RUNNING, started, table
from tests.ui.night import Night

DEAD = 11


def part(bench: Bench, name: str) -> LineView:
    """A part of the details."""
    return bench.app.screen.query_one(f"#{name}", LineView)


def text(view: LineView) -> str:
    """What it holds."""
    return "\n".join("".join(text for text, _ in line) for line in view.lines)


def seen(bench: Bench) -> list[str]:
    """The parts that are seen."""
    return [name for name in PARTS if part(bench, name).display and part(bench, name).region.area]


async def test_the_next_task_is_shown_as_listed_and_the_cursor_follows() -> None:
    async with started(size=(80, 24)) as (bench, pilot):
        await pilot.press("slash", *"alpha 0.25", "enter", "g", "enter")
        await bench.until(pilot, lambda: bench.shows(DetailsScreen))
        first = str(part(bench, "fields").border_title)
        assert "1 of 8" in first
        await pilot.press("K", "J")
        assert "2 of 8" in str(part(bench, "fields").border_title), "before the first there is none"
        await pilot.press("K")
        assert str(part(bench, "fields").border_title) == first
        await pilot.press("J", "escape")
        await bench.until(pilot, lambda: bench.shows(MainScreen))
        ids = table(bench).ids
        assert table(bench).cursor_id == ids[1]
        place = ids.index(RUNNING)
        bench.records[RUNNING] = TaskRecord(
            (Attempt(1, 1, "1-1", "w9", bench.now - 50, bench.now - 40, "lease lost", "its lease expired"),),
            files=(FileEntry("model.safetensors", 2_048, bench.now),),
        )
        await pilot.press(*["j"] * (place - 1), "enter")
        await bench.until(pilot, lambda: bench.shows(DetailsScreen))
        await bench.until(pilot, lambda: "lease lost" in text(part(bench, "fields")))
        assert "its lease expired" in text(part(bench, "fields"))
        assert "2.0 KiB" in text(part(bench, "files"))
        await bench.until(pilot, lambda: bench.logs.asked[-1] == ("w1", RUNNING))
        await pilot.press("K")
        await bench.until(pilot, lambda: bench.logs.asked[-1][1] == ids[place - 1])
        assert "lease lost" not in text(part(bench, "fields")), "it is of another task"


async def test_tab_goes_from_part_to_part_and_underscore_zooms() -> None:
    async with started(size=(80, 24)) as (bench, pilot):
        await pilot.press("enter")
        await bench.until(pilot, lambda: bench.shows(DetailsScreen))
        assert seen(bench) == ["fields", "curves"], "with the curve above"
        for name in (*list(PARTS)[1:], "fields"):
            await pilot.press("tab")
            assert part(bench, name).has_focus
            assert seen(bench) == (["fields", "curves"] if name == "fields" else [name])
        await pilot.press("shift+tab")
        assert part(bench, "about").has_focus
        await pilot.click("#parts", offset=(18, 0))
        assert part(bench, "log").has_focus
        assert seen(bench) == ["log"]
        await pilot.press("tab", "tab")
        assert "Goal" in text(part(bench, "about"))
        await pilot.resize_terminal(160, 48)
        await bench.rest(pilot)
        assert seen(bench) == list(PARTS)
        await pilot.press("shift+tab", "shift+tab", "underscore")
        assert seen(bench) == ["log"]
        assert part(bench, "log").region.height >= 40
        await pilot.press("slash", *"epoch 31", "enter")
        assert "/epoch 31 · 1 of 1" in str(bench.app.screen.query_one(LogPanel).border_subtitle)
        await pilot.press("escape", "underscore")
        assert isinstance(bench.app.screen, DetailsScreen), "it leaves the search"
        assert seen(bench) == list(PARTS)
        await pilot.press("escape")
        assert isinstance(bench.app.screen, MainScreen)


async def test_of_a_task_that_has_failed_the_reason_is_seen_first() -> None:
    night = Night(9_000.0, frozenset({DEAD}))
    bench = Bench(night.events(), night.now)
    async with bench.app.run_test(size=(40, 10)) as pilot:
        await bench.settle(pilot)
        await pilot.press("g", *["j"] * DEAD, "enter")
        await bench.settle(pilot)
        fields = part(bench, "fields")
        assert seen(bench) == ["fields"]
        assert "Failed" in text(fields).splitlines()[0]
        assert "r runs it again" in text(fields)
        await pilot.resize_terminal(80, 24)
        await bench.rest(pilot)
        assert seen(bench) == ["fields"], "no curve above it"
        await pilot.press("r")
        assert await bench.commands(pilot) == [("resubmit", ALL[DEAD].id)]
        await pilot.press("J")
        await bench.rest(pilot)
        assert seen(bench) == ["fields", "curves"]


async def test_the_end_of_a_log_that_comes_late_needs_no_further_event(monkeypatch: pytest.MonkeyPatch) -> None:
    night, may_read = Night(9_000.0, frozenset({DEAD})), threading.Event()
    bench = Bench(night.events(), night.now)
    tail = bench.logs.tail

    def late(worker_id: str, lines: int, task_id: str = "") -> list[str]:
        if bench.shows(DetailsScreen):
            may_read.wait(DEADLINE_S)
        return tail(worker_id, lines, task_id)

    monkeypatch.setattr(bench.logs, "tail", late)
    async with bench.app.run_test(size=(160, 48)) as pilot:
        await bench.settle(pilot)
        await pilot.press("g", *["j"] * DEAD, "enter")
        await bench.until(pilot, lambda: bench.shows(DetailsScreen))
        details = bench.app.screen
        assert isinstance(details, DetailsScreen)
        await bench.until(pilot, lambda: details._record is not None and "Failed" in text(part(bench, "fields")))
        assert "Last in the log" not in text(part(bench, "fields"))
        may_read.set()
        await bench.settle(pilot)
        assert "Last in the log" in text(part(bench, "fields"))
