"""Keys in quick succession, as a paste or a slow line brings them: all have arrived before the first is acted on."""

import pkgutil
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from itertools import permutations
from typing import Any

import pytest
from msgspec import Struct
from textual.events import Click, Key
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static

from cqltui.state.events import Kind
from cqltui.state.model import Wanted
from cqltui.ui import screens
from cqltui.ui.panels.tasks import TaskTable
from cqltui.ui.ports import LeaveChoice
from cqltui.ui.screens.columns import ColumnChooser
from cqltui.ui.screens.details import DetailsScreen
from cqltui.ui.screens.dialog import Dialog
from cqltui.ui.screens.fleet import FleetScreen
from cqltui.ui.screens.help import HelpScreen
from cqltui.ui.screens.main import MainScreen
from cqltui.ui.screens.number import NumberDialog
from cqltui.ui.screens.palette import Palette
from cqltui.ui.typed import Typed
from tests.ui.conftest import Bench
from tests.ui.driving import ALL, RUNNING, changed, started

CHARACTERS = {"slash": "/", "question_mark": "?", "plus": "+", "minus": "-", "less_than_sign": "<", "enter": "\r"}
OPENERS: dict[type[Screen[Any]], tuple[tuple[str, ...], ...]] = {
    MainScreen: ((), ("tab",), ("shift+tab",), ("slash",)),
    ColumnChooser: (("C",),),
    DetailsScreen: (("enter",),),
    Dialog: (("x",), ("q",)),
    NumberDialog: (("w",),),
    FleetScreen: (("F",),),
    HelpScreen: (("question_mark",),),
    Palette: (("ctrl+p",),),
}
"""How each screen is reached, with the widget that has the keys then."""


def all_screens() -> set[type[Screen[Any]]]:
    """The screens that the program has, from its code."""
    for module in pkgutil.iter_modules(screens.__path__, f"{screens.__name__}."):
        import_module(module.name)
    found: set[type[Screen[Any]]] = set()
    todo: list[type[Screen[Any]]] = [Screen]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        found.add(kind)
    ours = {kind for kind in found if kind.__module__.startswith(screens.__name__)}
    return {kind for kind in ours if not ours & set(kind.__subclasses__())}


def key_event(key: str) -> Key:
    """As the terminal's driver makes it."""
    return Key(key, CHARACTERS.get(key, key if len(key) == 1 else None))


class Seen(Struct, frozen=True):
    """What keys have brought about."""

    screens: tuple[str, ...]
    calls: tuple[tuple[object, ...], ...]
    left: tuple[object, ...]
    cursor: str
    marked: frozenset[str]
    filter: str
    answer: int | None
    """The answer that is preselected."""


def owner(node: object, action: str) -> type:
    """The class that has the action's code."""
    method = f"action_{action.partition('(')[0].rpartition('.')[2]}"
    return next((kind for kind in type(node).__mro__ if method in vars(kind)), type(node))


