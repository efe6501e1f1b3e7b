"""What a key is bound to is done at once, unless somebody on its usual way may want the key for itself."""

from typing import ClassVar

import pytest
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Input

from cqltui.ui.base import BaseApp
from cqltui.ui.preferences import Preferences


class Panel(Widget, can_focus=True):
    """Has a key."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("a", "act", "Act"), Binding("b", "act", "Act")]

    def action_act(self) -> None:
        """Write it down."""
        assert isinstance(self.app, Home)
        self.app.done.append("panel")


class Hearing(Vertical):
    """Wants a key for itself."""

    def key_b(self) -> None:
        """Write it down."""
        assert isinstance(self.app, Home)
        self.app.done.append("heard")


class Eager(Panel):
    """Wants all keys for itself."""

    def on_key(self, event: Key) -> None:
        """Keep it."""
        assert isinstance(self.app, Home)
        self.app.done.append(f"{event.key} kept")
        event.stop()


class Home(BaseApp[None]):
    """An app with bindings of three kinds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "app", "App"),
        Binding("c", "app", "App"),
        Binding("f2", "first", "First", priority=True),
        Binding("d", "off", "Off"),
    ]

    def __init__(self) -> None:
        super().__init__(Preferences())
        self.done: list[str] = []

    def compose(self) -> ComposeResult:
        yield Panel(id="panel")
        with Hearing():
            yield Panel(id="inner")
        yield Eager(id="eager")
        yield Input(id="field")

    def action_app(self) -> None:
        self.done.append("app")

    def action_first(self) -> None:
        self.done.append("first")

    def action_off(self) -> None:
        raise AssertionError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "off"


def key_of(name: str) -> Key:
    return Key(name, name if len(name) == 1 else None)


CASES = [
    ("panel", "a", True, ["panel"]),
    ("panel", "c", True, ["app"]),
    ("panel", "f2", True, ["first"]),
    ("panel", "d", False, []),  # what cannot be done now
    ("panel", "x", False, []),
    ("inner", "a", True, ["panel"]),
    ("inner", "b", False, []),
    ("eager", "a", False, []),
    ("field", "a", False, []),
]


@pytest.mark.parametrize(("focused", "name", "acts", "done"), CASES)
async def test_it_is_done_at_once_or_not_at_all(focused: str, name: str, acts: bool, done: list[str]) -> None:
    app = Home()
    async with app.run_test() as pilot:
        app.query_one(f"#{focused}").focus()
        await pilot.pause()
        assert await app.act_on(key_of(name)) is acts
        assert app.done == done


async def test_the_usual_way_does_the_rest() -> None:
    app = Home()
    async with app.run_test() as pilot:
        for focused, name in (("panel", "a"), ("inner", "b"), ("eager", "a"), ("field", "a")):
            app.query_one(f"#{focused}").focus()
            await pilot.press(name)
        assert app.done == ["panel", "heard", "panel", "a kept"]
        assert app.query_one(Input).value == "a"


async def test_what_is_maximized_and_an_app_without_the_keys_take_the_usual_way() -> None:
    app = Home()
    async with app.run_test() as pilot:
        panel = app.query_one("#panel")
        panel.focus()
        await pilot.pause()
        app.app_focus = False
        assert not await app.act_on(key_of("a"))
        app.app_focus = True
        app.screen.maximize(panel)
        assert not await app.act_on(key_of("a"))
        app.screen.minimize()
        assert await app.act_on(key_of("a"))
