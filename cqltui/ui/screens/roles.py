"""A screen that has the colours of all roles of lines."""

from typing import ClassVar

from textual.screen import ScreenResultType

from cqltui.ui.internals import SteadyScreen
from cqltui.ui.line import ROLES


class RoleScreen(SteadyScreen[ScreenResultType]):
    """What views with lines stand on. The first base of a screen: Textual looks for styles along first bases only.

    The styles are here and not in each view: Textual matches each of them with every rule whenever a widget's styles
    may change.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"role--cursor", *(f"role--{role}" for role in ROLES)}
