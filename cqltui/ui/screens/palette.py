"""All actions by name."""

from functools import partial

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider

from cqltui.ui.active import ActiveKey, active_keys
from cqltui.ui.base import BaseApp
from cqltui.ui.bindings import shown
from cqltui.ui.screens.once import Once

ITSELF = "app.palette"


class ActionsProvider(Provider):
    """What the keys do at the panel that had them, shown in the last line or not. The panel's own come first,
    moving last."""

    def _actions(self) -> list[ActiveKey]:
        app = self.app
        keys = active_keys(self.screen, app.preferences.keymap) if isinstance(app, BaseApp) else ()
        found = [key for key in keys if key.enabled and key.id != ITSELF]
        return sorted(found, key=lambda key: key.id.startswith("list."))

    async def discover(self) -> Hits:
        """Yield all, while nothing is typed."""
        for key in self._actions():
            yield DiscoveryHit(key.tooltip, partial(self.app.run_action, key.action, key.node), help=shown(key.keys))

    async def search(self, query: str) -> Hits:
        """Yield those whose sentence or short name matches, or whose key it is."""
        matcher = self.matcher(query)
        for key in self._actions():
            score = 1.0 if query in {key.label, key.id} else max(map(matcher.match, (key.tooltip, key.description)))
            if score > 0:
                run = partial(self.app.run_action, key.action, key.node)
                yield Hit(score, matcher.highlight(key.tooltip), run, help=shown(key.keys))


class Palette(CommandPalette, Once[None]):
    """The stock palette; of a second click beside it, the stock one would close the screen below.

    It would fail at a page key while its list is not seen.
    """

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether a key does something now."""
        if action == "command_list" and not any(found.scrollable_content_region for found in self.query(CommandList)):
            return False
        return super().check_action(action, parameters)
