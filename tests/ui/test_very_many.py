"""What the screen tells of very many tasks beside their list: not all are held."""

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from cqltui.state.counting import counted, tally
from cqltui.state.eta import NOTHING
from cqltui.state.filter import compiled
from cqltui.state.model import Alike, RunState, Status, Wanted
from cqltui.ui.announcing import changes
from cqltui.ui.background import Background
from cqltui.ui.control import Control
from cqltui.ui.estimating import FEW, Estimating
from cqltui.ui.outward import Outward
from cqltui.ui.panels.header import Header
from cqltui.ui.panels.pages import HALF
from cqltui.ui.panels.phases import PhasesPanel
from cqltui.ui.panels.queue import QueuePanel
from cqltui.ui.panels.tasks import TaskTable
from cqltui.ui.ports import LeaveChoice
from cqltui.ui.screens.dialog import Dialog
from cqltui.ui.screens.main import MainScreen
from tests.ui.conftest import Bench
from tests.ui.driving import sent, started, table
from tests.ui.fakes import FakeRequests
from tests.ui.paged import RUNS, TOTAL, found, frame, part, state, task
from tests.ui.test_table import NOW


def test_what_only_comes_into_view_is_no_change() -> None:
    before = state(part(0), [RUNS], seq=9)
    old, new = task(50_000, Status.DEAD), task(60_000, Status.DEAD)
    new = replace(new, life=replace(new.life, version=(1, 10)))
    ended = replace(RUNS, life=replace(RUNS.life, status=Status.DONE))
    now = state(part(HALF), [ended, old, new], seq=10)
    assert changes(before, now)[1:] == ["Title 700000: done", "Title 60000: dead"], "behind what becomes of the run"
    whole = replace(now, page=None)
    assert "Title 50000: dead" in changes(before, whole), "of all tasks one that was not there is new"


async def show_in(bench: Bench, pilot: Pilot[LeaveChoice], seen: RunState) -> None:
    """Have the app show this state from now on."""
    bench.app._pump._state = seen
    bench.app._changed()
    await bench.until(pilot, lambda: bench.app.frame is not None and bench.app.frame.state is seen)
    await bench.rest(pilot)


def with_others(held: RunState, status: Status, number: int) -> RunState:
    """The state, in which all that are not held are so many of this status."""
    alike = Alike(task(0).info, status, 0.0, number)
    return replace(held, alike={("all",): alike}, counted=counted(held.tasks, [alike]))


@pytest.mark.parametrize(("here", "said"), [(3, "the 3 that are here"), (1, "the one that is here")])
async def test_rerunning_the_dead_says_that_only_those_here_are_meant(here: int, said: str) -> None:
    async with started() as (bench, pilot):
        dead = [task(number, Status.DEAD) for number in range(here)]
        await show_in(bench, pilot, with_others(state(part(10, 20), dead), Status.DEAD, 4_200))
        await pilot.press("R")
        question = bench.app.screen
        assert isinstance(question, Dialog)
        assert str(question.query_one("#question", Static).render()) == f"Rerun {said} of {4_200 + here:,} dead tasks?"
        assert said in str(question.query_one(OptionList).get_option_at_index(1).prompt)
        await pilot.press("y")
        await sent(bench, pilot, *(("resubmit", one.id) for one in dead))
        await show_in(bench, pilot, with_others(state(part(10, 20)), Status.DEAD, 4_200))
        await pilot.press("R")
        assert isinstance(bench.app.screen, MainScreen)
        told = [one.message for one in bench.app._notifications]
        assert "None of the 4,200 dead tasks is here. Filter by state:dead, then try again." in told
        await show_in(bench, pilot, state(part(10, 20), dead))
        await pilot.press("R")
        name = f"{here} tasks" if here > 1 else "this task"
        said = str(bench.app.screen.query_one("#question", Static).render())
        assert said == f"Rerun {name}?", "these are all"


async def test_panels_beside_it_count_all_tasks() -> None:
    asked: list[tuple[int, str]] = []
    async with started(size=(160, 48), turn=lambda first, words, test: asked.append((first, words))) as (bench, pilot):
        screen = bench.app._main
        tall = screen.query_one(TaskTable).outer_size.height
        few = state(found("title:999", [999], 5_000), total=123_456)
        await show_in(bench, pilot, replace(few, campaign=replace(few.campaign, started_ts=bench.now - 60)))
        assert screen.query_one(TaskTable).outer_size.height == tall, "of one that is here it needs no less room"
        lines = ["".join(part for part, _ in line) for line in screen.query_one(QueuePanel).lines]
        assert lines[0].startswith("123456 queued")
        assert lines[1].rstrip().endswith("━ 123456"), "all digits"
        assert not any(mark in "".join(lines) for mark in "▁▂▃▄▅▆▇█"), "what was before is not known"
        phase = "".join(part for part, _ in screen.query_one(PhasesPanel).lines[1])
        assert "0/123455" in phase
        assert asked == [(0, "")], "the page without words"
        table(bench).set_filter(compiled("seed:4"))
        assert asked[1:] == [(0, "seed:4")], "the screen hands it on"
        none = state(found("seed:4", [], 5_000), total=123_456)
        await show_in(bench, pilot, replace(none, wanted=Wanted.PAUSED))
        status = "".join(part for part, _ in screen.query_one(Header).lines[1])
        assert "0/123456 done" in status
        assert "paused" in status, "though none is here"


def test_the_end_of_few_of_many_is_not_computed_between_two_keys() -> None:
    died: list[Exception] = []
    background = Background("estimates", lambda call: None, died.append)  # which is not started
    estimating = Estimating(background, lambda: None)
    some = state(found("x", range(FEW // 2), TOTAL, through=True))
    assert estimating.ask(some, NOW).tasks == {}
    assert estimating.busy
    estimating._take((NOTHING, 0.0))
    assert not estimating.busy
    estimating.ask(state(found("x", range(9, 9 + FEW // 2), TOTAL, through=True)), NOW)
    assert estimating.busy, "of other tasks"
    estimating = Estimating(background, lambda: None)
    estimating.ask(replace(some, page=None), NOW)
    assert not estimating.busy
    assert sum(tally(some).states.values()) == TOTAL


def test_control_forgets_what_was_asked_of_a_task_that_is_gone() -> None:
    requests = FakeRequests()
    background = Background("commands", lambda call: None, lambda error: None)
    control = Control(requests, background, lambda: NOW, lambda *said: None, lambda: None)
    control.settle(state(part(0, 5)))
    control.cancel([task(1)])
    assert control.pending() == {"t000001": "cancel"}
    control.settle(state(part(2, 5)))
    assert control.pending() == {}


def test_the_terminals_title_counts_all_tasks() -> None:
    titles: list[str] = []
    outward = Outward(lambda *said: None, lambda: None, titles.append)
    outward.show(frame(found("x", [], 5_000)))
    assert [said.split()[-1] for said in titles] == ["0/1000000"]
