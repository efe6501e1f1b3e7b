"""What is drawn for a change: the lines that differ, and no others."""

import gc
from collections import Counter
from collections.abc import Iterable

import pytest
from rich.cells import cell_len
from rich.console import RenderableType
from rich.style import Style
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.app import App
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from cqltui.state.events import Event, Kind
from cqltui.ui.internals import LeanCompositor
from cqltui.ui.layout import FOOTER, HEADER
from cqltui.ui.panels.view import LineView
from cqltui.ui.run import YOUNG, _collect, _share_heap
from cqltui.ui.screens.main import DRAW_S, MainScreen
from tests.ui.conftest import Bench
from tests.ui.driving import started, table
from tests.ui.night import LAUNCH_TS

KEYS = (
    *("j", "j", "G", "k", "space", "2", "right", "plus", "y", "3", "1", "z", "Z", "underscore", "j", "underscore"),
    *("slash", "4", "2", "backspace", "backspace", "tab", "5", "5", "8", "8", "1", "x", "escape"),
    *("question_mark", "pagedown", "escape", "C", "j", "escape", "enter", "J", "escape"),
)


Cells = dict[tuple[int, int], tuple[str, Style | None]]
"""What a terminal shows: the character of each cell, and how it looks."""


def _cells(x: int, y: int, strips: Iterable[Strip]) -> Cells:
    """Lay out a line from this cell on; behind a wide character stands an empty one."""
    found: Cells = {}
    for text, style, _ in (segment for strip in strips for segment in strip):
        for character in text:
            found[y, x] = character, style
            for behind in range(1, cell_len(character)):
                found[y, x + behind] = "", style
            x += cell_len(character)
    return found


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
async def test_what_differs_is_drawn_and_once(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    """What a terminal has after each key is what the stock compositor would draw anew."""
    seen: Cells = {}
    display, rows = App._display, Counter[str]()

    def shown(app: App[object], screen: Screen[object], update: RenderableType | None) -> None:
        if isinstance(update, LayoutUpdate):
            for y, strips in enumerate(update.strips):
                seen.update(_cells(0, y, strips))
        elif isinstance(update, ChopsUpdate):
            rows["drawn"] += len(update.spans)
            for y, start, end in update.spans:
                for x, strip in update.chops[y].items():
                    if strip is not None and x < end and x + strip.cell_length > start:
                        seen.update(_cells(x, y, [strip]))
        display(app, screen, update)

    monkeypatch.setattr(App, "_display", shown)
    async with started(size=size, late=False) as (bench, pilot):
        bench.app.screen.refresh()
        await bench.rest(pilot)
        for key in KEYS:
            await pilot.press(key)
            bench.now += 1.0
            await bench.rest(pilot)
            compositor = bench.app.screen._compositor
            wanted: Cells = {}
            for y, line in enumerate(Compositor._render_chops(compositor, compositor.size.region, lambda _: True)):
                wanted |= _cells(0, y, (strip for strip in line.values() if strip is not None))
            assert {
                place: (seen.get(place), cell) for place, cell in wanted.items() if seen.get(place) != cell
            } == {}, key
            for view in bench.app.screen.query(LineView):
                if view.is_on_screen and view.styles.gutter.top and view.outer_size:
                    width, height = view.outer_size
                    for y in (0, height - 1):
                        assert view._edge(y, width, height) == view._rendered(y), f"{view.id} is of before {key}"
    assert rows["drawn"] > len(KEYS)


async def test_the_cursor_is_seen_before_other_panels_follow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    async with started(size=(160, 48), late=False) as (bench, pilot):
        await pilot.press("g")
        await bench.rest(pilot)
        draw, update = MainScreen._draw_some, LeanCompositor.render_partial_update

        def panels(screen: MainScreen, seconds: float = DRAW_S) -> None:
            order.append(f"{table(bench).cursor_id} in panels, keys in {screen.focused and screen.focused.id}")
            draw(screen, seconds)

        def paint(compositor: LeanCompositor) -> ChopsUpdate | None:
            order.append("paint")
            return update(compositor)

        monkeypatch.setattr(MainScreen, "_draw_some", panels)
        monkeypatch.setattr(LeanCompositor, "render_partial_update", paint)
        await pilot.press("j")
        await bench.rest(pilot)
        assert order[:2] == ["paint", f"{table(bench).cursor_id} in panels, keys in tasks"]
        order.clear()
        bench.app.simulate_key("j")
        bench.app.simulate_key("2")
        await bench.rest(pilot)
        assert f"{table(bench).cursor_id} in panels, keys in tasks" in order, "not only after the next key"


def count_lines(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many lines each widget draws from now on, by its id."""
    drawn, render_lines = Counter[str](), LineView.render_lines

    def counted(view: LineView, crop: Region) -> list[Strip]:
        drawn[view.id or ""] += crop.height
        return render_lines(view, crop)

    monkeypatch.setattr(LineView, "render_lines", counted)
    return drawn


async def test_a_panel_of_another_size_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(size=(160, 48), late=False) as (bench, pilot):
        await pilot.press("g")  # else the list scrolls to have the cursor in its middle
        await bench.rest(pilot)
        drawn = count_lines(monkeypatch)
        await pilot.press("underscore")
        await bench.rest(pilot)
        height = table(bench).outer_size.height
    assert height <= drawn.pop("tasks") <= height + 2
    assert drawn.keys() <= {"key-line", "header"}


async def test_a_row_is_drawn_without_the_other_panels(monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(size=(160, 48), late=False) as (bench, pilot):
        await pilot.press("j")
        await bench.rest(pilot)
        drawn = count_lines(monkeypatch)
        row = table(bench).row
        table(bench).refresh_row(row + 1 - table(bench).scroll_offset.y)
        await bench.rest(pilot)
    assert drawn == {"tasks": 1}


async def test_where_the_keys_go_elsewhere_not_all_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(size=(160, 48), late=False) as (bench, pilot):
        whole, full = Counter[str](), Compositor.render_full_update
        monkeypatch.setattr(Compositor, "render_full_update", lambda *a: whole.update(["one"]) or full(*a))
        before = bench.app.screen.query_one("#tasks").styles.border_top
        await pilot.press("2")
        await bench.rest(pilot)
        assert bench.app.screen.focused is bench.app.screen.query_one("#curves")
        assert bench.app.screen.query_one("#tasks").styles.border_top != before, "it looks otherwise"
        assert not whole


async def test_a_body_of_another_size_is_laid_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(size=(160, 48), late=False) as (bench, pilot):
        askers, refresh = Counter[str](), Widget.refresh

        def counted(widget: Widget, *regions: Region, layout: bool = False, **how: bool) -> Widget:
            if layout:
                askers[widget.id or type(widget).__name__] += 1
            return refresh(widget, *regions, layout=layout, **how)

        monkeypatch.setattr(Widget, "refresh", counted)
        await pilot.press("slash")
        await bench.rest(pilot)
        rows = bench.app.screen.query_one("#body").size.height
    assert rows == 48 - HEADER - FOOTER - 2
    assert askers.keys() <= {"filterline", "LeanBar"}, "it had found the places already"


async def test_a_letter_of_the_filter_lays_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    layouts, refresh = Counter[str](), Screen._refresh_layout
    async with started(size=(160, 48), late=False) as (bench, pilot):
        await pilot.press("slash")
        await bench.rest(pilot)
        monkeypatch.setattr(Screen, "_refresh_layout", lambda *a, **k: layouts.update(["one"]) or refresh(*a, **k))
        await pilot.press("space", "space", "backspace")  # the list stays as it is, and so its scrollbar
        await bench.rest(pilot)
        field = bench.app.screen.query_one("#filter", Input)
        assert not layouts
        field.value = "seed 4 " * 40
        field.action_end()
        await bench.rest(pilot)
        assert field.scroll_x == field.max_scroll_x > 0, "the end of a long text is seen"


async def test_a_list_that_grows_lays_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    layouts, refresh = Counter[str](), Screen._refresh_layout
    async with started(size=(160, 48), late=False) as (bench, pilot):
        view = bench.app.screen.query_one("#events", LineView)
        view.hold_lines(view.size.height + 5)
        await bench.rest(pilot)
        monkeypatch.setattr(Screen, "_refresh_layout", lambda *a, **k: layouts.update(["one"]) or refresh(*a, **k))
        view.hold_lines(view.size.height + 9)
        await bench.rest(pilot)
        assert (layouts["one"], view.vertical_scrollbar.window_virtual_size) == (0, view.size.height + 9)
        assert view.max_scroll_y == 9
        view.hold_lines(view.size.height - 1)
        await bench.rest(pilot)
        assert layouts["one"] > 0, "the scrollbar goes"
        assert not view.show_vertical_scrollbar


async def test_many_tasks_are_not_looked_at_for_what_one_of_them_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    infos = [{"phase": "p", "title": f"task {i}", "index": i, "epochs": 100} for i in range(1_100)]
    running = {"status": "running", "token": "1-7", "priority": 5}
    known = {f"{i:08x}": {"info": info, "life": running, "seq": 1} for i, info in enumerate(infos)}
    events = [Event(Kind.CONNECTION, LAUNCH_TS, data={"online": True})]
    bench = Bench([*events, Event(Kind.SNAPSHOT, LAUNCH_TS, 1, 1, data={"tasks": known})], LAUNCH_TS + 5)
    async with bench.app.run_test(size=(160, 48)) as pilot:
        await bench.settle(pilot)
        looked = Counter[str]()
        for place in ("state.select.queue_history", "ui.panels.tasklist.ordered"):
            monkeypatch.setattr(f"cqltui.{place}", lambda *_, place=place: looked.update([place]))
        for second in range(1, 4):
            bench.now += 1.0
            member = {"task": f"{7:08x}", "token": "1-7", "step": second, "epoch": second}
            data = {"report": second, "members": [member]}
            bench.give(Event(Kind.PROGRESS, bench.now, 1, worker="w1", data=data))
            await bench.settle(pilot)
        assert bench.app.frame is not None
        state = bench.app.frame.state
    assert state.counted.of is state.tasks, "else they are counted anew"
    assert state.counted.phases["p"].epochs_done == 3
    assert not looked


def test_what_is_read_together_is_no_reason_to_collect_garbage() -> None:
    before = gc.get_threshold()
    try:
        _collect()
        assert gc.get_threshold()[0] == YOUNG > 10_000
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def test_threads_share_a_heap_where_the_c_library_has_several(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    class Glibc:
        def mallopt(self, option: int, value: int) -> int:
            asked.append((option, value))
            return 1

    for library in (Glibc(), object()):
        monkeypatch.setattr("ctypes.CDLL", lambda _, library=library: library)
        _share_heap()
    assert asked == [(-8, 1)], "M_ARENA_MAX, and nothing where there is no such function"


async def test_a_summary_is_shown_before_the_tasks_are_read() -> None:
    info = {"phase": "p", "epochs": 100}
    groups = [
        {"info": info, "status": "queued", "priority": 5, "count": 29_000},
        {"info": info, "status": "done", "priority": 5, "count": 1_000},
    ]
    meta = {
        "seq": 1,
        "wanted": "running",
        "campaign": {"name": "many", "phases": [{"name": "p", "title": "The phase"}]},
    }
    events = [
        Event(Kind.CONNECTION, LAUNCH_TS, data={"online": True}),
        Event(Kind.SUMMARY, LAUNCH_TS, 1, 9, data={"meta": meta, "groups": groups}),
    ]
    bench = Bench(events, LAUNCH_TS + 5)
    async with bench.app.run_test(size=(160, 48)) as pilot:
        await bench.settle(pilot)
        seen = _seen(bench)
        for words in ("30,000 tasks are being read.", "The phase", "Tasks · 30000", "1000/30000"):
            assert words in seen
        read = {"info": info, "life": {"status": "queued", "priority": 5}, "seq": 1}
        bench.give(Event(Kind.SNAPSHOT, LAUNCH_TS, 1, 9, data={"tasks": {"a": read}}))
        await bench.settle(pilot)
        assert "are being read" not in _seen(bench)
        assert bench.app.frame is not None
        assert bench.app.frame.state.counted.states == {"queued": 1}, "nothing is counted twice"


def _seen(bench: Bench) -> str:
    """All text on the screen."""
    return "\n".join(strip.text for strip in bench.app.screen._compositor.render_strips())
