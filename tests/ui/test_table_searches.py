"""How very many tasks are searched, sorted, folded and marked in the task list."""

from msgspec.structs import replace

from cqltui.state.eta import Estimate
from cqltui.state.filter import compiled
from cqltui.state.page import SIZE
from cqltui.ui.frame import Frame
from cqltui.ui.panels.pages import AGAIN_S, PATIENCE_S
from tests.ui.paged import RUNS, TOTAL, found, frame, part, shown, state, task, title
from tests.ui.test_table import NOW


async def test_a_filter_searches_all_and_the_page_before_comes_back() -> None:
    at = Frame(state(part(4_000), [RUNS]), Estimate(None, {}, {}), NOW, stall_s=7.0)
    async with shown(at) as (listed, app, pilot):
        listed.move_to(600)
        listed.set_filter(compiled("title"))
        listed.set_filter(compiled("title:999"))
        assert app.turns == [(0, "title"), (0, "title:999")], "the last wish counts"
        wanted = app.tests[-1]
        assert wanted is not None
        assert (wanted(task(1_999)), wanted(task(2_000))) == (True, False)
        assert list(listed.ids) == ["t004999", "t005999"], "what is held is filtered at once"
        assert title(listed) == "Tasks · 2 found, 0 of 1,000,000 looked at"
        hits = [999, 1_999, 2_999]
        listed.show(frame(found("title", [1], 5), RUNS, seq=10))
        assert title(listed) == "Tasks · 0 found, 0 of 1,000,000 looked at", "that was another wish"
        listed.show(frame(found("title:999", hits, 412_000), RUNS, seq=11))
        assert list(listed.ids) == ["t000999", "t001999", "t002999"]
        assert title(listed) == "Tasks · 3 found, 412,000 of 1,000,000 looked at"
        listed.show(frame(found("title:999", hits, 600_000), RUNS, seq=11))
        assert title(listed) == "Tasks · 3 found, 600,000 of 1,000,000 looked at"
        listed.show(frame(found("title:999", [*hits, 3_999], TOTAL, True), RUNS, seq=11))
        assert title(listed) == "Tasks · 4 of 1,000,000"
        listed.sort_by("title")
        assert title(listed) == "Tasks · 4 of 1,000,000", "these are all"
        listed.sort_by("")
        assert app.turns == [(0, "title"), (0, "title:999")]
        listed.set_filter(compiled(""))
        assert app.turns[2:] == [(4_000, "")]
        assert app.tests[-1] is None
        assert title(listed) == "Tasks · 1,000,000 · 5 here"
        listed.show(frame(part(4_000), RUNS, seq=12))
        assert listed.cursor_id == "t004600", "where it was before"
        assert title(listed) == "Tasks · 1,000,000 · 4,001-6,000 here and 1 other"
        await pilot.press("j")
        assert len(app.turns) == 3


async def test_a_filter_that_finds_a_page_says_that_there_may_be_more_and_no_cursor_turns_it() -> None:
    async with shown(frame(part(4_000))) as (listed, app, pilot):
        listed.set_filter(compiled("title"))
        many = found("title", range(0, 3 * SIZE, 3), 6_000, through=True)
        listed.show(frame(many, seq=10))
        assert title(listed) == "Tasks · the first 2,000 found of 1,000,000"
        listed.sort_by("title")
        assert title(listed) == "Tasks · the first 2,000 found of 1,000,000 · sorted: those here"
        listed.sort_by("")
        listed.move_to(SIZE - 1)
        await pilot.press("j", "G", "g", "k")
        assert app.turns == [(0, "title")]


async def test_a_filter_that_is_cleared_before_an_answer_ends_the_search() -> None:
    async with shown(frame(part(4_000))) as (listed, app, pilot):
        listed.set_filter(compiled("x"))
        listed.set_filter(compiled(""))
        assert app.turns == [(0, "x"), (4_000, "")]
        listed.show(frame(part(4_000), seq=10))
        assert len(app.turns) == 2
        listed.show(frame(found("x", [], 100), seq=11))
        listed.show(frame(found("x", [5, 6], 200), seq=12))
        await pilot.press("G", "j")
        assert app.turns[2:] == [(4_000, "")], "a late answer is none, and sent back once"


async def test_a_filter_that_was_there_before_searches_too() -> None:
    async with shown(frame(part(0))) as (listed, app, _):
        listed.filter = compiled("x")
        listed.show(frame(part(0), seq=10))
        listed.show(frame(part(0), seq=11))
        assert app.turns == [(0, "x")]
        listed.pages.clock = lambda: PATIENCE_S
        listed.show(frame(part(0), seq=12))
        assert app.turns == [(0, "x")] * 2, "nobody has answered"


async def test_a_live_filter_is_searched_again_a_while_after_its_end() -> None:
    async with shown(frame(part(0))) as (listed, app, _):
        clock = [0.0]
        listed.pages.clock = lambda: clock[0]
        for words, again in (("loss<1", 1), ("title:7", 0)):
            app.turns.clear()
            clock[0] += 1_000
            listed.set_filter(compiled(words))
            assert listed.filter.live == bool(again)
            listed.show(frame(found(words, [7], 10), seq=10))
            clock[0] += AGAIN_S + 1
            partly = frame(found(words, [7], 20), seq=10)
            listed.show(partly)
            clock[0] += AGAIN_S + 1
            listed.show(replace(partly, now=NOW + 1))
            assert len(app.turns) == 1, "it goes on"
            through = frame(found(words, [7], TOTAL, through=True), seq=10)
            listed.show(through)
            clock[0] += AGAIN_S - 1
            listed.show(replace(through, now=NOW + 1))
            assert len(app.turns) == 1
            clock[0] += 1
            listed.show(replace(through, now=NOW + 2))
            listed.show(replace(through, now=NOW + 3))
            assert app.turns == [(0, words)] * (1 + again)


async def test_sorted_and_folded_it_says_that_it_is_of_those_here_and_turns_no_page() -> None:
    async with shown(frame(part(4_000), RUNS)) as (listed, app, pilot):
        listed.sort_by("title")
        here = "Tasks · 1,000,000 · 4,001-6,000 here and 1 other"
        assert title(listed) == f"{here} · sorted: those here"
        assert listed.ids[0] == "t004000"
        listed.move_to(SIZE - 5)
        await pilot.press("j", "G", "g", "pageup")
        assert app.turns == []
        listed._fold("phase")
        assert title(listed) == f"{here} · sorted and phase folded: those here"
        listed.sort_by("")
        assert title(listed) == f"{here} · phase folded: those here"
        listed.action_unfold()
        assert title(listed) == here


async def test_marks_of_tasks_that_are_gone_are_gone() -> None:
    async with shown(frame(part(0))) as (listed, _, pilot):
        listed.move_to(999)
        await pilot.press("space", "v", "j")
        assert listed.marked == {"t000999", "t001000", "t001001"}
        assert title(listed) == "Tasks · 1,000,000 · 1-2,000 here · 3 marked · range"
        listed.show(frame(part(1_001), seq=10))
        assert listed.marked == {"t001001"}
        assert title(listed) == "Tasks · 1,000,000 · 1,002-3,001 here · 1 marked", (
            "the range began where nothing is now"
        )
        await pilot.press("V")
        assert title(listed).endswith("· 2,000 marked")
