"""The timeline's keys: lanes and list, the cursor, zoom and scrolling; and its pictures."""

from msgspec.structs import replace
from textual.events import MouseScrollDown, MouseScrollLeft, MouseScrollRight, MouseScrollUp
from textual.pilot import Pilot

from cqltui.state.lanes import Mark, Past, Sign
from cqltui.ui.background import Background
from cqltui.ui.estimating import FEW, SECOND_S, SILENT_S, Estimating
from cqltui.ui.panels.header import Header
from cqltui.ui.panels.timeline import TimelinePanel
from cqltui.ui.ports import LeaveChoice
from cqltui.ui.screens.details import DetailsScreen
from tests.ui.conftest import Bench, Compare
from tests.ui.driving import RUNNING, RUNNING_S, sent, started
from tests.ui.night import Night
from tests.unit.runs import LAUNCH, info, queued, run_of

WIDE = (160, 48)


def timeline(bench: Bench) -> TimelinePanel:
    """The panel."""
    return bench.app.screen.query_one(TimelinePanel)


def shown(panel: TimelinePanel) -> list[str]:
    """What is read in it, line by line."""
    return ["".join(text for text, _ in line) for line in panel.lines]


async def test_keys() -> None:
    night = Night(RUNNING_S)
    bench = Bench(night.events(), night.now)
    bench.past = Past(marks=(Mark(night.now - 1_000.0, Sign.PAUSE, "the run is paused"),))
    async with bench.open(WIDE) as pilot:
        await bench.settle(pilot)
        assert any(line.startswith(" w1 ") for line in shown(timeline(bench)))
        await bench.until(pilot, lambda: "P" in shown(timeline(bench))[1])  # what the journal tells
        panel = timeline(bench)
        panel.focus()
        await bench.rest(pilot)
        assert sum("›" in line for line in shown(panel)) == 1, "a block is chosen while the panel has the keys"
        assert "running" in shown(panel)[4]
        await _walks(pilot, panel)
        await _zooms(pilot, panel)
        await sent(bench, pilot)  # none of these keys has asked anything of the run

        await pilot.press("l")
        assert any("launched" in line for line in shown(panel))
        await pilot.press("plus")
        await sent(bench, pilot, ("priority", RUNNING, 8))  # in the list it means what it means elsewhere
        await pilot.press("l", "n")
        assert "▼" in shown(panel)[1]

        await pilot.press("enter")
        await bench.until(pilot, lambda: bench.shows(DetailsScreen))
        assert isinstance(bench.app.screen, DetailsScreen)
        assert [task.id for task in bench.app.screen.targets()] == [RUNNING]


async def _walks(pilot: Pilot[LeaveChoice], panel: TimelinePanel) -> None:
    await pilot.press("j")
    assert shown(panel)[3].startswith("›w2")
    await pilot.press("k", "left")
    assert shown(panel)[2].startswith("›w1")
    assert "done" in shown(panel)[4], "the block before the one that runs"
    await pilot.press("right", "right")
    assert "planned" in shown(panel)[4]


async def _zooms(pilot: Pilot[LeaveChoice], panel: TimelinePanel) -> None:
    whole = shown(panel)[:2]
    await pilot.press("plus")
    zoomed = shown(panel)[:2]
    assert zoomed != whole
    await pilot.press("less_than_sign")
    earlier = shown(panel)[:2]
    assert earlier != zoomed
    await pilot.press("greater_than_sign")
    assert shown(panel)[:2] == zoomed
    await pilot.press("shift+left")
    assert shown(panel)[:2] == earlier
    await pilot.press(*["shift+left"] * 12)
    assert "▼" not in shown(panel)[1]
    await pilot.press("n")
    assert "▼" in shown(panel)[1]
    await pilot.press("minus", "f")
    assert shown(panel)[:2] == whole
    await pilot._post_mouse_events([MouseScrollUp], widget=panel, offset=(5, 2))
    assert shown(panel)[:2] != whole
    await pilot._post_mouse_events([MouseScrollDown], widget=panel, offset=(5, 2))
    assert shown(panel)[:2] == whole
    await pilot._post_mouse_events([MouseScrollLeft], widget=panel, offset=(5, 2))
    assert shown(panel)[:2] != whole
    await pilot._post_mouse_events([MouseScrollRight], widget=panel, offset=(5, 2))
    assert shown(panel)[:2] == whole


async def test_a_small_screen_shows_the_list_and_a_young_run_no_end() -> None:
    async with started(3.5, (100, 20)) as (bench, pilot):
        header = bench.app.screen.query_one(Header)
        assert "ETA after the first epochs" in "".join(text for text, _ in header.lines[1])
        await pilot.press("tab", "tab")
        await bench.rest(pilot)
        assert timeline(bench).has_focus
        assert shown(timeline(bench))[2].startswith("›w1")
        await pilot.resize_terminal(40, 12)
        await bench.rest(pilot)
        assert any("── now" in line for line in shown(timeline(bench)))
        await pilot.press("l")
        await bench.rest(pilot)
        assert shown(timeline(bench))[2].startswith("›w1"), "where they are asked for there are lanes"


def test_many_tasks_are_estimated_beside_the_screens_thread() -> None:
    calls = []

    class Later(Background):
        """Keeps what it is to do."""

        def call(self, work, done, failed) -> None:  # type: ignore[no-untyped-def]
            calls.append((work, done))

    told: list[None] = []
    estimating = Estimating(Later("estimates", lambda then: None, lambda error: None), lambda: told.append(None))
    few, many = (run_of([queued(info(n)) for n in range(count)]) for count in (FEW, FEW + 1))
    first = estimating.ask(few, LAUNCH)
    assert first.ts == LAUNCH
    assert estimating.ask(few, LAUNCH + 0.9 * SECOND_S) is first, "nothing has happened"
    told_of = replace(few)
    second = estimating.ask(told_of, LAUNCH + SECOND_S)
    assert second.ts == LAUNCH + SECOND_S, "a task has reported"
    third = estimating.ask(told_of, LAUNCH + SILENT_S)
    assert third.ts == LAUNCH + SILENT_S
    assert estimating.ask(told_of, LAUNCH + 2 * SILENT_S - SECOND_S) is third, "nothing at all was told"
    queued_more = replace(told_of, seq=told_of.seq + 1)
    assert estimating.ask(queued_more, LAUNCH + 2 * SILENT_S - SECOND_S) is not third
    assert not calls
    newest = estimating.newest
    assert estimating.ask(many, LAUNCH + 20) is newest
    assert estimating.busy
    assert estimating.ask(many, LAUNCH + 30) is newest
    assert len(calls) == 1, "one at a time"
    work, done = calls[0]
    done(work())
    assert told
    assert not estimating.busy
    assert estimating.newest.ts == LAUNCH + 20
    assert estimating.ask(many, LAUNCH + 40) is estimating.newest
    assert len(calls) == 1, "it rests for a while"


async def test_lanes_look(compare: Compare) -> None:
    night = Night(RUNNING_S, dead=frozenset({6}))
    bench = Bench(night.events(), night.now)
    async with bench.open(WIDE) as pilot:
        await bench.settle(pilot)
        panel = timeline(bench)
        panel.focus()
        panel.styles.height = 16
        await bench.rest(pilot)
        compare(bench.app, "timeline-160x48")
