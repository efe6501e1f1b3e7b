"""What our apps have in common: the keys that act everywhere, and hearing of other threads."""

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ReturnType
from textual.binding import Binding, BindingType
from textual.command import Provider

from cqltui.later import Later
from cqltui.state.plain import plain
from cqltui.ui.active import active_keys
from cqltui.ui.base import BaseApp
from cqltui.ui.driver import PatientDriver
from cqltui.ui.internals import driver_of
from cqltui.ui.messages import CallDone, LeaveNow, ThreadDied
from cqltui.ui.preferences import Preferences

if TYPE_CHECKING:
    from cqltui.ui.screens import help as helping
    from cqltui.ui.screens import palette
else:
    helping, palette = Later("cqltui.ui.screens.help"), Later("cqltui.ui.screens.palette")

LONGEST = 600
"""Characters of a message that is shown."""


class CommonApp(BaseApp[ReturnType]):
    """An app with help, a palette, themes, the mouse on and off, and a way out."""

    TITLE = "cqltui"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {lambda: palette.ActionsProvider}
    ALLOW_SELECT = False
    """Text is selected with the mouse off. Textual's own selection fails on a click at what has just been removed."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", id="app.help", tooltip="Show the keys that act here"),
        Binding("q", "leave", "Leave", id="app.leave", tooltip="Leave the screen; the run can go on"),
        Binding(
            "ctrl+q,ctrl+c", "leave", "Leave", show=False, priority=True,
            id="app.quit", tooltip="Leave the screen, wherever the keys go",
        ),
        Binding(
            "ctrl+p,colon", "command_palette", "Palette", show=False,
            id="app.palette", tooltip="Find an action by its name",
        ),
        Binding(
            "ctrl+z", "suspend_process", "Suspend", show=False,
            id="app.suspend", tooltip="Go back to the shell, where fg brings the screen back",
        ),
        Binding("m", "mouse", "Mouse", show=False, id="app.mouse", tooltip="Turn the mouse on or off"),
        Binding("t", "theme", "Theme", show=False, id="app.theme", tooltip="Change the colours"),
    ]  # fmt: skip

    def __init__(self, preferences: Preferences) -> None:
        super().__init__(preferences)
        self._mouse = True

    @property
    def is_whole(self) -> bool:
        """Whether every screen has its widgets. One fails when the app ends before, such as a question that a key has
        opened just as a signal comes."""
        return all(screen.is_mounted for screen in self.screen_stack)

    @abstractmethod
    def action_leave(self) -> None:
        """Leave."""

    def action_help(self) -> None:
        """Show the keys that act here. Not above a question, which is answered first."""
        if not self.screen.is_modal:
            self.push_screen(helping.HelpScreen(active_keys(self.screen, self.preferences.keymap)))

    def action_command_palette(self) -> None:
        """Show all actions by name. Not above a question either."""
        if not self.screen.is_modal:
            self.push_screen(palette.Palette(placeholder="Find an action by its name or key"))

    def action_mouse(self) -> None:
        """Give the mouse to the terminal, so that text can be selected there, or take it back."""
        self._mouse = not self._mouse
        if isinstance(driver := driver_of(self), PatientDriver):
            driver.capture_mouse(self._mouse)
        self.say("Mouse on." if self._mouse else "Mouse off: select and copy text; m turns it on.")

    def entitle(self, title: str) -> None:
        """Set the terminal's title, where there is a terminal."""
        if isinstance(driver := driver_of(self), PatientDriver):
            driver.entitle(title)

    def say(self, text: str, severity: str = "information") -> None:
        """Show a message, which may hold anything."""
        level = severity if severity in ("error", "warning") else "information"
        self.notify(plain(text, LONGEST), severity=level, markup=False)  # type: ignore[arg-type]  # one of three

    # From other threads

    def leave_now(self) -> None:
        """Leave, as soon as the screen has come up. For any thread."""
        if isinstance(driver := driver_of(self), PatientDriver):
            driver.let_go()
        self.post_message(LeaveNow())

    def post(self, then: Callable[[], None]) -> None:
        """Have `then` called on the screen's thread. For any thread."""
        self.post_message(CallDone(then))

    def died(self, error: Exception) -> None:
        """Tell that a thread has ended with an error. For that thread."""
        self.post_message(ThreadDied(error))

    def on_call_done(self, message: CallDone) -> None:
        """Take an answer from another thread."""
        message.then()
