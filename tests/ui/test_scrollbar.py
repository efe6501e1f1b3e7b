"""The scrollbar of a list, beside the one that Textual draws."""

import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from cqltui.ui.panels.scrollbar import LeanBar
from cqltui.ui.panels.view import LineView
from tests.ui.driving import started, table

ROWS = 12


class Alone(App[None]):
    """A list, and nothing else."""

    CSS = "LineView { height: 12; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }"

    def compose(self) -> ComposeResult:
        """Yield the list."""
        yield LineView("list")


def cells(strips: list[Strip]) -> list[tuple[str, Style | None]]:
    """The characters of the rows, and how each looks."""
    return [(character, one.style) for strip in strips for one in strip for character in one.text]


def stock(bar: LeanBar) -> list[Strip]:
    """The rows as Textual draws them."""
    return Widget.render_lines(bar, Region(0, 0, bar.size.width, bar.size.height))


@pytest.mark.parametrize("count", [13, 40, 5_000])
async def test_it_looks_as_textual_draws_it_at_each_place(count: int) -> None:
    app = Alone()
    async with app.run_test(size=(40, ROWS)) as pilot:
        view = app.query_one(LineView)
        view.hold_lines(count)
        await pilot.pause()
        bar = view.vertical_scrollbar
        assert isinstance(bar, LeanBar)
        looks = set()
        for y in (0, 1, count // 3, count - ROWS - 1, count):
            view.scroll_to(y=y, animate=False, force=True, immediate=True)
            await pilot.pause()
            found = bar.render_lines(Region(0, 0, 1, ROWS))
            assert cells(found) == cells(stock(bar))
            assert bar.render_lines(Region(0, 3, 1, 2)) == found[3:5]
            looks.add(str(cells(found)))
    assert len(looks) >= 2


async def test_it_is_drawn_anew_under_the_mouse_in_another_theme_and_without_colours() -> None:
    app = Alone()
    async with app.run_test(size=(40, ROWS)) as pilot:
        view = app.query_one(LineView)
        view.hold_lines(50)
        await pilot.pause()
        bar = view.vertical_scrollbar
        assert isinstance(bar, LeanBar)
        region = Region(0, 0, 1, ROWS)
        seen = [cells(bar.render_lines(region))]
        await pilot.hover(offset=(39, 6))
        seen.append(cells(bar.render_lines(region)))
        app.theme = "textual-light"
        await pilot.pause()
        seen.append(cells(bar.render_lines(region)))
        assert seen[-1] == cells(stock(bar))
    assert len(set(map(str, seen))) == 3


async def test_the_mouse_pages_and_drags_it() -> None:
    async with started(size=(160, 48), late=False) as (bench, pilot):
        tasks = table(bench)
        bar = tasks.vertical_scrollbar
        assert isinstance(bar, LeanBar)
        assert bar.display
        await pilot.click(bar, offset=(0, bar.size.height - 1))
        await pilot.wait_for_scheduled_animations()
        below = tasks.scroll_offset.y
        assert below > 0
        await pilot.mouse_down(bar, offset=(0, bar.size.height - 2))
        await pilot.hover(bar, offset=(0, 0))
        await pilot.mouse_up(bar, offset=(0, 0))
        await pilot.wait_for_scheduled_animations()
        assert tasks.scroll_offset.y < below


async def test_a_bar_that_comes_or_goes_lays_the_screen_out_once() -> None:
    app = Alone()
    async with app.run_test(size=(40, ROWS)) as pilot:
        view = app.query_one(LineView)
        laid_out: list[object] = []
        app.screen.screen_layout_refresh_signal.subscribe(app.screen, laid_out.append)
        for number, count in enumerate((50, 5, 60), 1):
            view.hold_lines(count)
            await pilot.pause()
            assert view.vertical_scrollbar.display == (count > ROWS)
            assert len(laid_out) == number


@pytest.mark.parametrize("before", [(), ("underscore",)])
async def test_a_panel_that_is_zoomed_lays_the_screen_out_once(before: tuple[str, ...]) -> None:
    async with started(size=(160, 48), late=False) as (bench, pilot):
        await pilot.press(*before)
        await bench.rest(pilot)
        screen = bench.app.screen
        laid_out: list[object] = []
        screen.screen_layout_refresh_signal.subscribe(screen, laid_out.append)
        await pilot.press("underscore")
        await bench.rest(pilot)
    assert len(laid_out) == 1
