"""All commands by name."""

from textual.command import CommandPalette

from cqltui.ui.screens.once import Once


class Palette(CommandPalette, Once[None]):
    """The stock palette; of a second click beside it, the stock one would close the screen below."""
