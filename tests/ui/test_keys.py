"""Every key: the command that it sends, or what it does to the screen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.command import CommandList, CommandPalette
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input, Static

from cqltui.state.events import Event, Kind
from cqltui.state.model import Wanted
from cqltui.ui.panels.curve import CurvePanel
from cqltui.ui.panels.log import LogPanel
from cqltui.ui.panels.tasks import TaskTable
from cqltui.ui.panels.workers import WorkersPanel
from cqltui.ui.ports import LeaveChoice
from cqltui.ui.screens.details import DetailsScreen
from cqltui.ui.screens.dialog import Dialog
from cqltui.ui.screens.help import HelpScreen
from cqltui.ui.screens.main import MainScreen
from tests.ui.conftest import Bench
from tests.ui.night import Night, tasks

RUNNING_S = 4_200.0
ALL = tasks()
DONE, RUNNING, QUEUED = ALL[0].id, ALL[17].id, ALL[19].id


@asynccontextmanager
async def started(
    until_s: float = RUNNING_S, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Bench, Pilot[LeaveChoice]]]:
    """An app at a moment of the night, its cursor on the first running task."""
    night = Night(until_s)
    bench = Bench(night.events(), night.now)
    async with bench.app.run_test(size=size) as pilot:
        await bench.settle(pilot)
        yield bench, pilot


def table(bench: Bench) -> TaskTable:
    """The task list."""
    return bench.app.screen.query_one(TaskTable)


async def sent(bench: Bench, pilot: Pilot[LeaveChoice], *calls: tuple[object, ...]) -> None:
    """Wait for exactly these commands."""
    await bench.until(pilot, lambda: len(bench.requests.calls) >= len(calls))
    await pilot.pause()
    assert bench.requests.calls == list(calls)


def changed(bench: Bench, kind: Kind, task_id: str, status: str, **life: object) -> Event:
    """The event that follows a command."""
    seq = max(event.seq for event in bench.given) + 1
    data = {"status": status, "priority": 7, "run": 1, **life}
    return Event(kind, bench.now, 1, seq, task_id, data=data)


async def test_the_cursor_begins_on_what_runs() -> None:
    async with started() as (bench, _):
        assert table(bench).cursor_id == RUNNING


async def test_p_pauses_and_resumes_the_task() -> None:
    async with started() as (bench, pilot):
        await pilot.press("p")
        await sent(bench, pilot, ("pause", RUNNING))
        assert bench.app.frame is not None
        assert bench.app.frame.state.tasks[RUNNING].status == "running"  # nothing changes before the event comes
        bench.give(changed(bench, Kind.TASK_PAUSED, RUNNING, "paused", paused_by="user"))
        await bench.settle(pilot)
        await pilot.press("p")
        await sent(bench, pilot, ("pause", RUNNING), ("resume", RUNNING))


async def test_a_command_is_shown_as_pending_until_its_event() -> None:
    async with started() as (bench, pilot):
        await pilot.press("p")
        await bench.until(pilot, lambda: bench.app.frame is not None and bench.app.frame.pending == {RUNNING: "pause"})
        bench.give(changed(bench, Kind.TASK_PAUSED, RUNNING, "paused"))
        await bench.until(pilot, lambda: bench.app.frame is not None and not bench.app.frame.pending)


async def test_p_on_an_ended_task_says_so() -> None:
    async with started() as (bench, pilot):
        await pilot.press("g", "p")
        await bench.until(pilot, lambda: any("ended" in n.message for n in bench.app._notifications))
        assert bench.requests.calls == []


async def test_shift_p_pauses_and_resumes_the_run() -> None:
    async with started() as (bench, pilot):
        await pilot.press("P")
        await sent(bench, pilot, ("want", Wanted.PAUSED))
        seq = max(event.seq for event in bench.given) + 1
        bench.give(Event(Kind.WANTED, bench.now, 1, seq, data={"wanted": "paused"}))
        await bench.settle(pilot)
        await pilot.press("P")
        await sent(bench, pilot, ("want", Wanted.PAUSED), ("want", Wanted.RUNNING))


async def test_r_asks_before_it_puts_a_result_aside() -> None:
    async with started() as (bench, pilot):
        await pilot.press("g", "r")
        await bench.until(pilot, lambda: isinstance(bench.app.screen, Dialog))
        await pilot.press("n")
        await bench.until(pilot, lambda: isinstance(bench.app.screen, MainScreen))
        assert bench.requests.calls == []
        await pilot.press("r")
        await bench.until(pilot, lambda: isinstance(bench.app.screen, Dialog))
        details = bench.app.screen.query_one("#details", Static).render()
        assert "cancelling the new run brings it back" in str(details)
        await pilot.press("y")
        await sent(bench, pilot, ("resubmit", DONE))


async def test_r_runs_a_cancelled_task_again_at_once() -> None:
    async with started() as (bench, pilot):
        bench.give(changed(bench, Kind.TASK_CANCELLED, DONE, "cancelled", finished_ts=bench.now))
        await bench.settle(pilot)
        await pilot.press("g", "r")
        await sent(bench, pilot, ("resubmit", DONE))


async def test_what_was_asked_and_has_yet_to_happen_is_not_asked_again() -> None:
    async with started() as (bench, pilot):
        bench.give(changed(bench, Kind.TASK_CANCELLED, DONE, "cancelled", finished_ts=bench.now))
        await bench.settle(pilot)
        await pilot.press("g", "r", "r", "r", "plus")
        await bench.rest(pilot)
        assert bench.requests.calls == [("resubmit", DONE)]


async def test_what_has_ended_and_has_no_server_can_only_be_looked_at() -> None:
    async with started(until_s=1e6) as (bench, pilot):
        bench.give(Event(Kind.CONNECTION, bench.now, data={"online": False}))
        await bench.settle(pilot)
        await pilot.press("g", "r")
        assert isinstance(bench.app.screen, MainScreen), "no question whose answer would come to nothing"
        await bench.until(pilot, lambda: any("can only be looked at" in n.message for n in bench.app._notifications))
        assert not any("does not answer" in n.message for n in bench.app._notifications)
        assert bench.requests.calls == []


async def test_x_cancels_nothing_without_a_yes() -> None:
    async with started() as (bench, pilot):
        for keys in (["enter"], ["x", "enter"], ["escape"], ["n"]):
            await pilot.press("x")
            assert isinstance(bench.app.screen, Dialog), keys
            await pilot.press(*keys)
            await bench.until(pilot, lambda: isinstance(bench.app.screen, MainScreen))
            assert bench.requests.calls == [], keys


async def test_x_cancels_after_y() -> None:
    async with started() as (bench, pilot):
        await pilot.press("x", "y")
        await sent(bench, pilot, ("cancel", RUNNING))


async def test_a_question_that_is_settled_goes_away() -> None:
    async with started() as (bench, pilot):
        await pilot.press("x")
        assert isinstance(bench.app.screen, Dialog)
        bench.give(changed(bench, Kind.TASK_DONE, RUNNING, "done", finished_ts=bench.now))
        await bench.until(pilot, lambda: isinstance(bench.app.screen, MainScreen))
        await bench.until(pilot, lambda: any("changed meanwhile" in n.message for n in bench.app._notifications))
        await pilot.press("y")
        assert bench.requests.calls == []


async def test_a_question_about_several_tasks_acts_on_those_that_have_not_ended() -> None:
    async with started() as (bench, pilot):
        await pilot.press("space", "space", "x")
        bench.give(changed(bench, Kind.TASK_DONE, ALL[17].id, "done", finished_ts=bench.now))
        await bench.settle(pilot)
        assert isinstance(bench.app.screen, Dialog)
        await pilot.press("y")
        await sent(bench, pilot, ("cancel", ALL[18].id))


async def test_plus_and_minus_count_from_what_was_asked_last() -> None:
    async with started() as (bench, pilot):
        await pilot.press("plus", "plus", "minus")
        await sent(bench, pilot, *(("priority", RUNNING, p) for p in (8.0, 9.0, 8.0)))


async def test_space_marks_several_for_one_confirmation() -> None:
    async with started() as (bench, pilot):
        await pilot.press("space", "space")
        assert table(bench).marked == {ALL[17].id, ALL[18].id}
        await pilot.press("p")
        assert isinstance(bench.app.screen, Dialog)
        await pilot.press("y")
        await sent(bench, pilot, ("pause", ALL[17].id), ("pause", ALL[18].id))
        assert table(bench).marked == set()


async def test_escape_removes_marks() -> None:
    async with started() as (bench, pilot):
        await pilot.press("space", "escape")
        assert table(bench).marked == set()


async def test_enter_opens_details_and_escape_leads_back() -> None:
    async with started() as (bench, pilot):
        await pilot.press("enter")
        await bench.until(pilot, lambda: isinstance(bench.app.screen, DetailsScreen))
        await pilot.press("p")
        await sent(bench, pilot, ("pause", RUNNING))
        await pilot.press("escape")
        await bench.until(pilot, lambda: isinstance(bench.app.screen, MainScreen))


async def test_movement() -> None:
    cases = (["g"], 0), (["G"], 48), (["g", "j"], 1), (["g", "j", "j", "k"], 1), (["g", "down"], 1), (["home", "up"], 0)
    async with started() as (bench, pilot):
        for keys, index in cases:
            await pilot.press(*keys)
            assert table(bench).cursor_id == ALL[index].id, keys


async def test_sort_column_moves_and_the_selection_stays() -> None:
    async with started() as (bench, pilot):
        assert table(bench).sort_name == ""
        await pilot.press("greater_than_sign")
        assert table(bench).sort_name == "state"
        assert table(bench).ids[0] == RUNNING  # what runs comes first
        await pilot.press("greater_than_sign")
        assert table(bench).ids == tuple(sorted(task.id for task in ALL))
        assert table(bench).cursor_id == RUNNING
        await pilot.press("less_than_sign", "less_than_sign")
        assert table(bench).ids == tuple(task.id for task in ALL)


async def test_what_is_typed_at_once_after_slash_goes_into_the_filter() -> None:
    async with started() as (bench, pilot):
        for key in ("slash", "p", "x", "slash"):  # as a slow line delivers them: all before the first is acted upon
            bench.app.post_message(Key(key, {"slash": "/"}.get(key, key)))
        field = bench.app.screen.query_one("#filter", Input)
        await bench.until(pilot, lambda: len(field.value) == 3)
        await pilot.pause()
        assert field.value == "px/"
        assert bench.requests.calls == []
        offered = {active.binding.action for active in bench.app.screen.active_bindings.values()}
        assert not offered & {"filter", "priority(1)", "pause"}, "the footer offers what would be a letter"


async def test_slash_filters_and_escape_clears() -> None:
    async with started() as (bench, pilot):
        await pilot.press("slash", *"seed 5")
        assert len(table(bench).ids) == 10
        await pilot.press("enter")
        assert table(bench).has_focus
        await pilot.press("escape")
        assert len(table(bench).ids) == 49
        assert bench.app.screen.query_one(Input).value == ""


async def test_a_sorted_list_can_be_hidden_and_seen_again() -> None:
    async with started() as (bench, pilot):
        found = table(bench)
        await pilot.press("less_than_sign")  # the last column
        assert found.sort_name == "eta"
        await pilot.press("tab", "shift+tab")
        assert (found.display, found.sort_name) == (True, "eta")


async def test_a_list_made_narrow_stays_sorted_by_a_column_that_no_longer_fits() -> None:
    by_phase = tuple(task.id for task in sorted(ALL, key=lambda task: task.phase))
    assert by_phase != tuple(task.id for task in ALL)
    async with started(size=(200, 60)) as (bench, pilot):
        found = table(bench)
        while found.sort_name != "phase":
            await pilot.press("greater_than_sign")
        assert found.ids == by_phase
        await pilot.resize_terminal(80, 24)
        bench.give(changed(bench, Kind.TASK_PAUSED, QUEUED, "paused"))  # so that it is listed anew
        await bench.settle(pilot)
        assert (found.sort_name, found.ids) == ("phase", by_phase)
        await pilot.press("greater_than_sign")
        assert found.sort_name == "epoch"
        epochs = [bench.app.frame.state.tasks[task_id].epochs_done for task_id in found.ids if bench.app.frame]
        assert epochs == sorted(epochs, reverse=True), "the farthest first"
        assert epochs[0] > epochs[-1]


async def test_question_mark_opens_help() -> None:
    async with started() as (bench, pilot):
        await pilot.press("question_mark")
        assert isinstance(bench.app.screen, HelpScreen)
        await pilot.press("escape")
        assert isinstance(bench.app.screen, MainScreen)


async def test_tab_goes_round_the_panels() -> None:
    async with started() as (bench, pilot):
        seen = []
        for _ in range(6):
            seen.append(bench.app.screen.focused.id if bench.app.screen.focused else None)
            await pilot.press("tab")
        assert seen == ["tasks", "log", "curve", "timeline", "criteria", "workers"]
        assert table(bench).has_focus
        await pilot.press("shift+tab")
        assert bench.app.screen.query_one(WorkersPanel).has_focus


async def test_tab_shows_one_panel_at_a_time_on_a_small_terminal() -> None:
    async with started(size=(80, 24)) as (bench, pilot):
        await pilot.press("tab", "tab")
        assert bench.app.screen.query_one(CurvePanel).has_focus
        assert not table(bench).display
        assert not bench.app.screen.query_one(LogPanel).display


async def test_the_log_follows_the_selected_task_and_worker() -> None:
    async with started(size=(160, 48)) as (bench, pilot):
        assert bench.logs.asked[-1] == ("w1", RUNNING)
        await pilot.press("shift+tab")
        await bench.until(pilot, lambda: bench.logs.asked[-1] == ("w1", ""))
        await pilot.press("j")
        await bench.until(pilot, lambda: bench.logs.asked[-1] == ("w2", ""))


async def test_m_toggles_the_mouse() -> None:
    async with started() as (bench, pilot):
        await pilot.press("m")
        await bench.until(pilot, lambda: any("Mouse off" in n.message for n in bench.app._notifications))
        await pilot.press("m")
        await bench.until(pilot, lambda: any("Mouse on" in n.message for n in bench.app._notifications))


@pytest.mark.parametrize(
    ("key", "choice", "wanted"),
    [
        ("b", LeaveChoice.BACKGROUND, None),
        ("d", LeaveChoice.DRAIN, Wanted.DRAINING),
        ("s", LeaveChoice.STOP, Wanted.STOPPED),
    ],
)
async def test_q_asks_what_becomes_of_the_run(key: str, choice: LeaveChoice, wanted: Wanted | None) -> None:
    async with started() as (bench, pilot):
        await pilot.press("q", key)
        await bench.until(pilot, lambda: not bench.app.is_running)
    assert bench.app.return_value is choice
    assert bench.requests.calls == ([("want", wanted)] if wanted else [])


async def test_q_can_be_taken_back() -> None:
    async with started() as (bench, pilot):
        for key in ("c", "escape"):
            await pilot.press("q")
            assert isinstance(bench.app.screen, Dialog), key
            await pilot.press(key)
            await bench.until(pilot, lambda: isinstance(bench.app.screen, MainScreen))
            assert bench.app.is_running


async def test_a_refused_stop_is_shown_and_does_not_leave() -> None:
    async with started() as (bench, pilot):
        bench.requests.refuse = "the server does not answer"
        await pilot.press("q", "s")
        await bench.until(pilot, lambda: any("does not answer" in n.message for n in bench.app._notifications))
        assert bench.app.is_running


async def test_a_run_that_finishes_meanwhile_settles_what_becomes_of_it() -> None:
    async with started() as (bench, pilot):
        await pilot.press("q")
        seq = max(event.seq for event in bench.given) + 1
        bench.give(Event(Kind.FINISHED, bench.now, 1, seq, data={"finished_ts": bench.now}))
        await bench.until(pilot, lambda: isinstance(bench.app.screen, MainScreen))
        assert bench.app.is_running


async def test_q_leaves_at_once_when_the_run_has_finished() -> None:
    async with started(until_s=1e6) as (bench, pilot):
        await pilot.press("q")
        await bench.until(pilot, lambda: not bench.app.is_running)
    assert bench.app.return_value is LeaveChoice.BACKGROUND


async def test_the_palette_does_what_the_keys_do() -> None:
    async with started() as (bench, pilot):
        await pilot.press("ctrl+p")
        await bench.until(pilot, lambda: isinstance(bench.app.screen, CommandPalette))
        await pilot.press(*"resume the task")
        found = bench.app.screen.query_one(CommandList)
        await bench.until(pilot, lambda: found.option_count == 1 and found.highlighted == 0)
        await pilot.press("enter")
        await sent(bench, pilot, ("pause", RUNNING))


async def test_a_slow_server_does_not_freeze_the_keys() -> None:
    async with started() as (bench, pilot):
        bench.requests.open.clear()
        await pilot.press("p", "g", "j")
        assert table(bench).cursor_id == ALL[1].id
        bench.requests.open.set()
        await sent(bench, pilot, ("pause", RUNNING))
