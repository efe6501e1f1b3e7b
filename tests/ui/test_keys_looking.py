"""Keys that change what is seen and ask nothing of the run."""

import threading

from textual.events import Key
from textual.widgets import Input, Static

from cqltui.state.events import Kind
from cqltui.ui.panels.curves import CurvesPanel
from cqltui.ui.panels.filterline import FilterLine
from cqltui.ui.panels.hardware import HardwarePanel
from cqltui.ui.panels.log import LogPanel
from cqltui.ui.remembered import Remembered
from cqltui.ui.screens.details import DetailsScreen
from cqltui.ui.screens.dialog import Dialog
from cqltui.ui.screens.help import HelpScreen
from cqltui.ui.screens.main import MainScreen
from tests.ui.conftest import Bench
from tests.ui.driving import ALL, QUEUED, RUNNING, RUNNING_S, changed, sent, started, table
from tests.ui.night import Night


async def test_the_cursor_begins_on_what_runs() -> None:
    async with started() as (bench, _):
        assert table(bench).cursor_id == RUNNING


async def test_escape_removes_marks() -> None:
    async with started() as (bench, pilot):
        await pilot.press("space", "escape")
        assert table(bench).marked == set()


async def test_enter_opens_details_and_escape_leads_back() -> None:
    async with started() as (bench, pilot):
        await pilot.press("enter")
        await bench.until(pilot, lambda: bench.shows(DetailsScreen))
        await pilot.press("p")
        await sent(bench, pilot, ("pause", RUNNING))
        await pilot.press("escape")
        await bench.until(pilot, lambda: bench.shows(MainScreen))


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
        assert await bench.commands(pilot) == []
        offered = {active.binding.action for active in bench.app.screen.active_bindings.values()}
        assert not offered & {"filter", "priority(1)", "pause"}, "the footer offers what would be a letter"


async def test_slash_filters_and_escape_clears() -> None:
    async with started() as (bench, pilot):
        line, found = bench.app.screen.query_one(FilterLine), table(bench)
        await pilot.press("slash")
        line.field.value = '"seed 5'
        line.field.action_end()
        await pilot.press('"', "enter")
        assert (len(found.ids), found.has_focus) == (10, True)
        await pilot.press("escape")
        assert (len(found.ids), line.field.value) == (49, "")
        await pilot.press("slash")
        line.field.value = "seed:42..44 alhpa"
        line.field.action_end()
        await pilot.pause()
        assert (len(found.ids), line.wrong) == (0, "")
        await pilot.press(">", "1", "enter")
        assert line.wrong == "no field alhpa; did you mean alpha?"
        assert line.display, "it is not read, so it is not done"
        assert str(found.border_title).endswith("Tasks · 32 of 49"), "what stands before it is in force"
        assert found.cursor_id == RUNNING
        line.field.value = "seed:42..44"
        await pilot.press("enter")
        assert (line.display, line.history) == (False, ("seed:42..44", '"seed 5"'))
        await pilot.press("slash", "up")
        assert line.field.value == '"seed 5"'
        await pilot.press("down", "enter")
        assert line.field.value == "seed:42..44"
        assert bench.app.memory.now.filters == line.history


async def test_columns_are_chosen_and_kept() -> None:
    async with started() as (bench, pilot):
        found = table(bench)

        def heading() -> list[str]:
            return found.render_line(0).text.split()

        assert heading() == ["S", "id", "title", "epoch", "loss", "val", "ETA"]
        await pilot.press("C", "j", "space", "j", "J", "K", "K", "enter")  # no id, the title first but for it
        assert heading() == ["S", "title", "epoch", "loss", "val", "ETA"]
        assert found.chosen_columns == ("state", "title", "epoch", "loss", "val", "eta")
        await pilot.press("C", "J", "escape", "C", "enter")
        assert found.chosen_columns[0] == "state", "nothing was applied"
        await pilot.press("C", "J", "enter", "i", "greater_than_sign", "i")
        assert (heading()[0], found.sort_name) == ("title▾", "title")
        kept = bench.app.memory.now
        assert (kept.columns, kept.sort, kept.inverted) == (found.chosen_columns, "title", True)
        await pilot.press("C", "a")
        assert len(heading()) == 7