class Desk:
    """One app for many bursts."""

    def __init__(self, bench: Bench, pilot: Pilot[LeaveChoice], monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench, self.pilot, self.app = bench, pilot, bench.app
        self.left: list[object] = []
        monkeypatch.setattr(bench.app, "exit", self.left.append)
        self._draws, bench.draws = bench.draws, None

    async def burst(self, keys: Iterable[str], *, drawn: bool = True) -> None:
        """All at once, wait until nothing more happens, and draw what there is then, if that has not been seen yet."""
        for key in keys:
            self.app.post_message(key_event(key))
        await self.rest()
        if drawn and self._draws is not None:
            self._draws.draw()

    async def rest(self) -> None:
        """Wait until nothing more happens, and each command has been answered."""
        await self.bench.commands(self.pilot)

    async def to(self, opener: Iterable[str]) -> None:
        """The screen that the keys open, from a main screen as at the beginning."""
        while len(self.app.screen_stack) > 1:
            self.app.workers.cancel_node(self.app.screen)  # as the palette does when it is left by a key
            await self.app.pop_screen()
        main = self.app.screen
        assert isinstance(main, MainScreen)
        main.action_clear()
        main.action_clear()
        main.tasks.focus()
        await self.rest()
        main.tasks.move_to(main.tasks.ids.index(RUNNING))
        self.app._control._pending.clear()
        self.app._typed._closer = ""
        for key in opener:
            await self.burst([key], drawn=False)
        self.bench.requests.calls.clear()
        self.left.clear()

    def seen(self) -> Seen:
        """What there is now."""
        main = self.app.screen_stack[0]
        tasks = main.query_one(TaskTable)
        names = tuple(type(screen).__name__ for screen in self.app.screen_stack)
        value = main.query_one("#filter", Input).value
        calls = tuple(self.bench.requests.calls)
        screen = self.app.screen
        answer = screen.query_one(OptionList).highlighted if isinstance(screen, Dialog | Palette) else None
        return Seen(names, calls, tuple(self.left), tasks.cursor_id, frozenset(tasks.marked), value, answer)

    def acting(self) -> dict[str, object]:
        """Every key that does something here, by binding or as an answer, and what tells its deed from another's: the
        same code acts for every widget that has it from the same class, and for every widget within a screen."""
        screen = self.app.screen
        answers = screen._choices if isinstance(screen, Dialog) else []
        types = isinstance(self.app.focused, Input)
        deeds: dict[str, object] = {
            key: (key, types, owner(found.node, found.binding.action)) for key, found in screen.active_bindings.items()
        }
        return deeds | {choice.key: (choice.key, tuple(answers)) for choice in answers}


@asynccontextmanager
async def desk(monkeypatch: pytest.MonkeyPatch, *, at_the_end: bool = False) -> AsyncIterator[Desk]:
    """One app for a test. `at_the_end`: what is to be drawn is, once a burst has come to its end."""
    async with started(late=at_the_end) as (bench, pilot):
        with monkeypatch.context() as patch:
            yield Desk(bench, pilot, patch)


@pytest.mark.parametrize("screen", OPENERS, ids=lambda screen: screen.__name__)
async def test_each_key_three_times_in_one_burst(screen: type[Screen[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(monkeypatch, at_the_end=True) as found:
        tried: set[object] = set()
        for opener in OPENERS[screen]:
            await found.to(opener)
            before = found.seen()
            assert before.screens[-1] == screen.__name__
            for key, deed in found.acting().items():
                if deed in tried:
                    continue
                tried.add(deed)
                if found.seen() != before:
                    await found.to(opener)
                await found.burst([key] * 3)
                thrice = found.seen()
                assert found.app.is_running
                assert thrice.screens[: len(before.screens) - 1] == before.screens[:-1], f"{key}: one screen at most"
                if len(thrice.screens) < len(before.screens) or thrice.left:
                    await found.to(opener)
                    await found.burst([key], drawn=False)
                    assert thrice == found.seen(), f"{key} on {screen.__name__}: the first answer wins"


def test_the_bursts_cover_every_screen() -> None:
    assert all_screens() <= set(OPENERS)


BURSTS: list[tuple[Sequence[str], list[tuple[object, ...]], list[object]]] = [
    ("xnnn", [], []),
    (("x", "enter", "enter"), [], []),
    ("qccc", [], []),
    ("xy", [("cancel", RUNNING)], []),
    ("xyyy", [("cancel", RUNNING)], []),
    ("xnp", [], []),
    ("qbs", [], [LeaveChoice.BACKGROUND]),
    ("qsd", [("want", Wanted.STOPPED)], [LeaveChoice.STOP]),
    (("question_mark", "q", "q"), [], []),
    (("enter", "x", "y"), [("cancel", RUNNING)], []),
    (("enter", "escape", "p"), [], []),
    (("slash", "x", "y", "enter"), [], []),
    (("j", "j", "k", "p"), [("pause", ALL[18].id)], []),
]
"""Keys, the commands that they give, and what the app is left with."""


async def test_a_burst_is_acted_on_key_by_key_up_to_the_first_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(monkeypatch, at_the_end=True) as found:
        for keys, calls, left in BURSTS:
            await found.to(())
            await found.burst(keys)
            assert (found.bench.requests.calls, found.left) == (calls, left), keys


async def test_no_screen_is_opened_above_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(monkeypatch, at_the_end=True) as found:
        for first, second in permutations(("ctrl+p", "question_mark", "ctrl+q"), 2):
            await found.to(())
            await found.burst([first, second, first, second])
            assert found.app.is_running
            names = found.seen().screens
            assert len(set(names)) == len(names), (first, second)


async def test_an_answer_that_is_clicked_twice_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(monkeypatch) as found:
        await found.to("x")
        options = found.app.screen.query_one(OptionList)
        for _ in range(2):
            options.action_select()
        await found.rest()
        assert found.seen().screens == ("MainScreen",)


async def test_two_clicks_beside_the_palette_close_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(monkeypatch) as found:
        await found.to(("enter", "ctrl+p"))
        palette = found.app.screen
        for _ in range(2):
            palette.post_message(Click(palette, 0, 0, 0, 0, 1, False, False, False, screen_x=0, screen_y=0))
        await found.rest()
        assert found.seen().screens == ("MainScreen", "DetailsScreen")


@pytest.mark.parametrize("opener", ["ctrl+p", "q"])
async def test_page_keys_where_a_list_has_no_room_do_nothing(opener: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(monkeypatch) as found:
        await found.to((opener,))
        await found.bench.until(found.pilot, lambda: found.app.screen.query_one(OptionList).highlighted is not None)
        for size in ((20, 2), (80, 24)):
            await found.pilot.resize_terminal(*size)
            found.app.screen.query_one(OptionList).display = size[1] > 2
            await found.burst(["pagedown", "pageup"])
            assert found.app.is_running


async def test_a_click_at_what_has_just_gone_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(monkeypatch) as found:
        gone = Static("a message that was clicked away")  # the last layout still has it there
        monkeypatch.setattr(found.app.screen, "get_widget_and_offset_at", lambda x, y: (gone, Offset(0, 0)))
        await found.pilot.mouse_down(offset=(20, 20))
        await found.rest()
        assert found.app.is_running


async def test_what_was_typed_while_a_question_settled_itself_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(monkeypatch) as found:
        await found.to("x")
        late = key_event("p")
        found.bench.give(changed(found.bench, Kind.TASK_DONE, RUNNING, "done", finished_ts=found.bench.now))
        await found.bench.until(found.pilot, lambda: found.bench.shows(MainScreen))
        found.app.post_message(late)
        await found.burst("j")
        assert found.bench.requests.calls == []


async def test_keys_typed_after_an_answer_act(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(monkeypatch) as found:
        await found.to("x")
        await found.burst("n")
        await found.burst("p")
        await found.bench.until(found.pilot, lambda: found.bench.requests.calls == [("pause", RUNNING)])


async def test_a_widget_that_hangs_holds_up_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqltui.ui.typed.PATIENCE_S", 0.01)
    async with desk(monkeypatch) as found:
        with monkeypatch.context() as patch:
            patch.setattr(Typed, "_round", lambda _: None)  # as if a widget never came to its next message
            await found.burst("jj")
        await found.bench.until(found.pilot, lambda: found.seen().cursor == ALL[19].id)
