"""All commands by name."""

from textual.command import CommandList, CommandPalette

from cqltui.ui.screens.once import Once


class Palette(CommandPalette, Once[None]):
    """The stock palette; of a second click beside it, the stock one would close the screen below.

    It would fail at a page key while its list is not seen.
    """

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether a key does something now."""
        if action == "command_list" and not any(found.scrollable_content_region for found in self.query(CommandList)):
            return False
        return super().check_action(action, parameters)