async def test_what_was_kept_is_there_at_the_start_as_far_as_there_is_such_a_thing() -> None:
    kept = Remembered(sort="loss", inverted=True, columns=("gone", "loss", "title"), filters=("seed:42",))
    night = Night(RUNNING_S)
    bench = Bench(night.events(), night.now, remembered=kept)
    async with bench.open() as pilot:
        await bench.settle(pilot)
        assert table(bench).render_line(0).text.split() == ["loss▾", "title"]
        assert bench.app.screen.query_one(FilterLine).history == ("seed:42",)


async def test_a_folded_row_is_acted_on_as_a_whole_after_one_question() -> None:
    async with started() as (bench, pilot):
        await pilot.press("z", "G", "p")
        dialog = bench.app.screen
        assert isinstance(dialog, Dialog)
        assert str(dialog.query_one("#question", Static).render()) == "Pause or resume 20 tasks?"
        assert "and 14 more" in str(dialog.query_one("#details", Static).render())
        await pilot.press("y")
        await sent(bench, pilot, *(("pause", task.id) for task in ALL[29:]))


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
        found.sort_by("phase")
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
        for _ in range(8):
            seen.append(bench.app.screen.focused.id if bench.app.screen.focused else None)
            await pilot.press("tab")
        assert seen == ["tasks", "curves", "timeline", "log", "evaluation", "hardware", "events", "phases"]
        assert table(bench).has_focus
        await pilot.press("shift+tab", "shift+tab", "shift+tab")
        assert bench.app.screen.query_one(HardwarePanel).has_focus


async def test_tab_shows_one_panel_at_a_time_on_a_small_terminal() -> None:
    async with started(size=(80, 24)) as (bench, pilot):
        await pilot.press("tab")
        assert bench.app.screen.query_one(CurvesPanel).has_focus
        assert not table(bench).display
        assert not bench.app.screen.query_one(LogPanel).display


async def test_the_log_follows_the_selected_task_and_worker() -> None:
    async with started(size=(160, 48)) as (bench, pilot):
        assert bench.logs.asked[-1] == ("w1", RUNNING)
        await pilot.press("6")
        await bench.until(pilot, lambda: bench.logs.asked[-1] == ("w1", ""))
        await pilot.press("j")
        await bench.until(pilot, lambda: bench.logs.asked[-1] == ("w2", ""))


async def test_m_toggles_the_mouse() -> None:
    async with started() as (bench, pilot):
        await pilot.press("m")
        await bench.until(pilot, lambda: any("Mouse off" in n.message for n in bench.app._notifications))
        await pilot.press("m")
        await bench.until(pilot, lambda: any("Mouse on" in n.message for n in bench.app._notifications))


def shows(bench: Bench, *answers: tuple[str, str]) -> list[int]:
    """Have o answer so, one after the other; how often it was asked, each in a thread that is not the screen's."""
    asked: list[int] = []
    left = iter(answers)

    def show() -> tuple[str, str]:
        asked.append(threading.get_ident())
        return next(left)

    bench.app._report = show
    return asked


async def test_o_shows_the_report_or_says_where_it_is_and_copies_the_path() -> None:
    path = "/home/someone/runs/deep/report/report.html"
    async with started() as (bench, pilot):
        asked = shows(bench, ("There is no report yet.", ""), (f"Over ssh no browser is started. It is {path}", path))
        await pilot.press("o", "o")
        await bench.until(pilot, lambda: len(bench.app._notifications) == 2)
        assert [note.message for note in bench.app._notifications][1].endswith(path)
        assert bench.app.clipboard == path
        assert threading.get_ident() not in asked
        await pilot.press("question_mark", "o", "escape")
        await bench.until(pilot, lambda: bench.shows(MainScreen))
        assert len(asked) == 2, "not above the help"
        await pilot.press("slash", "o")
        await bench.rest(pilot)
        assert bench.app.screen.query_one("#filter", Input).value == "o", "in the filter it is a letter"
        assert len(asked) == 2


async def test_a_browser_that_hangs_keeps_neither_screen_nor_commands_waiting() -> None:
    async with started() as (bench, pilot):
        free, begun = threading.Event(), threading.Event()

        def hangs() -> tuple[str, str]:
            begun.set()
            free.wait(30)
            return "The browser shows it", ""

        bench.app._report = hangs
        try:
            await pilot.press("o")
            await bench.until(pilot, begun.is_set)
            await pilot.press("p")
            await sent(bench, pilot, ("pause", RUNNING))
        finally:
            free.set()
        await bench.until(pilot, lambda: len(bench.app._notifications) == 1)
