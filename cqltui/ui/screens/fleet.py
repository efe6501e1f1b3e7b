"""All workers of the run, by machine and block, on a screen of their own."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from cqltui.errors import CqltuiError
from cqltui.state.placed import BlockInfo
from cqltui.ui.feeds import Feeds
from cqltui.ui.fleetlines import fleet_lines
from cqltui.ui.frame import Frame
from cqltui.ui.panels.header import Header
from cqltui.ui.panels.keys import KeyLine
from cqltui.ui.panels.panel import Panel
from cqltui.ui.screens.once import Once
from cqltui.ui.screens.roles import FrameScreen

LEAST_CELLS = 40
"""Lines are made for at least so many."""


class FleetPanel(Panel):
    """Made from the frame, and from what the engines of blocks have told."""

    blocks: tuple[BlockInfo, ...] = ()

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return what the lines are made from."""
        return (*super().needs(frame), self.blocks, *frame.news)

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        self.set_lines(fleet_lines(frame, self.blocks, max(self.cells, LEAST_CELLS)))


class FleetScreen(FrameScreen, Once[None]):
    """A list that scrolls. Changes nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,F", "back", "Back", id="fleet.back", tooltip="Go back to the panels"),
    ]

    def __init__(self, feeds: Feeds, frame: Frame) -> None:
        super().__init__()
        self._feeds = feeds
        self.frame = frame

    def compose(self) -> ComposeResult:
        """Yield the list under the run's header."""
        yield Header("header")
        yield FleetPanel("fleet", "Fleet")
        yield KeyLine()

    def on_mount(self) -> None:
        """Read what was read for another screen of this kind."""
        self._feeds.blocks.forget()
        self.query_one(FleetPanel).focus()

    def draw(self, frame: Frame) -> None:
        """Draw what differs, and ask how the blocks stand."""
        self.query_one(Header).show(frame)
        self.query_one(FleetPanel).follow(frame)
        if frame.state.online:
            self._feeds.blocks.follow(0, frame.estimate, frame.now, self._told, self._failed)

    def _told(self, blocks: tuple[BlockInfo, ...]) -> None:
        self._draw_with(blocks, "")

    def _failed(self, error: CqltuiError) -> None:
        self._draw_with((), f"blocks cannot be read: {error}")

    def _draw_with(self, blocks: tuple[BlockInfo, ...], foot: str) -> None:
        if self.is_there:
            panel = self.query_one(FleetPanel)
            panel.foot(foot)
            if blocks != panel.blocks and self.frame is not None:
                panel.blocks = blocks
                panel.follow(self.frame)

    def action_back(self) -> None:
        """Go back."""
        self.dismiss(None)
