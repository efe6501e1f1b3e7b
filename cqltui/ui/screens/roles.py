"""Screens that have the colours of all roles of lines, and those that draw frames."""

from typing import ClassVar

from textual.screen import ScreenResultType

from cqltui.ui.frame import Frame
from cqltui.ui.internals import SteadyScreen
from cqltui.ui.line import ROLES
from cqltui.ui.messages import StateChanged


class RoleScreen(SteadyScreen[ScreenResultType]):
    """What views with lines stand on. The first base of a screen: Textual looks for styles along first bases only.

    The styles are here and not in each view: Textual matches each of them with every rule whenever a widget's styles
    may change.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"role--cursor", *(f"role--{role}" for role in ROLES)}


class FrameScreen(RoleScreen[None]):
    """A screen that the app has draw each frame."""

    frame: Frame | None = None

    @property
    def is_there(self) -> bool:
        """Whether it has all of its widgets: one that is being made or taken down has not."""
        return self.is_mounted and self.is_running and self.is_attached

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        self.frame = frame
        if self.is_there:
            self.draw(frame)

    def draw(self, frame: Frame) -> None:
        """Draw what differs; for the screens to say how."""
        raise NotImplementedError

    def on_screen_resume(self) -> None:
        """Draw it: it was hidden."""
        self.app.post_message(StateChanged())
