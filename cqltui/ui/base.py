"""What an app of ours has beside its run: the user's keys, colours and characters."""

import os
import time
from collections.abc import Sequence

from textual.app import ReturnType
from textual.filter import LineFilter, NoColor
from textual.notifications import Notification, Notify

from cqltui.state.playhead import Playhead
from cqltui.ui.driver import PatientDriver
from cqltui.ui.ground import BACKGROUND, WAIT_S, Color, color_of, theme_on
from cqltui.ui.internals import DirectKeys, QuietErrors, take_away
from cqltui.ui.messages import Answered
from cqltui.ui.preferences import Preferences
from cqltui.ui.sheet import Sheet
from cqltui.ui.signs import StandIns
from cqltui.ui.theme import ANSI, EXTRA, THEMES, after

THEME, THEME_S = "Theme: ", 2.0


class BaseApp(QuietErrors[ReturnType], DirectKeys[ReturnType]):
    """An app as its user prefers it."""

    def __init__(self, preferences: Preferences) -> None:
        self.preferences = preferences
        self._colors = preferences.colors and "NO_COLOR" not in os.environ
        driver = None if preferences.browser else PatientDriver  # textual-serve names its own in the environment
        super().__init__(driver_class=driver, ansi_color=None if self._colors else True)
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = preferences.theme if self._colors and preferences.theme in THEMES else ANSI.name
        self.stylesheet = Sheet(self.get_css_variables())
        self.set_keymap(preferences.keymap)
        self._answer_until = 0.0
        self._told: dict[tuple[str, str], tuple[Notification, int]] = {}
        """What stands as a toast, and how often it was said, by level and text."""
        # Without colours Textual has this filter only where NO_COLOR says so, not for a terminal that has none.
        filters: list[LineFilter] = [] if self._colors else [NoColor()]
        if preferences.ascii or preferences.plain:
            filters.append(StandIns(plain=preferences.plain))
        self._own_filters = tuple(filters)

    def follow_background(self, color: Color | None) -> None:
        """Take the theme that suits the terminal's background. None: it has not said, and may do so late."""
        if color is None:
            self._answer_until = time.monotonic() + WAIT_S
        elif self._colors:
            self.theme = theme_on(color)

    def on_answered(self, message: Answered) -> None:
        """Hear what the terminal says late of its background."""
        color = color_of(message.text) if message.text.startswith(BACKGROUND) else None
        if color is not None and time.monotonic() < self._answer_until:
            self._answer_until = 0.0
            self.follow_background(color)

    def on_notify(self, message: Notify) -> None:
        """Let what is said again take the place of the toast that still says it, and count it: a key that is held down
        would fill the screen with one refusal, or with all themes."""
        new = message.notification
        theme = new.message.startswith(THEME)
        said = new.severity, THEME if theme else new.message
        self._told = {key: told for key, told in self._told.items() if not told[0].has_expired}
        times = 1
        if said in self._told:
            old, times = self._told[said]
            take_away(self, old)
            times += 1
            new.message += "" if theme else f" ({times} times)"
        self._told[said] = new, times

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return variables of app.tcss for every theme."""
        return EXTRA

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what every line of the screen goes through on its way to the terminal."""
        return [*super().get_line_filters(), *self._own_filters]

    def refresh_css(self, animate: bool = True) -> None:
        """Take new colours. Textual does so before there is a screen too, which has all parsed then in any case."""
        if self.screen_stack:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    @property
    def replay(self) -> Playhead | None:
        """Where in the run it is, if what is shown is a replay."""
        return None

    def theme_chosen(self, name: str) -> None:
        """Hear which theme the user has taken."""

    def action_theme(self) -> None:
        """Take the next theme."""
        if self._colors:
            self.theme = after(self.theme)
            self.theme_chosen(self.theme)
        self.notify(f"{THEME}{self.theme}." if self._colors else "Colours are off.", timeout=THEME_S, markup=False)
