"""Who handles a message is found once, and is who Textual would find each time."""

import inspect
from typing import Any

import pytest
from textual import events, on
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.widget import Widget
from textual.widgets import Input

from cqltui.ui.internals import QuickPump, owners
from cqltui.ui.panels.body import Body
from tests.ui.driving import started

KINDS = tuple(
    kind for _, kind in inspect.getmembers(events, inspect.isclass) if issubclass(kind, Message) and kind is not Message
)


class Said(Message):
    """Something."""


class Below(Widget):
    """Writes down what its handlers are called with."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def on_said(self, message: Said) -> None:
        self.heard.append("below")

    def _on_said(self, message: Said) -> None:
        self.heard.append("below, first")

    @on(Input.Changed, "#wanted")
    def changed(self) -> None:
        self.heard.append("changed")


class Above(QuickPump, Below):
    """Hears it first."""

    silent = False

    def on_said(self, message: Said) -> None:
        self.heard.append("above")
        if self.silent:
            message.prevent_default()


def bare(kind: type[Message]) -> Message:
    """A message as far as who handles it goes."""
    message = kind.__new__(kind)
    message._no_default_action, message._sender = False, None
    return message


async def test_they_are_those_that_textual_finds() -> None:
    assert len(KINDS) > 30
    async with started(size=(160, 48), late=False) as (bench, _):
        found = 0
        pumps: list[MessagePump] = [bench.app, bench.app.screen, *bench.app.screen.query(Widget)]
        quick = [pump for pump in pumps if isinstance(pump, QuickPump)]
        assert any(isinstance(pump, Body) for pump in quick)
        for pump in quick:
            for message in map(bare, KINDS):
                for name in (message.handler_name, "on_idle"):
                    stock = list(MessagePump._get_dispatch_methods(pump, name, message))
                    assert list(pump._get_dispatch_methods(name, message)) == stock
                    found += len(stock)
        assert found > 100


class Home(App[None]):
    """Has the widget."""

    def __init__(self) -> None:
        super().__init__()
        self.above = Above()

    def compose(self) -> Any:
        yield self.above


@pytest.mark.parametrize("silent", [False, True])
async def test_one_that_prevents_the_default_is_the_last(*, silent: bool) -> None:
    app = Home()
    async with app.run_test() as pilot:
        app.above.silent = silent
        for _ in range(2):
            app.above.post_message(Said())
            await pilot.pause()
        # A private handler takes the place of a public one of the same class.
        assert app.above.heard == 2 * (["above"] if silent else ["above", "below, first"])


async def test_one_that_goes_by_the_sender_is_asked_each_time() -> None:
    app = Home()
    async with app.run_test() as pilot:
        assert owners(Above, "on_input_changed", Input.Changed) is None
        for wanted in ("wanted", "other", "wanted"):
            field = Input(id=wanted)
            await app.above.mount(field)
            field.value = "x"
            await pilot.pause()
            await field.remove()
        assert app.above.heard == ["changed", "changed"]
