"""How pages of very many tasks are turned in the task list."""

from msgspec.structs import replace
from textual.events import MouseScrollDown, MouseScrollUp

from cqltui.state.filter import compiled
from cqltui.state.model import Status
from cqltui.state.page import SIZE
from cqltui.ui.panels.cursor import HEADING
from cqltui.ui.panels.pages import HALF, NEAR, PATIENCE_S, WAIT_S
from tests.ui.paged import RUNS, TOTAL, frame, height, part, shown, task, title
from tests.ui.test_table import NOW, ROWS, text


async def test_tasks_are_listed_as_they_were_submitted_and_the_title_says_which_are_here() -> None:
    early = task(7, Status.DEAD)
    async with shown(frame(part(5_000), RUNS, early)) as (listed, app, _):
        assert listed.ids == (early.id, *part(5_000).ids, RUNS.id)
        assert title(listed) == "Tasks · 1,000,000 · 5,001-7,000 here and 2 others"
        assert listed.cursor_id == RUNS.id, "it follows what runs, and asks for nothing by itself"
        listed.show(frame(part(5_000), early, seq=10, total=TOTAL + 9, now=NOW + 1))
        assert title(listed) == "Tasks · 1,000,009 · 5,001-7,000 here and 1 other"
        listed.show(frame(part(5_000), early, seq=10, total=TOTAL + 20, now=NOW + 2))
        assert title(listed) == "Tasks · 1,000,020 · 5,001-7,000 here and 1 other", "as more are submitted"
        listed.show(frame(part(5_000), seq=11, now=NOW + 3))
        assert title(listed) == "Tasks · 1,000,000 · 5,001-7,000 here"
        assert app.turns == []


async def test_the_next_page_is_asked_for_once_near_the_end_and_the_cursor_stays_on_its_task() -> None:
    async with shown(frame(part(0), RUNS, task(800_000))) as (listed, app, pilot):
        await pilot.press("j")
        assert app.turns == [], "from one to another that is not of the page"
        listed.move_to(SIZE - 1)
        assert app.turns == [], "near the end, but on the way up, from what is behind"
        listed.move_to(SIZE - 3 - NEAR)
        await pilot.press("j")
        assert app.turns == []
        await pilot.press("j")
        assert app.turns == [(HALF, "")]
        await pilot.press("j", "k", "j")
        assert app.turns == [(HALF, "")], "once"
        assert app.tests == [None]
        at, task_id = height(listed), listed.cursor_id
        drawn = [text(listed, row)[1:] for row in range(HEADING, ROWS + HEADING)]
        listed.show(frame(part(HALF), RUNS, task(800_000)))
        assert (listed.cursor_id, height(listed)) == (task_id, at)
        assert [text(listed, row)[1:] for row in range(HEADING, ROWS + HEADING)] == drawn, "nothing jumps"
        assert title(listed) == "Tasks · 1,000,000 · 1,001-3,000 here and 2 others"
        await pilot.press("k")
        assert len(app.turns) == 1
        listed.move_to(NEAR + 1)
        await pilot.press("j")
        assert len(app.turns) == 1, "nearer to the begin, but on the way down"
        listed.move_to(NEAR)
        assert app.turns[1:] == [(0, "")]
        listed.show(frame(part(0), RUNS))
        listed.move_to(5)
        assert len(app.turns) == 2, "there are none before"


async def test_the_wheel_turns_pages_too() -> None:
    other = task(900_000, Status.RUNNING)
    async with shown(frame(part(4_000), other)) as (listed, app, pilot):

        async def wheel(event: type[MouseScrollUp | MouseScrollDown], y: int) -> None:
            listed.scroll_to(y=y, animate=False)
            listed.post_message(event(listed, 1, 1, 0, 0, 0, shift=False, meta=False, ctrl=False))
            await pilot.pause()

        await wheel(MouseScrollDown, SIZE - NEAR - 100)
        await wheel(MouseScrollUp, NEAR + 100)
        assert app.turns == []
        await wheel(MouseScrollDown, SIZE)  # to the very end, where the other task is
        assert app.turns == [(5_000, "")]
        listed.show(frame(part(5_000), other))
        await pilot.pause()
        assert app.turns == [(5_000, "")], "the page is at another height by itself"
        await wheel(MouseScrollUp, 100)
        assert app.turns == [(5_000, ""), (4_000, "")]


async def test_the_last_pages_end_where_the_tasks_do() -> None:
    async with shown(frame(part(0), total=SIZE + 300)) as (listed, app, _):
        listed.move_to(SIZE - 1)
        assert app.turns == [(300, "")]
        listed.show(frame(part(300), total=SIZE + 300))
        listed.move_to(SIZE - 9)
        assert app.turns == [(300, "")]
        listed.move_to(0)
        assert app.turns[1:] == [(0, "")]


