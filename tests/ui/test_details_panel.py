"""The details beside the list: whose they are, when, and how one comes to them and away."""

from threading import Event as Gate
from typing import Any

import pytest

from cqltui.state.record import Attempt, TaskRecord, TaskSubject
from cqltui.ui.panels.details import DetailsPanel
from cqltui.ui.remembered import Remembered
from cqltui.ui.screens.details import DetailsScreen
from cqltui.ui.screens.main import MainScreen
from tests.ui.conftest import DEADLINE_S, Bench
from tests.ui.driving import ALL, RUNNING, started, table
from tests.ui.night import Night

WIDE = (160, 48)


class Files:
    """What tasks' files tell, who asked, and whether an answer waits."""

    def __init__(self, bench: Bench) -> None:
        self.asked: list[str] = []
        self.held: dict[str, Gate] = {}
        self._bench = bench

    def __call__(self, subject: TaskSubject) -> TaskRecord:
        self.asked.append(subject.task_id)
        if (gate := self.held.get(subject.task_id)) is not None:
            assert gate.wait(DEADLINE_S)
        attempt = Attempt(1, 1, "1-1", f"worker of {subject.task_id[:8]}", 1.0, 2.0, "lease lost", "silent")
        return TaskRecord((attempt,))


def files(bench: Bench, patch: pytest.MonkeyPatch) -> Files:
    """Stand in for the files of all tasks."""
    found = Files(bench)
    patch.setattr(bench.app._feeds.record, "_read", found)
    return found


def panel(bench: Bench) -> DetailsPanel:
    """The panel."""
    return bench.app.screen.query_one(DetailsPanel)


def title(bench: Bench) -> str:
    """What stands above it."""
    return str(panel(bench)._border_title)


def names(bench: Bench, task_id: str) -> bool:
    """Whether it says that it is of this task; the end of a long title is cut off."""
    return next(task.title for task in ALL if task.id == task_id)[:20] in title(bench)


def told(bench: Bench) -> str:
    """What it shows."""
    return "\n".join("".join(text for text, _ in line) for line in panel(bench).lines)


async def test_they_follow_the_cursor_once_it_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(size=WIDE) as (bench, pilot):
        read = files(bench, monkeypatch)
        assert title(bench) == "9 Details · alpha 0.25, [1024,512,256]", "the cursor is on what runs"
        assert "R running" in told(bench)
        assert "hidden layers   [1024,512,256]" in told(bench)
        await pilot.press("g", "j")
        await bench.rest(pilot)
        second = table(bench).cursor_id
        assert read.asked[-1] == second
        assert names(bench, second)
        assert "D done" in told(bench)
        assert f"worker of {second[:8]}  lease lost" in told(bench)

        before, asked = told(bench), list(read.asked)
        with monkeypatch.context() as patch:
            patch.setattr("cqltui.ui.panels.details.REST_S", 3_600.0)
            await pilot.press("j", "j", "j")
            await pilot.pause()
            assert (told(bench), read.asked, bench.app.busy) == (before, asked, True), "it runs through the list"
        await pilot.press("j")
        await bench.rest(pilot)
        assert read.asked == [*asked, table(bench).cursor_id], "nothing is read of those on the way"
        assert names(bench, table(bench).cursor_id)


async def test_what_is_read_late_of_another_task_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(size=WIDE) as (bench, pilot):
        read = files(bench, monkeypatch)
        ids = table(bench).ids
        first, second = read.held[ids[0]], read.held[ids[1]] = Gate(), Gate()
        await pilot.press("g")
        await bench.until(pilot, lambda: read.asked[-1:] == [ids[0]])
        await pilot.press("j")
        await bench.until(pilot, lambda: not panel(bench).waits)
        assert names(bench, RUNNING), "until the files are read, the task that was shown"
        first.set()
        await bench.until(pilot, lambda: read.asked[-1:] == [ids[1]])
        assert names(bench, RUNNING), "the cursor has left the first"
        assert f"worker of {ids[0][:8]}" not in told(bench)
        second.set()
        await bench.rest(pilot)
        assert names(bench, ids[1])
        assert f"worker of {ids[1][:8]}" in told(bench)
        await pilot.press("slash", *"no such task", "enter")
        await bench.rest(pilot)
        assert (title(bench), told(bench)) == ("9 Details", "No task is chosen.")


async def test_enter_opens_all_of_them_and_the_digit_hides_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(size=WIDE) as (bench, pilot):
        read = files(bench, monkeypatch)
        await pilot.press("9", "j", "enter")
        await bench.until(pilot, lambda: bench.shows(DetailsScreen))
        screen: Any = bench.app.screen
        assert screen.task_id == RUNNING, "j scrolls: it is still that task"
        await bench.rest(pilot)
        await pilot.press("J", "escape")
        await bench.until(pilot, lambda: bench.shows(MainScreen))
        await bench.rest(pilot)
        following = table(bench).cursor_id
        assert following != RUNNING
        assert read.asked[-1] == following
        assert f"worker of {following[:8]}" in told(bench)
        assert panel(bench).has_focus
        await pilot.press("9")
        await bench.rest(pilot)
        assert not panel(bench).display
        assert bench.app.memory.settled(30)
        assert bench.kept[-1].hidden == ("details",)
        asked = list(read.asked)
        await pilot.press("j")
        await bench.rest(pilot)
        assert read.asked == asked, "of what is hidden nothing is read"


async def test_a_failure_stands_first_and_where_there_is_no_room_the_digit_shows_it() -> None:
    dead = 11
    night = Night(9_000.0, frozenset({dead}))
    bench = Bench(night.events(), night.now, remembered=Remembered(tab="details"))
    async with bench.open((80, 24)) as pilot:
        await bench.settle(pilot)
        assert panel(bench).has_focus, "as the last time"
        await pilot.press("1", "g", *["j"] * dead, "9")
        await bench.rest(pilot)
        assert names(bench, ALL[dead].id)
        assert "Failed" in told(bench).splitlines()[0]
        assert "r runs it again" in told(bench)
        await pilot.resize_terminal(120, 40)
        await bench.rest(pilot)
        assert panel(bench).region.area, "it has the keys"
        await pilot.press("1")
        await bench.rest(pilot)
        assert not panel(bench).display
