"""Keys that ask something of a task or of the run, or leave it: what is sent."""

import re

import pytest
from textual.command import CommandList, CommandPalette
from textual.widgets import Static

from cqltui.state.events import Event, Kind
from cqltui.state.model import Wanted
from cqltui.ui.panels.keys import KeyLine
from cqltui.ui.ports import LeaveChoice
from cqltui.ui.screens.dialog import Dialog
from cqltui.ui.screens.main import MainScreen
from tests.ui.driving import ALL, DONE, RUNNING, changed, sent, started, table


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
        assert await bench.commands(pilot) == []


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
        await bench.until(pilot, lambda: bench.shows(Dialog))
        await pilot.press("n")
        await bench.until(pilot, lambda: bench.shows(MainScreen))
        assert await bench.commands(pilot) == []
        await pilot.press("r")
        await bench.until(pilot, lambda: bench.shows(Dialog))
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
        await sent(bench, pilot, ("resubmit", DONE))


async def test_what_has_ended_and_has_no_server_can_only_be_looked_at() -> None:
    async with started(until_s=1e6) as (bench, pilot):
        keys = bench.app.screen.query_one(KeyLine)
        assert "Rerun" in keys.render_line(0).text
        bench.give(Event(Kind.CONNECTION, bench.now, data={"online": False}))
        await bench.settle(pilot)
        await bench.until(pilot, lambda: "Rerun" not in keys.render_line(0).text)
        assert not re.search("Pause|All|Cancel|Prio|Undo|Workers", keys.render_line(0).text)
        assert all(name in keys.render_line(0).text for name in ("Details", "Filter", "Help", "Leave"))
        await pilot.press("g", "r")
        assert isinstance(bench.app.screen, MainScreen), "no question whose answer would come to nothing"
        await bench.until(pilot, lambda: any("can only be looked at" in n.message for n in bench.app._notifications))
        assert not any("does not answer" in n.message for n in bench.app._notifications)
        assert await bench.commands(pilot) == []


async def test_x_cancels_nothing_without_a_yes() -> None:
    async with started() as (bench, pilot):
        for keys in (["enter"], ["x", "enter"], ["escape"], ["n"]):
            await pilot.press("x")
            assert isinstance(bench.app.screen, Dialog), keys
            await pilot.press(*keys)
            await bench.until(pilot, lambda: bench.shows(MainScreen))
            assert await bench.commands(pilot) == [], keys


async def test_x_cancels_after_y() -> None:
    async with started() as (bench, pilot):
        await pilot.press("x", "y")
        await sent(bench, pilot, ("cancel", RUNNING))


async def test_a_question_that_is_settled_goes_away() -> None:
    async with started() as (bench, pilot):
        await pilot.press("x")
        assert isinstance(bench.app.screen, Dialog)
        bench.give(changed(bench, Kind.TASK_DONE, RUNNING, "done", finished_ts=bench.now))
        await bench.until(pilot, lambda: bench.shows(MainScreen))
        await bench.until(pilot, lambda: any("changed meanwhile" in n.message for n in bench.app._notifications))
        await pilot.press("y")
        assert await bench.commands(pilot) == []


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
            await bench.until(pilot, lambda: bench.shows(MainScreen))
            assert bench.app.is_running


async def test_a_refused_stop_is_shown_and_does_not_leave() -> None:
    async with started() as (bench, pilot):
        bench.requests.refuse = "the server does not answer"
        await pilot.press("q", "s")
        await bench.until(pilot, lambda: any("does not answer" in n.message for n in bench.app._notifications))
        assert bench.app.is_running


async def test_a_question_about_the_run_counts_its_tasks_as_of_now() -> None:
    async with started() as (bench, pilot):
        running = [task.id for task in ALL[17:19]]
        for key, before, after in (
            ("q", "2 tasks run, 30 wait.", "1 task runs, 30 wait."),
            ("d", "1 running task would train", "0 running tasks would train to the end; 30 would wait."),
        ):
            await pilot.press(key)
            details = bench.app.screen.query_one("#details", Static)
            assert before in " ".join(str(details.render()).split())
            bench.give(changed(bench, Kind.TASK_DONE, running.pop(), "done", finished_ts=bench.now))
            await bench.settle(pilot)
            assert after in " ".join(str(details.render()).split())
            await pilot.press("escape")
            await bench.until(pilot, lambda: bench.shows(MainScreen))


async def test_a_run_that_finishes_meanwhile_settles_what_becomes_of_it() -> None:
    async with started() as (bench, pilot):
        await pilot.press("q")
        seq = max(event.seq for event in bench.given) + 1
        bench.give(Event(Kind.FINISHED, bench.now, 1, seq, data={"finished_ts": bench.now}))
        await bench.until(pilot, lambda: bench.shows(MainScreen))
        assert bench.app.is_running


async def test_q_leaves_at_once_when_the_run_has_finished() -> None:
    async with started(until_s=1e6) as (bench, pilot):
        await pilot.press("d")
        said = "The run has ended: the same campaign command goes on with what is left."
        await bench.until(pilot, lambda: [n.message for n in bench.app._notifications] == [said])
        await pilot.press("q")
        await bench.until(pilot, lambda: not bench.app.is_running)
    assert bench.app.return_value is LeaveChoice.BACKGROUND


async def test_the_palette_does_what_the_keys_do() -> None:
    async with started() as (bench, pilot):
        await pilot.press("ctrl+p")
        await bench.until(pilot, lambda: bench.shows(CommandPalette))
        await pilot.press(*"pause the task")
        found = bench.app.screen.query_one(CommandList)
        await bench.until(pilot, lambda: found.highlighted == 0)
        await bench.until(pilot, lambda: str(found.get_option_at_index(0).prompt).startswith("Pause the task"))
        await pilot.press("enter")
        await sent(bench, pilot, ("pause", RUNNING))


async def test_a_slow_server_does_not_freeze_the_keys() -> None:
    async with started() as (bench, pilot):
        bench.requests.open.clear()
        await pilot.press("p", "g", "j")
        assert table(bench).cursor_id == ALL[1].id
        bench.requests.open.set()
        await sent(bench, pilot, ("pause", RUNNING))