async def test_a_key_that_is_held_leads_through_all_tasks_and_past_none() -> None:
    others = RUNS, *(task(number, Status.DEAD) for number in range(800_000, 800_100))
    total, seq = 3 * SIZE, 9
    behind = tuple(replace(one, life=replace(one.life, order=TOTAL + at)) for at, one in enumerate(others))
    async with shown(frame(part(0), *behind, total=total)) as (listed, app, _):
        listed.move_to(0)
        for key, last in (("j", f"t{total - 1:06}"), ("k", "t000000")):
            seen = {listed.cursor_id}
            for turned in range(30):
                before = len(app.turns)
                for _ in range(2 * SIZE):
                    if len(app.turns) > before or listed.cursor_id == last:
                        break
                    listed.step(1 if key == "j" else -1)
                    seen.add(listed.cursor_id)
                for _ in range(NEAR + 9 if listed.cursor_id != last else 0):  # the answer is late
                    listed.step(1 if key == "j" else -1)
                    seen.add(listed.cursor_id)
                if listed.cursor_id == last:
                    break
                seq += 1
                listed.show(frame(part(min(app.turns[-1][0], total - SIZE)), *behind, seq=seq, total=total))
                assert turned < 20
            assert listed.cursor_id == last
            assert len(seen) >= total - 1, "each task was passed"
            assert not any(one.id in seen for one in behind)


async def test_a_page_key_waits_at_the_end_of_the_page_and_goes_on_where_no_answer_comes() -> None:
    async with shown(frame(part(4_000), RUNS)) as (listed, app, pilot):
        clock = [100.0]
        listed.pages.clock = lambda: clock[0]
        listed.move_to(900)
        listed.move_to(SIZE - 3)
        assert app.turns == [(5_000, "")]
        await pilot.press("pagedown", "pagedown", "j")
        assert listed.cursor_id == "t005999"
        clock[0] += WAIT_S
        await pilot.press("pagedown")
        assert listed.cursor_id == RUNS.id
        assert app.turns == [(5_000, "")]
        await pilot.press("k")
        clock[0] += PATIENCE_S
        await pilot.press("j")
        assert app.turns == [(5_000, "")] * 2, "asked again"
        assert listed.cursor_id == "t005999", "and waited for again"
        listed.move_to(listed.row_of(RUNS.id))
        assert listed.cursor_id == RUNS.id, "a click leads anywhere"


async def test_across_the_begin_of_the_page_it_waits_too() -> None:
    early = task(7, Status.DEAD)
    async with shown(frame(part(4_000), early)) as (listed, app, pilot):
        listed.move_to(900)
        listed.move_to(3)
        assert app.turns == [(3_000, "")]
        await pilot.press("pageup", "k", "k")
        assert listed.cursor_id == "t004000"
        listed.show(frame(part(3_000), early, seq=10))
        await pilot.press("k")
        assert listed.cursor_id == "t003999"


async def test_others_that_come_and_go_above_move_nothing_on_the_screen() -> None:
    async with shown(frame(part(4_000))) as (listed, _, pilot):
        listed.move_to(900)
        await pilot.press("k", "k")
        at, task_id = height(listed), listed.cursor_id
        assert 0 < at < ROWS - 1
        listed.show(frame(part(4_000), task(3), task(9), seq=10, now=NOW + 1))
        assert (height(listed), listed.cursor_id) == (at, task_id)
        listed.scroll_to(y=300, animate=False)
        await pilot.pause()
        top = listed.key_at(HEADING)
        listed.show(frame(part(4_000), seq=11, now=NOW + 2))
        assert listed.key_at(HEADING) == top, "scrolled by the mouse: the cursor is elsewhere"


async def test_capital_g_and_g_go_to_the_ends_of_all_tasks() -> None:
    async with shown(frame(part(4_000), RUNS)) as (listed, app, pilot):
        await pilot.press("G")
        assert app.turns == [(TOTAL - SIZE, "")]
        assert listed.cursor_id == RUNS.id, "the last that is here"
        listed.show(frame(part(4_000), RUNS, seq=10))
        assert listed.cursor_id == RUNS.id
        listed.show(frame(part(TOTAL - SIZE), RUNS, seq=11))
        assert listed.cursor_id == f"t{TOTAL - 1:06}"
        assert 0 <= height(listed) < ROWS
        await pilot.press("G")
        assert len(app.turns) == 1, "it is here"
        await pilot.press("g")
        assert app.turns[1:] == [(0, "")]
        listed.show(frame(part(0), RUNS, seq=12))
        assert (listed.cursor_id, height(listed)) == ("t000000", 0)
        await pilot.press("G")
        assert listed.cursor_id == RUNS.id
        listed.show(frame(part(TOTAL - 10 - SIZE), RUNS, seq=12, total=TOTAL - 10))
        assert listed.cursor_id == f"t{TOTAL - 11:06}", "there are fewer by now"
        await pilot.press("g")
        listed.show(frame(part(0), RUNS, seq=12))
        await pilot.press("G", "k")
        at = listed.cursor_id
        listed.show(frame(part(TOTAL - SIZE), RUNS, seq=13))
        assert listed.cursor_id != f"t{TOTAL - 1:06}", "the user has gone elsewhere meanwhile"
        assert at == "t001999"


async def test_a_few_tasks_are_shown_as_ever() -> None:
    plain = frame(part(0, 30), total=30)
    async with shown(replace(plain, state=replace(plain.state, page=None, alike={}))) as (listed, app, pilot):
        assert listed.ids[:2] == ("t000028", "t000026"), "the campaign's own order"
        await pilot.press("G", "pageup", "g", "j")
        listed.set_filter(compiled("9"))
        assert title(listed) == "Tasks · 3 of 30"
        assert app.turns == []
