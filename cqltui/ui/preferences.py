"""How the user wants the screen: its colours, its characters, its keys. Read once, before the screen opens."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

Level = Literal["panel", "screen", "app"]
"""Who has a key: the focused panel before its screen, and that before the app."""
AUTO = "auto"
"""The theme that suits the terminal's background."""
THEME_NAMES = (AUTO, "dark", "light", "high-contrast", "ansi")


class Preferences(Struct, frozen=True, kw_only=True):
    """What the screen is given of the user's settings, the options and the terminal."""

    theme: str = "dark"
    """One of `THEME_NAMES` but `AUTO`."""
    asks: bool = False
    """Whether the terminal is asked for its background, by which the theme is dark or light."""
    background: tuple[float, float, float] | None = None
    """What it has answered: red, green and blue, from 0 to 1. None: nothing yet."""
    colors: bool = True
    """Whether there are any."""
    ascii: bool = False
    """Draw with ASCII characters alone."""
    plain: bool = False
    """For screen readers: one panel at a time, words in place of drawings."""
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Keys by the ids of their bindings, several with commas between, as Textual names keys."""
    read_only: bool = False
    """Change nothing."""
    browser: Literal["", "look", "control"] = ""
    """In a browser, where textual-serve has started this process: what somebody may do there."""


class KeyRow(Struct, frozen=True):
    """One action for a list of all of them."""

    id: str
    keys: tuple[str, ...]
    """As Textual names them."""
    shown: tuple[str, ...]
    """As people know them."""
    help: str
    level: Level
